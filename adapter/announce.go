package adapter

import (
	"context"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/rules"
)

// announced is a request that an HPA is going to make, again and again.
type announced struct {
	// hpa is namespace/name.
	hpa       string
	api       string
	namespace string
	metric    string
	selector  labels.Selector
	// kind and name are the objects of the custom metrics API; without a name all of them.
	kind rules.Kind
	name string
}

// announcements are the requests that the HPA controller makes for an HPA. A Pods metric asks for all pods that the
// selector of the target matches; an Object metric asks for the one object.
func announcements(hpa *autoscalingv2.HorizontalPodAutoscaler, kinds *kindTable) []announced {
	var out []announced
	add := func(a announced, metric autoscalingv2.MetricIdentifier) {
		a.hpa = hpa.Namespace + "/" + hpa.Name
		a.metric = metric.Name
		var err error
		if a.selector, err = selectorOf(metric.Selector); err == nil {
			out = append(out, a)
		}
	}
	for _, m := range hpa.Spec.Metrics {
		switch {
		case m.Resource != nil, m.ContainerResource != nil:
			if kind, ok := kinds.Kind(schema.GroupResource{Resource: "pods"}); ok {
				add(announced{api: resourceName, namespace: hpa.Namespace, kind: kind}, autoscalingv2.MetricIdentifier{})
			}
		case m.Pods != nil:
			if kind, ok := kinds.Kind(schema.GroupResource{Resource: "pods"}); ok {
				add(announced{api: customAPI, namespace: hpa.Namespace, kind: kind}, m.Pods.Metric)
			}
		case m.Object != nil:
			object := m.Object.DescribedObject
			kind, ok := kinds.kindOfObject(object.APIVersion, object.Kind)
			if !ok {
				continue
			}
			a := announced{api: customAPI, kind: kind, name: object.Name}
			if kind.Namespaced {
				a.namespace = hpa.Namespace
			}
			if kind.Group == "" && kind.Resource == "namespaces" {
				a.name = hpa.Namespace // the controller asks in the HPA's own namespace, whatever the metric names
			}
			add(a, m.Object.Metric)
		case m.External != nil:
			asked := m.External.Metric
			asked.Name = strings.ToLower(asked.Name) // as client-go writes it into the path
			add(announced{api: externalAPI, namespace: hpa.Namespace}, asked)
		}
	}
	return out
}

func selectorOf(s *metav1.LabelSelector) (labels.Selector, error) {
	if s == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(s)
}

// announce reads the HPAs and puts their future requests in demand, so that the queries are asked before the requests
// come. Without the list of HPAs nothing is lost: each request puts its query in demand itself.
func (a *Adapter) announce(ctx context.Context, p *plan) error {
	if p.cfg.Compat {
		return nil
	}
	hpas, err := a.cluster.HPAs(ctx)
	if err != nil {
		return err
	}
	now := a.deps.Now()
	for _, f := range p.families.all(now.Add(-keepIntervals * p.grid.Interval())) {
		f.demand.withdraw()
	}
	count := 0
	for _, hpa := range hpas {
		for _, one := range announcements(hpa, p.kinds) {
			for _, q := range p.questions(one) {
				if f, values, err := p.familyOf(q); err == nil {
					f.demand.want(values, one.name, true, now)
					count++
				}
			}
		}
	}
	a.metrics.announced.Set(float64(count))
	return nil
}

// questions are the queries of an announced request: none where no rule answers it, up to two for the usage of CPU and
// memory.
func (p *plan) questions(one announced) []question {
	q := question{objects: rules.Objects{Kind: one.kind, Namespace: one.namespace}, one: one.name != "", selector: one.selector}
	var ok bool
	switch one.api {
	case resourceName:
		return p.usageQuestions(q, true)
	case externalAPI:
		q.source, ok = p.catalog.External(one.metric)
	default:
		q.source, ok = p.catalog.Metric(rules.Metric{Resource: one.kind.GroupResource, Namespaced: one.kind.Namespaced, Name: one.metric})
	}
	if !ok {
		return nil
	}
	return []question{q}
}

// usageQuestions ask for the CPU and the memory of pods or nodes, where the rules have queries for them.
func (p *plan) usageQuestions(q question, pods bool) []question {
	usage, ok := p.set.Resource(p.kinds)
	if !ok || pods && !usage.Pods() || !pods && !usage.Nodes() {
		return nil
	}
	cpu, memory := q, q
	cpu.source, memory.source = usage.CPU.Nodes, usage.Memory.Nodes
	if pods {
		cpu.source, memory.source = usage.CPU.Containers, usage.Memory.Containers
	}
	return []question{cpu, memory}
}
