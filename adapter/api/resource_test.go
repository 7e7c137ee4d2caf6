package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/metrics/pkg/apis/metrics"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/trimtab/trimtab/adapter/api"
)

// usage knows two nodes, and three pods in two namespaces.
type usage struct{}

func quantities(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

func (usage) Nodes(_ context.Context, name string, selector labels.Selector) ([]metrics.NodeMetrics, error) {
	var out []metrics.NodeMetrics
	for _, n := range []string{"n1", "n2"} {
		m := metrics.NodeMetrics{ObjectMeta: metav1.ObjectMeta{Name: n, Labels: map[string]string{"zone": n}}, Timestamp: metav1.Unix(1e9, 0), Window: metav1.Duration{Duration: time.Minute}, Usage: quantities("1500m", "2Gi")}
		if (name == "" || name == n) && selector.Matches(labels.Set(m.Labels)) {
			out = append(out, m)
		}
	}
	if name == "broken" {
		return nil, api.Unavailable(time.Second, "Prometheus is down")
	}
	return out, nil
}

func (usage) Pods(_ context.Context, namespace, name string, selector labels.Selector) ([]metrics.PodMetrics, error) {
	var out []metrics.PodMetrics
	for _, p := range []string{"a/p1", "a/p2", "b/p1"} {
		ns, n, _ := strings.Cut(p, "/")
		m := metrics.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: n, Labels: map[string]string{"app": n}}, Timestamp: metav1.Unix(1e9, 0), Window: metav1.Duration{Duration: 30 * time.Second},
			Containers: []metrics.ContainerMetrics{{Name: "x", Usage: quantities("100m", "1Mi")}, {Name: "y", Usage: quantities("20m", "3Mi")}},
		}
		if (namespace == "" || namespace == ns) && (name == "" || name == n) && selector.Matches(labels.Set(m.Labels)) {
			out = append(out, m)
		}
	}
	return out, nil
}

func fetch(t testing.TB, handler http.Handler, target, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

const resourcePath = "/apis/metrics.k8s.io/v1beta1"

func TestResourceMetrics(t *testing.T) {
	t.Parallel()
	handler, err := api.NewHandler(nil, nil, usage{})
	if err != nil {
		t.Fatal(err)
	}
	table := "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	for _, c := range []struct {
		path, accept string
		status       int
		says         []string
	}{
		{resourcePath + "/nodes", "application/json", 200, []string{
			`{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{"metadata":{"name":"n1","labels":{"zone":"n1"}},"timestamp":"2001-09-09T01:46:40Z","window":"1m0s","usage":{"cpu":"1500m","memory":"2Gi"}},{"metadata":{"name":"n2"`}},
		{resourcePath + "/nodes?labelSelector=zone%3Dn2", "application/json", 200, []string{`"items":[{"metadata":{"name":"n2"`}},
		{resourcePath + "/nodes?fieldSelector=metadata.name%3Dn2", "application/json", 200, []string{`"items":[{"metadata":{"name":"n2"`}},
		{resourcePath + "/nodes?fieldSelector=metadata.name!%3Dn1", "application/json", 200, []string{`"items":[{"metadata":{"name":"n2"`}},
		{resourcePath + "/nodes?fieldSelector=status.phase%3Dx", "application/json", 400, []string{`not a known field selector`}},
		{resourcePath + "/nodes?labelSelector=%28", "application/json", 400, []string{"found '('"}},
		{resourcePath + "/nodes/n1", "application/json", 200, []string{`"kind":"NodeMetrics"`, `"name":"n1"`}},
		{resourcePath + "/nodes/n9", "application/json", 404, []string{`nodemetrics.metrics.k8s.io \"n9\" not found`}},
		{resourcePath + "/nodes/broken", "application/json", 503, []string{`Prometheus is down`}},
		{resourcePath + "/pods", "application/json", 200, []string{`"name":"p1","namespace":"a"`, `"name":"p2","namespace":"a"`, `"name":"p1","namespace":"b"`}},
		{resourcePath + "/namespaces/b/pods", "application/json", 200, []string{
			`"items":[{"metadata":{"name":"p1","namespace":"b","labels":{"app":"p1"}},"timestamp":"2001-09-09T01:46:40Z","window":"30s","containers":[{"name":"x","usage":{"cpu":"100m","memory":"1Mi"}},{"name":"y","usage":{"cpu":"20m","memory":"3Mi"}}]}]}`}},
		{resourcePath + "/pods?fieldSelector=metadata.namespace%3Db", "application/json", 200, []string{`"items":[{"metadata":{"name":"p1","namespace":"b"`}},
		{resourcePath + "/namespaces/none/pods", "application/json", 200, []string{`"items":[]`}},
		{resourcePath + "/namespaces/a/pods/p2", "application/json", 200, []string{`"kind":"PodMetrics"`, `"name":"p2"`}},
		{resourcePath + "/namespaces/b/pods/p2", "application/json", 404, []string{`podmetrics.metrics.k8s.io \"b/p2\" not found`}},
		{resourcePath + "/pods?watch=true", "application/json", 405, []string{"watch"}},
		{resourcePath + "/nodes", table, 200, []string{
			`"columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"Name of the resource","priority":0},{"name":"cpu","type":"string","format":"quantity","description":"","priority":0},{"name":"memory",`, `{"name":"Window","type":"string","format":"duration"`,
			`"rows":[{"cells":["n1","1500m","2Gi","1m0s"],"object":{"kind":"PartialObjectMetadata"`}},
		{resourcePath + "/namespaces/a/pods", table, 200, []string{`"rows":[{"cells":["p1","120m","4Mi","30s"]`, `{"cells":["p2",`}},
		{resourcePath + "/namespaces/a/pods/p1", table, 200, []string{`"rows":[{"cells":["p1","120m","4Mi","30s"]`}},
		{resourcePath, "application/json", 200, []string{
			`{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]}`, `{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}`}},
		{"/apis/custom.metrics.k8s.io/v1beta1", "application/json", 404, nil},
		{"/openapi/v2", "application/json", 200, []string{`"io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetricsList":`, resourcePath + "/namespaces/{namespace}/pods/{name}"}},
		{"/openapi/v3/apis/metrics.k8s.io/v1beta1", "application/json", 200, []string{`"io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics":`, `"#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"`}},
	} {
		w := fetch(t, handler, c.path, c.accept)
		if w.Code != c.status {
			t.Errorf("%s: %d %.500s, want %d", c.path, w.Code, w.Body, c.status)
		}
		for _, says := range c.says {
			if !strings.Contains(w.Body.String(), says) {
				t.Errorf("%s: %.3000s\nwant %s", c.path, w.Body, says)
			}
		}
	}
	if body := fetch(t, handler, "/openapi/v2", "application/json").Body.String(); strings.Contains(body, "custom_metrics") || strings.Contains(body, "external_metrics") {
		t.Error("APIs that are not served are described")
	}
}

