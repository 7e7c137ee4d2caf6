package adapter

import (
	"context"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
)

// Custom answers for one object, or says why it cannot. With a selector it answers for the objects that match; those
// without a value are left out. It implements api.CustomAPI.
func (a *Adapter) Custom(ctx context.Context, q api.CustomRequest, out *api.CustomAnswer) error {
	p := a.plan.Load()
	r := a.begin(customAPI, rules.Metric{Resource: q.Resource, Name: q.Metric}.Subject(), q.Namespace)
	source, kind, f := r.find(p, q)
	if f != nil {
		if failed, done := r.delegated(ctx, p, q, out); done && failed == nil {
			return nil
		} else if done {
			f = failed
		}
		return r.refused(f)
	}
	objects := rules.Objects{Kind: kind, Namespace: q.Namespace, Names: []string{q.Name}}
	if q.Name == "" {
		if objects.Names, f = r.names(ctx, kind, q.Namespace, q.Selector); f != nil {
			return r.refused(f)
		}
	}
	found, f := r.answer(ctx, p, question{source: source, objects: objects, one: q.Name != "", selector: q.MetricSelector})
	if f != nil {
		return r.refused(f)
	}
	// The core group gives "/v1", as prometheus-adapter writes it.
	out.APIVersion, out.Kind = kind.GVK.Group+"/"+kind.GVK.Version, kind.GVK.Kind
	out.Namespace, out.Metric, out.Selector = q.Namespace, q.Metric, echo(q.MetricSelector)
	if f := r.fill(out, objects.Names, source, found); f != nil {
		return r.refused(f)
	}
	switch {
	case q.Name == "" || len(out.Items) == 1:
		r.served(len(out.Items), len(objects.Names), found.warnings)
		return nil
	case r.dropped != nil:
		return r.refused(r.fail(rules.ValueUnusable, unavailable, "the value is %s: %s asked %s", r.dropped.what(), r.source, found.question.text()))
	default:
		return r.refused(r.fail(rules.NoSample, api.NotFound, "no sample for %s %q: %s asked %s, and %s",
			kind.GroupResource, q.Name, r.source, found.question.text(), found.noRow(q.Name)))
	}
}

// fill appends an item for each object that has a value. If an object has several rows, the last one is served, since
// unusable rows are sorted first.
func (r *request) fill(out *api.CustomAnswer, names []string, source rules.Source, found found) *failure {
	for _, name := range names {
		rows := found.rows(name)
		item := api.CustomItem{Name: name, WindowSeconds: int64(found.window / time.Second)}
		if len(rows) == 0 {
			value, given := source.OnEmpty()
			if !given {
				r.without(name, found)
				continue
			}
			item.Milli, _ = rules.Milli(value)
			item.TimestampMillis, item.WindowSeconds = found.at.UnixMilli(), 0
			out.Items = append(out.Items, item)
			continue
		}
		if rows[0].unusable && source.OnNaN() == rules.Fail {
			return r.fail(rules.ValueUnusable, unavailable, "the value of %s is %s: %s asked %s", name, rows[0].what(), r.source, found.question.text())
		}
		r.amongRows(name, rows)
		one := &rows[len(rows)-1]
		if one.unusable && source.OnNaN() == rules.Drop {
			r.without(name, found)
			continue
		}
		item.TimestampMillis = one.millis
		if !one.unusable { // otherwise the value is zero
			item.Milli, _ = rules.Milli(one.value)
		}
		out.Items = append(out.Items, item)
	}
	return nil
}

// find looks up the rule for a metric.
func (r *request) find(p *plan, q api.CustomRequest) (rules.Source, rules.Kind, *failure) {
	if p == nil {
		return rules.Source{}, rules.Kind{}, r.unknown(p, "")
	}
	kind, ok := p.kinds.Kind(q.Resource)
	if !ok {
		return rules.Source{}, rules.Kind{}, r.unknown(p, "the API server serves no resource "+q.Resource.String())
	}
	source, ok := p.catalog.Metric(rules.Metric{Resource: kind.GroupResource, Namespaced: q.Namespaced, Name: q.Metric})
	if !ok {
		return rules.Source{}, rules.Kind{}, r.unknown(p, "the server could not find the metric "+q.Metric+" for "+q.Resource.String()+": no rule exposes it"+p.likeCustom(kind, q.Metric))
	}
	r.source = source.Rule()
	return source, kind, nil
}

// likeCustom names a metric of the kind that differs from name only in case. The text is the end of a sentence.
func (p *plan) likeCustom(kind rules.Kind, name string) string {
	for _, m := range p.catalog.Metrics {
		if m.Resource == kind.GroupResource && strings.EqualFold(m.Name, name) {
			return "; " + m.Name + " differs only in case"
		}
	}
	return ""
}

// CustomMetrics is the discovery document, sorted. It implements api.CustomAPI.
func (a *Adapter) CustomMetrics() ([]api.CustomMetric, uint64) {
	p := a.plan.Load()
	if p == nil {
		return nil, 0
	}
	return p.listed.custom, p.listed.generation
}

// echo is the selector as the answer repeats it; nil for a selector that matches everything. Operators that a
// LabelSelector does not have are refused earlier, but !=, which is written as NotIn.
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
