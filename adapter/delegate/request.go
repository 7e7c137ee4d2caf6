package delegate

import (
	"fmt"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/custom_metrics"
)

const (
	customGroup   = "custom.metrics.k8s.io"
	externalGroup = "external.metrics.k8s.io"
)

// Request asks for a custom metric.
type Request struct {
	// Resource is the plural name of the kind of objects: pods, deployments.apps, namespaces.
	Resource schema.GroupResource
	// Namespaced is false for cluster-scoped objects: nodes, and namespaces themselves.
	Namespaced bool
	// Namespace is the objects' namespace, if they are Namespaced.
	Namespace string
	Metric    string
	// Name is the name of one object; empty or "*" for all objects that Selector matches.
	Name string
	// Selector chooses objects and has no effect with a Name. MetricSelector chooses series. Nil matches all.
	Selector, MetricSelector labels.Selector
}

func (r Request) one() bool { return r.Name != "" && r.Name != custom_metrics.AllObjects }

// path is the part of the URL after the version.
func (r Request) path() ([]string, error) {
	name, resource := r.Name, r.Resource.String()
	if !r.one() {
		name = custom_metrics.AllObjects
	}
	switch {
	case r.Namespaced:
		return []string{"namespaces", r.Namespace, resource, name, r.Metric}, segments(r.Namespace, resource, name, r.Metric)
	case r.Resource == schema.GroupResource{Resource: "namespaces"}:
		return []string{"namespaces", name, "metrics", r.Metric}, segments(name, r.Metric)
	default:
		return []string{resource, name, r.Metric}, segments(resource, name, r.Metric)
	}
}

func (r Request) query() url.Values {
	q := url.Values{}
	if !r.one() {
		addSelector(q, "labelSelector", r.Selector)
	}
	addSelector(q, "metricLabelSelector", r.MetricSelector)
	return q
}

func addSelector(q url.Values, key string, s labels.Selector) {
	if s != nil && !s.Empty() {
		q.Set(key, s.String())
	}
}

// segments refuses names that would change the path. The user was authorised for this path only.
func segments(names ...string) error {
	for _, name := range names {
		if name == "" {
			return apierrors.NewBadRequest("a name in the request is empty")
		}
		if wrong := content.IsPathSegmentName(name); len(wrong) > 0 {
			return apierrors.NewBadRequest(fmt.Sprintf("%q cannot stand in a request to another server: it %s", excerpt(name), wrong[0]))
		}
	}
	return nil
}

func escaped(segments []string) []string {
	out := make([]string, len(segments))
	for i, s := range segments {
		out[i] = url.PathEscape(s)
	}
	return out
}
