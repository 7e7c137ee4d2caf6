package adapter

import (
	"context"

	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
)

// GetMetricByName answers for one object, or tells why it cannot. It implements provider.CustomMetricsProvider.
func (a *Adapter) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValue, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.RequestTimeout.Std())
	defer cancel()
	r := a.begin(customAPI, metricSubject(info), name.Namespace)
	asked, f := r.find(info)
	if f != nil {
		return nil, r.refused(f)
	}
	asked.objects.Namespace, asked.objects.Names = name.Namespace, []string{name.Name}
	values, f := r.values(ctx, asked, selector)
	if f != nil {
		return nil, r.refused(f)
	}
	sample, ok := values.byName[name.Name]
	if !ok {
		return nil, r.refused(r.fail(rules.NoSample, api.NotFound,
			"no sample for %s %q: %s asked %s, and none of the %d samples has the label %s=%q",
			asked.objects.Kind.GroupResource, name.Name, r.source, values.query.PromQL, len(values.byName), values.query.Label, name.Name))
	}
	value, ok := metricValue(asked, name.Name, info.Metric, selector, sample)
	if !ok {
		return nil, r.refused(r.fail(rules.ValueUnusable, unavailable,
			"the value is %s, which is no quantity: %s asked %s", sample.Value, r.source, values.query.PromQL))
	}
	r.served(1, 1, values.warnings)
	return &value, nil
}

// GetMetricBySelector answers for the objects that match; those without a sample, or with one that is no
// quantity, are left out. It implements provider.CustomMetricsProvider.
func (a *Adapter) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValueList, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.RequestTimeout.Std())
	defer cancel()
	r := a.begin(customAPI, metricSubject(info), namespace)
	asked, f := r.find(info)
	if f != nil {
		return nil, r.refused(f)
	}
	asked.objects.Namespace = namespace
	names, f := r.names(ctx, asked.objects.Kind, namespace, selector)
	if f != nil {
		return nil, r.refused(f)
	}
	asked.objects.Names = names
	values, f := r.values(ctx, asked, metricSelector)
	if f != nil {
		return nil, r.refused(f)
	}
	list := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, 0, len(names))}
	for _, name := range names {
		sample, ok := values.byName[name]
		if !ok {
			continue
		}
		if value, ok := metricValue(asked, name, info.Metric, metricSelector, sample); ok {
			list.Items = append(list.Items, value)
		}
	}
	r.served(len(list.Items), len(names), values.warnings)
	return list, nil
}

// ListAllMetrics is the discovery document, sorted. It implements provider.CustomMetricsProvider.
func (a *Adapter) ListAllMetrics() []provider.CustomMetricInfo {
	p := a.plan.Load()
	if p == nil {
		return nil
	}
	out := make([]provider.CustomMetricInfo, len(p.catalog.Metrics))
	for i, m := range p.catalog.Metrics {
		out[i] = provider.CustomMetricInfo{GroupResource: m.Resource, Namespaced: m.Namespaced, Metric: m.Name}
	}
	return out
}

func metricSubject(info provider.CustomMetricInfo) string {
	return rules.Metric{Resource: info.GroupResource, Name: info.Metric}.Subject()
}

// asked is a request that a rule can answer.
type asked struct {
	source  rules.Source
	objects rules.Objects
}

// find looks up who answers for a metric.
func (r *request) find(info provider.CustomMetricInfo) (asked, *failure) {
	p := r.adapter.plan.Load()
	if p == nil {
		return asked{}, r.unknown(p, "")
	}
	kind, ok := p.kinds.Kind(info.GroupResource)
	if !ok {
		return asked{}, r.unknown(p, "the API server serves no resource "+info.GroupResource.String())
	}
	source, ok := p.catalog.Metric(rules.Metric{Resource: kind.GroupResource, Namespaced: info.Namespaced, Name: info.Metric})
	if !ok {
		return asked{}, r.unknown(p, "the server could not find the metric "+info.Metric+" for "+info.GroupResource.String()+": no rule exposes it")
	}
	r.source = source.Rule()
	return asked{source, rules.Objects{Kind: kind}}, nil
}

// values are the samples of one query by the object they belong to.
type values struct {
	query    rules.Query
	byName   map[string]*model.Sample
	warnings []string
}

// values asks Prometheus. Of several samples for one object the last counts, as in prometheus-adapter.
func (r *request) values(ctx context.Context, q asked, selector labels.Selector) (values, *failure) {
	query, err := q.source.Query(q.objects, selector)
	if err != nil {
		return values{}, r.impossible(err)
	}
	result, f := r.ask(ctx, query.PromQL)
	if f != nil {
		return values{}, f
	}
	vector, ok := result.Value.(model.Vector)
	if !ok {
		return values{}, r.fail(rules.QueryRefused, api.Internal, "%s asked %s and got a %s; a vector is needed", r.source, query.PromQL, result.Value.Type())
	}
	out := values{query, make(map[string]*model.Sample, len(vector)), result.Warnings}
	for _, sample := range vector {
		out.byName[string(sample.Metric[model.LabelName(query.Label)])] = sample
	}
	return out, nil
}

func metricValue(q asked, name, metric string, selector labels.Selector, sample *model.Sample) (custom_metrics.MetricValue, bool) {
	quantity, ok := rules.Quantity(float64(sample.Value))
	if !ok || sample.Histogram != nil {
		return custom_metrics.MetricValue{}, false
	}
	gvk := q.objects.Kind.GVK
	return custom_metrics.MetricValue{
		DescribedObject: custom_metrics.ObjectReference{
			// The core group gives "/v1", as prometheus-adapter writes it.
			APIVersion: gvk.Group + "/" + gvk.Version,
			Kind:       gvk.Kind,
			Namespace:  q.objects.Namespace,
			Name:       name,
		},
		Metric:    custom_metrics.MetricIdentifier{Name: metric, Selector: echo(selector)},
		Timestamp: metav1.NewTime(sample.Timestamp.Time()),
		Value:     quantity,
	}, true
}

// echo is the selector as the answer repeats it; nil for one that selects everything. What a LabelSelector
// has no operator for never comes this far, but for !=, which is written as NotIn.
func echo(selector labels.Selector) *metav1.LabelSelector {
	if selector == nil || selector.Empty() {
		return nil
	}
	out := &metav1.LabelSelector{}
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		values := r.Values().List()
		operator := metav1.LabelSelectorOperator("")
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals:
			if out.MatchLabels == nil {
				out.MatchLabels = map[string]string{}
			}
			out.MatchLabels[r.Key()] = values[0]
			continue
		case selection.In:
			operator = metav1.LabelSelectorOpIn
		case selection.NotIn, selection.NotEquals:
			operator = metav1.LabelSelectorOpNotIn
		case selection.Exists:
			operator = metav1.LabelSelectorOpExists
		case selection.DoesNotExist:
			operator = metav1.LabelSelectorOpDoesNotExist
		}
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: r.Key(), Operator: operator, Values: values})
	}
	return out
}
