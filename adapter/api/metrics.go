package api

import (
	"context"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/metrics"
)

// CustomAPI answers custom.metrics.k8s.io. It is called from many goroutines. It must return soon after its context has
// ended, since nothing else bounds a request.
type CustomAPI interface {
	// Custom appends to the answer's Items, which are empty, and fills in its other fields. By name it appends exactly
	// one item, or fails. It must not keep the answer, since its memory serves the next request. It must not change
	// what the request points to. An error with a status of Kubernetes' API reaches the client.
	Custom(ctx context.Context, request CustomRequest, answer *CustomAnswer) error
	// CustomMetrics is the list for discovery, and a generation that changes whenever the list does. The caller may
	// keep the list. Neither the caller nor the implementation may change it.
	CustomMetrics() (list []CustomMetric, generation uint64)
}

// ExternalAPI answers external.metrics.k8s.io, under the same terms as CustomAPI.
type ExternalAPI interface {
	External(ctx context.Context, request ExternalRequest, answer *ExternalAnswer) error
	ExternalMetrics() (names []string, generation uint64)
}

// ResourceAPI answers metrics.k8s.io. An empty name means all objects, an empty namespace all namespaces. Objects
// without numbers are left out. The implementation filters by labels and namespace. The caller may change the result.
type ResourceAPI interface {
	Nodes(ctx context.Context, name string, selector labels.Selector) ([]metrics.NodeMetrics, error)
	Pods(ctx context.Context, namespace, name string, selector labels.Selector) ([]metrics.PodMetrics, error)
}

// CustomRequest asks for a metric of one object, or of all objects that a selector matches.
type CustomRequest struct {
	// Resource is as in the URL: singular or plural, with the group after a dot.
	Resource schema.GroupResource
	// Namespaced says that the objects are in Namespace. The metric of a namespace is not namespaced: then the resource
	// is namespaces, and Name is the namespace.
	Namespaced bool
	Namespace  string
	Metric     string
	// Name is empty where Selector chooses the objects.
	Name string
	// Selector matches objects, MetricSelector matches series. Neither is nil.
	Selector, MetricSelector labels.Selector
}

// CustomAnswer is a metric of some objects of one kind and namespace.
type CustomAnswer struct {
	// APIVersion is the version of the objects. For the core group it is "/v1", as prometheus-adapter writes it.
	APIVersion, Kind string
	// Namespace is empty for objects without a namespace.
	Namespace, Metric string
	// Selector repeats the request's MetricSelector; nil where that selects everything.
	Selector *metav1.LabelSelector
	Items    []CustomItem
}

// CustomItem is the value of one object.
type CustomItem struct {
	Name string
	// Milli is the value in thousandths.
	Milli int64
	// TimestampMillis is when the sample was taken, in milliseconds since 1970; the API shows whole seconds.
	TimestampMillis int64
	// WindowSeconds is the time range over which the value was computed; 0 where it is unknown.
	WindowSeconds int64
}

// CustomMetric is an entry of discovery.
type CustomMetric struct {
	Resource   schema.GroupResource
	Namespaced bool
	Name       string
}

// ExternalRequest asks for the series of a metric.
type ExternalRequest struct {
	Namespace, Metric string
	// Selector matches series; it is not nil.
	Selector labels.Selector
}

// ExternalAnswer has the values that the HPA controller adds up.
type ExternalAnswer struct{ Items []ExternalItem }

// ExternalItem is the value of one series.
type ExternalItem struct {
	Metric string
	// Labels of the series; nil is written as null.
	Labels map[string]string
	Value  resource.Quantity
	// TimestampMillis and WindowSeconds are as in CustomItem.
	TimestampMillis, WindowSeconds int64
}
