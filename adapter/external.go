package adapter

import (
	"context"
	"errors"

	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
)

// GetExternalMetric answers from the first source that owns the metric, else from the rules. The HPA controller
// adds up the items, so that one item without a value is an error of all. It implements
// provider.ExternalMetricsProvider.
func (a *Adapter) GetExternalMetric(ctx context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.RequestTimeout.Std())
	defer cancel()
	r := a.begin(externalAPI, "metric external/"+info.Metric, namespace)
	for _, source := range a.deps.External {
		list, mine, err := source.ExternalMetric(ctx, namespace, info.Metric, selector)
		if !mine {
			continue
		}
		r.source = otherSource
		if err != nil {
			return nil, r.refused(r.sourceFailure(err))
		}
		if list == nil || list.Items == nil {
			list = &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{}} // not null
		}
		r.servedExternal(list, nil)
		return list, nil
	}
	list, f := r.external(ctx, namespace, info.Metric, selector)
	if f != nil {
		return nil, r.refused(f)
	}
	return list, nil
}

// ListAllExternalMetrics is the discovery document, sorted. Metrics of other parts are not in it: these are
// asked for by name and selector, and nobody looks for them here. It implements provider.ExternalMetricsProvider.
func (a *Adapter) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	p := a.plan.Load()
	if p == nil {
		return nil
	}
	out := make([]provider.ExternalMetricInfo, len(p.catalog.Externals))
	for i, name := range p.catalog.Externals {
		out[i] = provider.ExternalMetricInfo{Metric: name}
	}
	return out
}

// sourceFailure keeps the status that a source gave, and takes any other error for one that may pass.
func (r *request) sourceFailure(err error) *failure {
	var status apierrors.APIStatus
	switch {
	case errors.As(err, &status):
		return &failure{rules.SourceFailed, &apierrors.StatusError{ErrStatus: status.Status()}}
	case errors.Is(err, context.DeadlineExceeded):
		return r.fail(rules.SourceFailed, timedOut, "%v", err)
	default:
		return r.fail(rules.SourceFailed, unavailable, "%v", err)
	}
}

func (r *request) external(ctx context.Context, namespace, metric string, selector labels.Selector) (*external_metrics.ExternalMetricValueList, *failure) {
	p := r.adapter.plan.Load()
	if p == nil {
		return nil, r.unknown(p, "")
	}
	source, ok := p.catalog.External(metric)
	if !ok {
		return nil, r.unknown(p, "the server could not find the metric: no external rule exposes it, and no ScaledObject owns it")
	}
	r.source = source.Rule()
	query, err := source.ExternalQuery(namespace, selector)
	if err != nil {
		return nil, r.impossible(err)
	}
	result, f := r.ask(ctx, query.PromQL)
	if f != nil {
		return nil, f
	}
	samples, ok := vectorOf(result.Value)
	if !ok {
		return nil, r.fail(rules.QueryRefused, api.Internal, "%s asked %s and got a %s; a vector or a scalar is needed", r.source, query.PromQL, result.Value.Type())
	}
	list := &external_metrics.ExternalMetricValueList{Items: make([]external_metrics.ExternalMetricValue, 0, len(samples))}
	for _, sample := range samples {
		quantity, ok := rules.Quantity(float64(sample.Value))
		if !ok || sample.Histogram != nil {
			return nil, r.fail(rules.ValueUnusable, unavailable, "the value of %s is %s, which is no quantity: %s asked %s", sample.Metric, sample.Value, r.source, query.PromQL)
		}
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName:   metric,
			MetricLabels: labelMap(sample.Metric),
			Timestamp:    metav1.NewTime(sample.Timestamp.Time()),
			Value:        quantity,
		})
	}
	r.servedExternal(list, result.Warnings)
	return list, nil
}

// servedExternal ends a request; an answer without items is told apart, since the HPA cannot use it.
func (r *request) servedExternal(list *external_metrics.ExternalMetricValueList, warnings []string) {
	if len(list.Items) == 0 {
		r.end(rules.NoSample, r.facts...)
		return
	}
	r.served(len(list.Items), len(list.Items), warnings)
}

// vectorOf takes a scalar for a vector of one sample without labels.
func vectorOf(v model.Value) (model.Vector, bool) {
	switch v := v.(type) {
	case model.Vector:
		return v, true
	case *model.Scalar:
		return model.Vector{{Value: v.Value, Timestamp: v.Timestamp}}, true
	default:
		return nil, false
	}
}

func labelMap(metric model.Metric) map[string]string {
	if metric == nil {
		return nil
	}
	out := make(map[string]string, len(metric))
	for name, value := range metric {
		out[string(name)] = string(value)
	}
	return out
}
