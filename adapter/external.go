package adapter

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/metrics/pkg/apis/external_metrics"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/verdict"
)

// External answers from the first source that owns the metric, else from the rules, else from the delegates. The HPA
// controller adds up the items, so one item without a value makes the whole answer an error. It implements
// api.ExternalAPI.
func (a *Adapter) External(ctx context.Context, q api.ExternalRequest, out *api.ExternalAnswer) error {
	ctx, cancel := context.WithTimeout(ctx, a.requestTimeout())
	defer cancel()
	r := a.begin(externalAPI, rules.ExternalSubject(q.Metric), q.Namespace)
	for _, source := range a.deps.External {
		list, mine, err := source.ExternalMetric(ctx, q.Namespace, q.Metric, q.Selector)
		if !mine {
			continue
		}
		r.source = otherSource
		if err != nil {
			return r.refused(r.sourceFailure(err))
		}
		appendItems(out, list)
		r.servedExternal(out, nil)
		return nil
	}
	if f := r.external(ctx, q, out); f != nil {
		return r.refused(f)
	}
	return nil
}

// appendItems copies the answer of another source; a nil list has no items.
func appendItems(out *api.ExternalAnswer, list *external_metrics.ExternalMetricValueList) {
	if list == nil {
		return
	}
	for _, item := range list.Items {
		one := api.ExternalItem{Metric: item.MetricName, Labels: item.MetricLabels, Value: item.Value, TimestampMillis: item.Timestamp.UnixMilli()}
		if item.WindowSeconds != nil {
			one.WindowSeconds = *item.WindowSeconds
		}
		out.Items = append(out.Items, one)
	}
}

// ExternalMetrics is the discovery document, sorted. Metrics of other parts are not in it, since HPAs ask for them by
// name and selector. It implements api.ExternalAPI.
func (a *Adapter) ExternalMetrics() ([]string, uint64) {
	p := a.plan.Load()
	if p == nil {
		return nil, 0
	}
	return p.listed.external, p.listed.generation
}

// sourceFailure keeps the status of a source's error. Any other error counts as temporary.
func (r *request) sourceFailure(err error) *failure {
	var status apierrors.APIStatus
	switch {
	case errors.As(err, &status):
		return &failure{code: rules.SourceFailed, status: &apierrors.StatusError{ErrStatus: status.Status()}}
	case errors.Is(err, context.DeadlineExceeded):
		return r.fail(rules.SourceFailed, timedOut, "its source did not answer in time"+seeCause).because(err)
	default:
		return r.fail(rules.SourceFailed, unavailable, "its source cannot tell the value"+seeCause).because(err)
	}
}

// external answers from a rule, or from a delegate where no rule exposes the metric.
func (r *request) external(ctx context.Context, q api.ExternalRequest, out *api.ExternalAnswer) *failure {
	p := r.adapter.plan.Load()
	if p == nil {
		return r.unknown(p, "")
	}
	source, ok := p.catalog.External(q.Metric)
	if !ok {
		if f, done := r.delegatedExternal(ctx, p, q, out); done {
			return f
		}
		return r.unknown(p, "the server could not find the metric: no external rule exposes it, and no ScaledObject owns it"+likeExternal(q.Metric, p.catalog.Externals))
	}
	r.source = source.Rule()
	found, f := r.answer(ctx, p, question{source: source, objects: rules.Objects{Namespace: q.Namespace}, selector: q.Selector})
	if f != nil {
		return f
	}
	if found.group != nil {
		for i := range found.group.rows {
			if f := r.externalItem(&found.group.rows[i], q.Metric, source, found, out); f != nil {
				return f
			}
		}
	}
	if value, given := source.OnEmpty(); given && len(out.Items) == 0 {
		out.Items = append(out.Items, api.ExternalItem{Metric: q.Metric, Value: quantity(value), TimestampMillis: found.at.UnixMilli()})
	}
	if len(out.Items) == 0 {
		facts := []verdict.Fact{verdict.Number("rows", found.total)}
		if found.late > 0 {
			facts = append(facts, verdict.Number("older than maxStaleness", found.late))
		}
		r.facts = append(facts, r.facts...)
	}
	r.servedExternal(out, found.warnings)
	return nil
}

// likeExternal names a known metric that differs from name only in case. The text is the end of a sentence.
func likeExternal(name string, known []string) string {
	for _, other := range known {
		switch {
		case !strings.EqualFold(other, name):
		case other == strings.ToLower(other):
			return "; " + other + " differs only in case"
		default:
			return "; " + other + " differs only in case: HPAs ask for external metrics in small letters, so give its rule a name.as in small letters"
		}
	}
	return ""
}

// externalItem appends an item for a row. A row without a usable value is an error, since the sum would be too low
// without it. With onNaN: zero the value is zero.
func (r *request) externalItem(one *row, metric string, source rules.Source, found found, out *api.ExternalAnswer) *failure {
	if one.unusable && source.OnNaN() != rules.Zero {
		return r.fail(rules.ValueUnusable, unavailable, "the value of %s is %s: %s asked %s", labelText(one.labels), one.what(), r.source, found.question.text())
	}
	item := api.ExternalItem{Metric: metric, Labels: one.labels, TimestampMillis: one.millis, WindowSeconds: int64(found.window / time.Second)}
	if !one.unusable {
		item.Value = quantity(one.value)
	}
	out.Items = append(out.Items, item)
	return nil
}

// labelText writes labels as PromQL does.
func labelText(labels map[string]string) string {
	metric := make(model.Metric, len(labels))
	for name, value := range labels {
		metric[model.LabelName(name)] = model.LabelValue(value)
	}
	return metric.String()
}

func quantity(value float64) resource.Quantity {
	q, _ := rules.Quantity(value) // usable
	return q
}

// servedExternal ends a request. An answer without items has its own verdict, since the HPA cannot use it.
func (r *request) servedExternal(out *api.ExternalAnswer, warnings []string) {
	if len(out.Items) == 0 {
		r.end(rules.NoSample, r.facts...)
		return
	}
	r.served(len(out.Items), len(out.Items), warnings)
}
