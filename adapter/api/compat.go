package api

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// fromCustomProvider makes a CustomAPI of a provider of the library.
type fromCustomProvider struct {
	provider provider.CustomMetricsProvider
	list     changes[CustomMetric]
}

func (p *fromCustomProvider) Custom(ctx context.Context, q CustomRequest, a *CustomAnswer) error {
	info := provider.CustomMetricInfo{GroupResource: q.Resource, Namespaced: q.Namespaced, Metric: q.Metric}
	if q.Name == "" {
		list, err := p.provider.GetMetricBySelector(ctx, q.Namespace, q.Selector, info, q.MetricSelector)
		if err != nil {
			return err
		}
		for i := range list.Items {
			a.take(&list.Items[i])
		}
		return nil
	}
	value, err := p.provider.GetMetricByName(ctx, types.NamespacedName{Namespace: q.Namespace, Name: q.Name}, info, q.MetricSelector)
	if err == nil {
		a.take(value)
	}
	return err
}

// take appends a value in the library's types; what all items share is that of the last one.
func (a *CustomAnswer) take(v *custom_metrics.MetricValue) {
	a.APIVersion, a.Kind, a.Namespace = v.DescribedObject.APIVersion, v.DescribedObject.Kind, v.DescribedObject.Namespace
	a.Metric, a.Selector = v.Metric.Name, v.Metric.Selector
	item := CustomItem{Name: v.DescribedObject.Name, Milli: v.Value.MilliValue(), TimestampMillis: v.Timestamp.UnixMilli()}
	if v.WindowSeconds != nil {
		item.WindowSeconds = *v.WindowSeconds
	}
	a.Items = append(a.Items, item)
}

func (p *fromCustomProvider) CustomMetrics() ([]CustomMetric, uint64) {
	infos := p.provider.ListAllMetrics()
	list := make([]CustomMetric, len(infos))
	for i, info := range infos {
		list[i] = CustomMetric{Resource: info.GroupResource, Namespaced: info.Namespaced, Name: info.Metric}
	}
	return p.list.seen(list)
}

// fromExternalProvider makes an ExternalAPI of a provider of the library.
type fromExternalProvider struct {
	provider provider.ExternalMetricsProvider
	list     changes[string]
}

func (p *fromExternalProvider) External(ctx context.Context, q ExternalRequest, a *ExternalAnswer) error {
	list, err := p.provider.GetExternalMetric(ctx, q.Namespace, q.Selector, provider.ExternalMetricInfo{Metric: q.Metric})
	if err != nil {
		return err
	}
	for _, v := range list.Items {
		item := ExternalItem{Metric: v.MetricName, Labels: v.MetricLabels, Value: v.Value, TimestampMillis: v.Timestamp.UnixMilli()}
		if v.WindowSeconds != nil {
			item.WindowSeconds = *v.WindowSeconds
		}
		a.Items = append(a.Items, item)
	}
	return nil
}

func (p *fromExternalProvider) ExternalMetrics() ([]string, uint64) {
	infos := p.provider.ListAllExternalMetrics()
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Metric
	}
	return p.list.seen(names)
}

// changes counts how often a list was another than before.
type changes[T comparable] struct {
	mu         sync.Mutex
	list       []T
	generation uint64
}

func (c *changes[T]) seen(list []T) ([]T, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.list, list) {
		c.list = list
		c.generation++
	}
	return c.list, c.generation
}
