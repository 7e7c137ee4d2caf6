package delegate

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/trimtab/trimtab/adapter/api"
)

// fromCustomProvider makes an api.CustomAPI of a provider of the library.
type fromCustomProvider struct {
	provider provider.CustomMetricsProvider
}

func (p fromCustomProvider) Custom(ctx context.Context, q api.CustomRequest, a *api.CustomAnswer) error {
	info := provider.CustomMetricInfo{GroupResource: q.Resource, Namespaced: q.Namespaced, Metric: q.Metric}
	if q.Name == "" {
		list, err := p.provider.GetMetricBySelector(ctx, q.Namespace, q.Selector, info, q.MetricSelector)
		if err != nil {
			return err
		}
		for i := range list.Items {
			take(a, &list.Items[i])
		}
		return nil
	}
	value, err := p.provider.GetMetricByName(ctx, types.NamespacedName{Namespace: q.Namespace, Name: q.Name}, info, q.MetricSelector)
	if err == nil {
		take(a, value)
	}
	return err
}

// take appends a value in the library's types; what all items share is that of the last one.
func take(a *api.CustomAnswer, v *custom_metrics.MetricValue) {
	a.APIVersion, a.Kind, a.Namespace = v.DescribedObject.APIVersion, v.DescribedObject.Kind, v.DescribedObject.Namespace
	a.Metric, a.Selector = v.Metric.Name, v.Metric.Selector
	item := api.CustomItem{Name: v.DescribedObject.Name, Milli: v.Value.MilliValue(), TimestampMillis: v.Timestamp.UnixMilli()}
	if v.WindowSeconds != nil {
		item.WindowSeconds = *v.WindowSeconds
	}
	a.Items = append(a.Items, item)
}

func (p fromCustomProvider) CustomMetrics() ([]api.CustomMetric, uint64) {
	infos := p.provider.ListAllMetrics()
	list := make([]api.CustomMetric, len(infos))
	for i, info := range infos {
		list[i] = api.CustomMetric{Resource: info.GroupResource, Namespaced: info.Namespaced, Name: info.Metric}
	}
	return list, 1
}

// fromExternalProvider makes an api.ExternalAPI of a provider of the library.
type fromExternalProvider struct {
	provider provider.ExternalMetricsProvider
}

func (p fromExternalProvider) External(ctx context.Context, q api.ExternalRequest, a *api.ExternalAnswer) error {
	list, err := p.provider.GetExternalMetric(ctx, q.Namespace, q.Selector, provider.ExternalMetricInfo{Metric: q.Metric})
	if err != nil {
		return err
	}
	for _, v := range list.Items {
		item := api.ExternalItem{Metric: v.MetricName, Labels: v.MetricLabels, Value: v.Value, TimestampMillis: v.Timestamp.UnixMilli()}
		if v.WindowSeconds != nil {
			item.WindowSeconds = *v.WindowSeconds
		}
		a.Items = append(a.Items, item)
	}
	return nil
}

func (p fromExternalProvider) ExternalMetrics() ([]string, uint64) {
	infos := p.provider.ListAllExternalMetrics()
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Metric
	}
	return names, 1
}
