package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// customProvider hands the library's requests to a CustomAPI.
type customProvider struct{ api CustomAPI }

func (p customProvider) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValue, error) {
	list, err := p.get(ctx, CustomRequest{
		Resource: info.GroupResource, Namespaced: info.Namespaced, Namespace: name.Namespace, Metric: info.Metric,
		Name: name.Name, Selector: labels.Everything(), MetricSelector: selector,
	})
	if err != nil {
		return nil, err
	}
	if len(list.Items) != 1 {
		return nil, Internal("%d values instead of one for %s %q", len(list.Items), info.GroupResource, name.Name)
	}
	return &list.Items[0], nil
}

func (p customProvider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValueList, error) {
	return p.get(ctx, CustomRequest{
		Resource: info.GroupResource, Namespaced: info.Namespaced, Namespace: namespace, Metric: info.Metric,
		Selector: selector, MetricSelector: metricSelector,
	})
}

func (p customProvider) get(ctx context.Context, request CustomRequest) (*custom_metrics.MetricValueList, error) {
	var a CustomAnswer
	if err := p.api.Custom(ctx, request, &a); err != nil {
		return nil, err
	}
	return customList(&a), nil
}

// customList is an answer in the library's types.
func customList(a *CustomAnswer) *custom_metrics.MetricValueList {
	list := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, len(a.Items))}
	for i, item := range a.Items {
		list.Items[i] = custom_metrics.MetricValue{
			DescribedObject: custom_metrics.ObjectReference{APIVersion: a.APIVersion, Kind: a.Kind, Namespace: a.Namespace, Name: item.Name},
			Metric:          custom_metrics.MetricIdentifier{Name: a.Metric, Selector: a.Selector},
			Timestamp:       metav1.NewTime(time.UnixMilli(item.TimestampMillis)),
			WindowSeconds:   window(item.WindowSeconds),
			Value:           *resource.NewMilliQuantity(item.Milli, resource.DecimalSI),
		}
	}
	return list
}

func (p customProvider) ListAllMetrics() []provider.CustomMetricInfo {
	list, _ := p.api.CustomMetrics()
	out := make([]provider.CustomMetricInfo, len(list))
	for i, m := range list {
		out[i] = provider.CustomMetricInfo{GroupResource: m.Resource, Namespaced: m.Namespaced, Metric: m.Name}
	}
	entry := func(m provider.CustomMetricInfo) string { return m.GroupResource.String() + "/" + m.Metric }
	slices.SortStableFunc(out, func(a, b provider.CustomMetricInfo) int { return cmp.Compare(entry(a), entry(b)) })
	return out
}

// externalProvider hands the library's requests to an ExternalAPI.
type externalProvider struct{ api ExternalAPI }

func (p externalProvider) GetExternalMetric(ctx context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	var a ExternalAnswer
	if err := p.api.External(ctx, ExternalRequest{Namespace: namespace, Metric: info.Metric, Selector: selector}, &a); err != nil {
		return nil, err
	}
	return externalList(&a), nil
}

func externalList(a *ExternalAnswer) *external_metrics.ExternalMetricValueList {
	list := &external_metrics.ExternalMetricValueList{Items: make([]external_metrics.ExternalMetricValue, len(a.Items))}
	for i, item := range a.Items {
		list.Items[i] = external_metrics.ExternalMetricValue{
			MetricName: item.Metric, MetricLabels: item.Labels, Value: item.Value,
			Timestamp: metav1.NewTime(time.UnixMilli(item.TimestampMillis)), WindowSeconds: window(item.WindowSeconds),
		}
	}
	return list
}

func (p externalProvider) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	names, _ := p.api.ExternalMetrics()
	out := make([]provider.ExternalMetricInfo, len(names))
	for i, name := range names {
		out[i] = provider.ExternalMetricInfo{Metric: name}
	}
	slices.SortStableFunc(out, func(a, b provider.ExternalMetricInfo) int { return cmp.Compare(a.Metric, b.Metric) })
	return out
}

func window(seconds int64) *int64 {
	if seconds == 0 {
		return nil
	}
	return &seconds
}