func TestResourceMetricsInProtobuf(t *testing.T) {
	t.Parallel()
	handler, err := api.NewHandler(nil, nil, usage{})
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := v1beta1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	for _, path := range []string{"/nodes", "/nodes/n1", "/pods", "/namespaces/a/pods/p1"} {
		proto, plain := fetch(t, handler, resourcePath+path, runtime.ContentTypeProtobuf), fetch(t, handler, resourcePath+path, runtime.ContentTypeJSON)
		if !strings.HasPrefix(proto.Body.String(), "k8s\x00") || proto.Header().Get("Content-Type") != runtime.ContentTypeProtobuf {
			t.Errorf("%s: %v %.100q", path, proto.Header(), proto.Body)
		}
		a, _, errA := decoder.Decode(proto.Body.Bytes(), nil, nil)
		b, _, errB := decoder.Decode(plain.Body.Bytes(), nil, nil)
		textA, _ := json.Marshal(a)
		textB, _ := json.Marshal(b)
		if errA != nil || errB != nil || fmt.Sprintf("%T%s", a, textA) != fmt.Sprintf("%T%s", b, textB) {
			t.Errorf("%s: protobuf is %s (%v), JSON %s (%v)", path, textA, errA, textB, errB)
		}
	}
}

// The handler for answers from files answers as a server does, fast path, library and statuses.
func TestTheHandlerAnswersWithoutAPort(t *testing.T) {
	t.Parallel()
	s := &source{}
	handler, err := api.NewHandler(s, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		custom + "/v1beta1/namespaces/a/pods/p/m":                   `200 {"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":{"kind":"Pod","namespace":"a","name":"p","apiVersion":"/v1"},"metricName":"m","timestamp":"2001-09-09T01:46:40Z","value":"2300m","selector":null}]}`,
		custom + "/v1beta1/namespaces/a/pods/p/m?resourceVersion=1": `200 {"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":{"kind":"Pod","namespace":"a","name":"p","apiVersion":"/v1"},"metricName":"m","timestamp":"2001-09-09T01:46:40Z","value":"2300m","selector":null}]}`,
		external + "/v1beta1/namespaces/a/q":                        `200 {"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[{"metricName":"q","metricLabels":null,"timestamp":"1970-01-01T00:00:00Z","value":"0"}]}`,
		custom + "/v1beta1/namespaces/a/pods/*/m?labelSelector=(":   `400 {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"found '(', expected: !, identifier, or 'end of string'","reason":"BadRequest","code":400}`,
		resourcePath + "/nodes":                                     "404 404 page not found",
	} {
		w := fetch(t, handler, target, "application/json")
		if got := fmt.Sprintf("%d %s", w.Code, strings.TrimSpace(w.Body.String())); got != want {
			t.Errorf("%s: %s\nwant %s", target, got, want)
		}
	}
}
