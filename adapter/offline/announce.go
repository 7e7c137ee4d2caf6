package offline

import (
	"fmt"
	"net/url"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// announce makes an HPA for each request that an HPA can make, so that the adapter has the same demand as in a live
// cluster.
func (c *Cluster) announce(requests []Request) {
	for i := range requests {
		target, err := requests[i].target()
		if err != nil {
			continue
		}
		namespace, metric, ok := c.metricOf(target)
		if !ok {
			continue
		}
		c.hpas = append(c.hpas, &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("request-%d", i)},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{Metrics: []autoscalingv2.MetricSpec{metric}},
		})
	}
}

// metricOf returns the HPA metric that leads to a request, and the HPA's namespace. It is false for requests that no
// HPA makes: discovery, metrics.k8s.io, and lists of objects other than pods.
func (c *Cluster) metricOf(target *url.URL) (namespace string, metric autoscalingv2.MetricSpec, ok bool) {
	words := strings.Split(strings.Trim(target.Path, "/"), "/")
	switch {
	case len(words) == 6 && words[1] == "external.metrics.k8s.io" && words[3] == "namespaces":
		id, err := identifier(words[5], target.Query().Get("labelSelector"))
		metric.External = &autoscalingv2.ExternalMetricSource{Metric: id}
		return words[4], metric, err == nil
	case len(words) < 6 || words[1] != "custom.metrics.k8s.io":
		return "", metric, false
	}
	id, err := identifier(words[len(words)-1], target.Query().Get("metricLabelSelector"))
	if err != nil {
		return "", metric, false
	}
	switch rest := words[3:]; {
	case len(rest) == 5 && rest[0] == "namespaces" && rest[2] == "pods" && rest[3] == "*":
		metric.Pods = &autoscalingv2.PodsMetricSource{Metric: id}
		return rest[1], metric, true
	case len(rest) == 5 && rest[0] == "namespaces" && rest[3] != "*":
		return c.objectMetric(rest[1], rest[2], rest[3], id)
	case len(rest) == 4 && rest[0] == "namespaces" && rest[2] == "metrics" && rest[1] != "*":
		return c.objectMetric(rest[1], "namespaces", rest[1], id)
	case len(rest) == 3 && rest[1] != "*":
		return c.objectMetric("default", rest[0], rest[1], id)
	default:
		return "", metric, false
	}
}

func (c *Cluster) objectMetric(namespace, resource, name string, id autoscalingv2.MetricIdentifier) (string, autoscalingv2.MetricSpec, bool) {
	kind, err := c.mapper.KindFor(schema.ParseGroupResource(resource).WithVersion(""))
	if err != nil {
		return "", autoscalingv2.MetricSpec{}, false
	}
	return namespace, autoscalingv2.MetricSpec{Object: &autoscalingv2.ObjectMetricSource{
		DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: name},
		Metric:          id,
	}}, true
}

func identifier(name, selector string) (autoscalingv2.MetricIdentifier, error) {
	id := autoscalingv2.MetricIdentifier{Name: name}
	if selector == "" {
		return id, nil
	}
	var err error
	id.Selector, err = metav1.ParseToLabelSelector(selector)
	return id, err
}
