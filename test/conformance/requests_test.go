package conformance

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

const (
	customV1   = "/apis/custom.metrics.k8s.io/v1beta1"
	customV2   = "/apis/custom.metrics.k8s.io/v1beta2"
	externalV1 = "/apis/external.metrics.k8s.io/v1beta1"
	resourceV1 = "/apis/metrics.k8s.io/v1beta1"
)

// entry is one line of a discovery document.
type entry struct {
	Name       string `json:"name"` // pods/http_requests, or the name of an external metric
	Namespaced bool   `json:"namespaced"`
}

func entries(a answer) (out []entry) {
	for _, text := range a.items {
		var e entry
		if json.Unmarshal([]byte(text), &e) == nil && e.Name != "" {
			out = append(out, e)
		}
	}
	return out
}

// metricSelectors has every operator that there is, and what is none.
func metricSelectors() []string {
	return []string{
		"code=200", "code==200", "code!=200", "code in (200)", "code in (500,200)", "code notin (500)", "code notin (500,302)",
		"code", "!code", "code>300", "code<300", "code=", "code!=", "code=200,node", "node,code in (200,302)", "namespace=bank", "pod=web-1",
		"app.kubernetes.io/name=x", "queue in (orders,ma.il)", "=", "code=,=", "code in ()", "-code=1", "code=a b",
	}
}

func objectSelectors() []string {
	return []string{"", "app=web", "app=db", "app=none", "app in (web,cache)", "app!=web", "!app", "tier", "app==", "=", "app>1", "app=web,"}
}

// names are objects of that resource by name, and one that there is not.
func (w world) names(resource, namespace string) []string {
	out := []string{"nobody"}
	for _, o := range w.Objects {
		if o.Resource == resource && (o.Namespace == namespace || namespace == "") {
			out = append(out, o.Name)
		}
	}
	return out
}

func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// requestsFor asks for one entry of the custom metrics API in each way that there is.
func (w world) requestsFor(e entry) (paths []string) {
	resource, metric, _ := strings.Cut(e.Name, "/")
	if resource == "namespaces" {
		for _, ns := range []string{"shop", "bank", "empty", "nowhere", "*"} {
			paths = append(paths, customV1+"/namespaces/"+ns+"/metrics/"+metric)
		}
		return append(paths,
			customV2+"/namespaces/shop/metrics/"+metric,
			customV1+"/namespaces/*/metrics/"+metric+query("labelSelector", "team=a"),
			customV1+"/namespaces/*/metrics/"+metric+query("labelSelector", "team=none"),
		)
	}
	for _, name := range append(w.names(resource, ""), "*") {
		paths = append(paths, customV1+"/"+resource+"/"+name+"/"+metric)
	}
	for _, ns := range []string{"shop", "bank", "nowhere"} {
		for _, name := range w.names(resource, ns) {
			paths = append(paths, customV1+"/namespaces/"+ns+"/"+resource+"/"+name+"/"+metric)
		}
		for _, selector := range []string{"", "app=web", "app=none"} {
			paths = append(paths, customV2+"/namespaces/"+ns+"/"+resource+"/*/"+metric+query("labelSelector", selector))
		}
	}
	return paths
}

// selectorsFor asks for one entry with every selector.
func selectorsFor(e entry) (paths []string) {
	resource, metric, _ := strings.Cut(e.Name, "/")
	place := customV1 + "/"
	if e.Namespaced {
		place += "namespaces/shop/"
	}
	for _, s := range objectSelectors() {
		paths = append(paths, place+resource+"/*/"+metric+query("labelSelector", s))
	}
	for _, s := range metricSelectors() {
		paths = append(paths,
			place+resource+"/*/"+metric+query("metricLabelSelector", s),
			customV2+strings.TrimPrefix(place, customV1)+resource+"/web-1/"+metric+query("metricLabelSelector", s),
		)
	}
	return append(paths, place+resource+"/*/"+metric+query("labelSelector", "app=web", "metricLabelSelector", "code in (200,500)"))
}

func externalRequestsFor(e entry) (paths []string) {
	for _, ns := range []string{"shop", "bank", "default", "nowhere", "*"} {
		paths = append(paths, externalV1+"/namespaces/"+ns+"/"+e.Name)
	}
	for _, s := range append(metricSelectors(), "queue=orders", "queue!=orders", "queue in (orders,mail)", "region notin (us)", "queue=none") {
		paths = append(paths, externalV1+"/namespaces/shop/"+e.Name+query("labelSelector", s))
	}
	return paths
}

// oddRequests are about nothing that there is.
func oddRequests() []string {
	return []string{
		customV1 + "/namespaces/shop/pods/web-1/unknown_metric",
		customV1 + "/namespaces/shop/pods/*/unknown_metric",
		customV1 + "/namespaces/shop/gizmos/web-1/http_requests_per_second",
		customV1 + "/namespaces/shop/gizmos/*/http_requests_per_second",
		customV1 + "/namespaces/shop/pod/web-1/http_requests_per_second",
		customV1 + "/namespaces/shop/pod/*/http_requests_per_second",
		customV1 + "/namespaces/shop/pods.apps/web-1/http_requests_per_second",
		customV1 + "/namespaces/shop/po/web-1/http_requests_per_second",
		customV1 + "/namespaces/shop/services/web/http_requests_per_second",
		customV1 + "/namespaces/shop/service/web/http_requests_per_second",
		customV1 + "/namespaces/shop/deployment.apps/web/http_errors",
		customV1 + "/namespaces/shop/deployments/web/http_errors",
		customV1 + "/namespaces/shop/deployments.v1.apps/web/http_errors",
		customV1 + "/namespaces/shop/http_requests_per_second",
		customV1 + "/namespaces/shop/pods/web-1",
		customV1 + "/namespaces/shop/pods/web-1/http_requests_per_second/more",
		customV1 + "/namespaces/shop/metrics/unknown_metric",
		customV1 + "/nodes/*/unknown_metric",
		customV1 + "/namespaces/shop/pods/web%22%7D-1/http_requests_per_second",
		customV1 + "/namespaces/sh%22op/pods/web-1/http_requests_per_second",
		customV1 + "/namespaces/shop/pods/.*/http_requests_per_second",
		customV1 + "/namespaces/shop/pods/a%7Cb/http_requests_per_second",
		externalV1 + "/namespaces/shop/unknown_metric",
		externalV1 + "/namespaces/default/unknown_metric",
		externalV1 + "/namespaces/sh%22op/queue_in_namespace",
		externalV1 + "/namespaces/shop/queue_in_namespace/more",
		externalV1 + "/queue_in_namespace",
	}
}

// discovery are the documents that list what there is.
func discovery() []string { return []string{customV1, customV2, externalV1} }

// plan is every request for what one of the two programs lists. The many selectors are tried on metrics that
// have the labels they speak of.
func (w world) plan(custom, external []entry) []string {
	var paths []string
	for _, e := range custom {
		paths = append(paths, w.requestsFor(e)...)
		if strings.HasPrefix(e.Name, "pods/http_requests") || e.Name == "pods/by_values" || e.Name == "pods/only_with_code" || e.Name == "nodes/http_requests_per_second" {
			paths = append(paths, selectorsFor(e)...)
		}
	}
	for _, e := range external {
		paths = append(paths, externalRequestsFor(e)...)
	}
	paths = append(paths, oddRequests()...)
	slices.Sort(paths)
	return slices.Compact(paths)
}
