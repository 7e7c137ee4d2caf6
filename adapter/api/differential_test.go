package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// echo answers with what it was asked, so that two paths that understand a URL differently answer differently.
// A metric's name may ask for an error or a panic instead.
type echo struct{ asked []any }

func (e *echo) Custom(_ context.Context, q CustomRequest, a *CustomAnswer) error {
	e.asked = append(e.asked, []string{q.Resource.String(), q.Namespace, q.Name, q.Metric, q.Selector.String(), q.MetricSelector.String()})
	if err := failure(q.Metric); err != nil {
		return err
	}
	a.APIVersion, a.Kind, a.Namespace, a.Metric = "/v1", q.Resource.String(), q.Namespace, q.Metric
	a.Items = append(a.Items, CustomItem{Name: "name=" + q.Name + " selector=" + q.Selector.String() + " metrics=" + q.MetricSelector.String(), Milli: 2300, TimestampMillis: 1700000000000})
	if q.Metric == "large" {
		a.Items = append(a.Items, manyPods(1000).Items...)
	}
	return nil
}

func (e *echo) CustomMetrics() ([]CustomMetric, uint64) {
	pods := schema.GroupResource{Resource: "pods"}
	return []CustomMetric{{pods, true, "z"}, {schema.GroupResource{Group: "apps", Resource: "deployments"}, true, "m"}, {pods, true, "m"}}, 1
}

func (e *echo) External(_ context.Context, q ExternalRequest, a *ExternalAnswer) error {
	e.asked = append(e.asked, []string{q.Namespace, q.Metric, q.Selector.String()})
	if err := failure(q.Metric); err != nil {
		return err
	}
	a.Items = append(a.Items, ExternalItem{Metric: q.Metric, Labels: map[string]string{"selector": q.Selector.String(), "namespace": q.Namespace}, Value: resource.MustParse("7")})
	return nil
}

func (e *echo) ExternalMetrics() ([]string, uint64) { return []string{"q", "a"}, 1 }

func failure(metric string) error {
	switch metric {
	case "gone":
		return NotFound("no such <metric>")
	case "down":
		return Unavailable(2500*time.Millisecond, "Prometheus is down")
	case "raw":
		return errors.New("no status")
	case "forbidden":
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", nil)
	}
	return nil
}

// pair is the library alone, and with fast in front.
type pair struct {
	library, both http.Handler
	fast          *fast
	echo          *echo
	passed        int // requests that fast left to the library
}

func newPair(t testing.TB) *pair {
	t.Helper()
	e := &echo{}
	p := newPairOf(t, apis{custom: e, external: e})
	p.echo = e
	return p
}

func newPairOf(t testing.TB, a apis) *pair {
	t.Helper()
	p := &pair{}
	server, err := a.newGeneric(time.Minute, withoutPort,
		func(handlers http.Handler, c *genericapiserver.Config) http.Handler {
			p.library = filters.WithCacheControl(filters.WithAuditInit(filters.WithRequestInfo(withoutRetryAfter(checkMetricSelector(handlers)), genericapiserver.NewRequestInfoResolver(c))))
			p.fast = a.newFast(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p.passed++
				p.library.ServeHTTP(w, r)
			}), c)
			return p.fast
		})
	if err != nil {
		t.Fatal(err)
	}
	server.PrepareRun()
	p.both = server.Handler
	return p
}

// get is the answer of one of the handlers, and what the metrics' source was asked.
func (p *pair) get(handler http.Handler, r *http.Request) (*httptest.ResponseRecorder, []any) {
	p.echo.asked = nil
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w, p.echo.asked
}

// leaves is true if fast leaves the request to the library.
func (p *pair) leaves(r *http.Request) bool {
	p.passed = 0
	p.get(p.both, r)
	return p.passed == 1
}

func newRequest(target string, header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Audit-Id", "the-same")
	return r
}

const (
	customPath   = "/apis/custom.metrics.k8s.io/v1beta1"
	customPath2  = "/apis/custom.metrics.k8s.io/v1beta2"
	externalPath = "/apis/external.metrics.k8s.io/v1beta1"
)

// hot are the targets that fast must answer itself.
func hot() []string {
	return []string{
		customPath + "/namespaces/a/pods/p/m", customPath2 + "/namespaces/a/pods/p/m",
		customPath + "/namespaces/a/pods/*/m?labelSelector=app%3Dx", customPath2 + "/namespaces/a/pods/*/m?labelSelector=app+in+(x,y),z",
		customPath + "/namespaces/a/pods/%2A/m", customPath + "/namespaces/a/pods/%2A/m?labelSelector=&metricLabelSelector=",
		customPath + "/namespaces/a/pods/p/m?metricLabelSelector=a%3Db", customPath + "/namespaces/a/pods/p/m?labelSelector=a",
		customPath + "/nodes/n-1.x/m", customPath + "/nodes/*/m", customPath + "/namespaces/a/deployments.apps/d/m",
		customPath + "/namespaces/a/metrics/m", customPath2 + "/namespaces/*/metrics/m?labelSelector=a", customPath + "/metrics/a/b",
		customPath + "/namespaces/a/pods/gr%C3%BC%20%3Fe/m",
		customPath + "/namespaces/a/pods/p/gone", customPath2 + "/namespaces/a/pods/p/down", customPath + "/namespaces/a/pods/p/raw",
		customPath + "/namespaces/a/pods/*/forbidden", customPath + "/namespaces/a/pods/*/large",
		externalPath + "/namespaces/a/q", externalPath + "/namespaces/*/q?labelSelector=a%3Db,c!%3Dd", externalPath + "/namespaces/a/down",
		externalPath + "/namespaces/a/gone", externalPath + "/namespaces/a/raw",
		customPath, customPath2, externalPath,
	}
}

// odd are targets that the library must answer.
func odd() []string {
	return []string{
		customPath + "/namespaces/a/pods/p/m?timeout=5s", customPath + "?timeout=5s", customPath + "/namespaces/a/pods/p/m?pretty=true", customPath + "/namespaces/a/pods/p/m?watch=true",
		customPath + "/namespaces/a/pods/*/m?labelSelector=%28", customPath + "/namespaces/a/pods/p/m?metricLabelSelector=a%3D%3D%3D",
		customPath + "/namespaces/a/pods/*/m?labelSelector=a&labelSelector=b", customPath + "/namespaces/a/pods/*/m?fieldSelector=metadata.name%3Dx",
		customPath + "/namespaces/a/pods/*/m?limit=1", customPath + "/namespaces/a/pods/*/m?a;b", customPath + "/namespaces/a/foo",
		customPath + "/namespaces/a/pods/p/m/", customPath + "/namespaces/a/pods//m", customPath + "/namespaces/a/pods/p%2Fq/m",
		customPath + "/namespaces/a/pods/p/m/more", customPath + "/namespaces/a/status/p/m", customPath + "/namespaces/a/metrics/p/m",
		customPath + "/namespaces/a/namespaces/p/m", customPath + "/watch/nodes/n", customPath + "/proxy/nodes/n/m", customPath + "/namespaces/a/status",
		customPath + "/../v1beta1/nodes/n/m", customPath + "/nodes/../m", customPath + "/nodes/n", customPath + "/", customPath + "?x=y",
		"/apis/custom.metrics.k8s.io/v1beta9/nodes/n/m", "/apis/other/v1beta1/nodes/n/m", "/apis", "/apis/custom.metrics.k8s.io", "/healthz", "/",
		externalPath + "/q", externalPath + "/namespaces/a", externalPath + "/namespaces/a/status", externalPath + "/namespaces/a/q/r",
		externalPath + "/namespaces/a/q?watch=1", externalPath + "/namespaces/a/q?labelSelector=%28", externalPath + "/namespaces/a/q?fieldSelector=metadata.name%3Dx",
		externalPath + "/namespaces/a/q?timeoutSeconds=3", externalPath + "/namespaces/a/q?timeout=-1s", externalPath + "/namespaces/a/q?resourceVersion=x",
	}
}

// For every request the answer is that of the library: status, headers and body.
func TestFastAnswersAsTheLibrary(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	headers := map[string]http.Header{
		"none":        {},
		"HPA":         {"Accept": {"application/vnd.kubernetes.protobuf, */*"}, "User-Agent": {"kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abc"}, "Accept-Encoding": {"gzip"}},
		"HPA in JSON": {"Accept": {"application/vnd.kubernetes.protobuf,application/json"}, "User-Agent": {"x/v1 (linux/amd64) kubernetes/abc"}},
		"kubectl":     {"Accept": {"application/json, */*"}, "Accept-Encoding": {"deflate, gzip"}},
		"curl":        {"Accept": {"*/*"}, "User-Agent": {"curl/8"}},
		"weighted":    {"Accept": {"application/json;q=0.5,application/vnd.kubernetes.protobuf;q=0.9"}},
		"pretty":      {"Accept": {"application/json;pretty=1"}},
		"table":       {"Accept": {"application/json;as=Table;g=meta.k8s.io;v=v1,application/json"}},
		"yaml":        {"Accept": {"application/yaml"}},
		"nothing":     {"Accept": {"text/html"}},
	}
	for name, header := range headers {
		for _, target := range append(hot(), odd()...) {
			want, wantAsked := p.get(p.library, newRequest(target, header))
			for _, again := range []string{"first", "again"} { // the second time from memory
				got, asked := p.get(p.both, newRequest(target, header))
				got.Header().Del("Content-Length") // which the library leaves to net/http
				if got.Code != want.Code || !reflect.DeepEqual(got.Header(), want.Header()) || !equalBodies(got, want) {
					t.Errorf("%s, %s, %s:\ngot  %d %v %.300q\nwant %d %v %.300q", target, name, again, got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body)
				}
				if !reflect.DeepEqual(asked, wantAsked) {
					t.Errorf("%s, %s, %s: asked %q, the library asks %q", target, name, again, asked, wantAsked)
				}
			}
		}
	}
}

// equalBodies compares what clients read; two compressors may write the same differently.
func equalBodies(a, b *httptest.ResponseRecorder) bool { return unzip(a) == unzip(b) }

func unzip(w *httptest.ResponseRecorder) string {
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	zip, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		return err.Error()
	}
	data, err := io.ReadAll(zip)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// What is hot does not reach the library, and what is odd does.
func TestWhatIsFast(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, target := range hot() {
		if p.leaves(newRequest(target, nil)) {
			t.Errorf("%s is left to the library", target)
		}
	}
	targets := append(odd(), customPath+"/namespaces/a/pods/p/"+strings.Repeat("m", urlLimit))
	for _, target := range targets {
		if !p.leaves(newRequest(target, nil)) {
			t.Errorf("%s is not left to the library", target)
		}
	}
	for name, value := range map[string]string{"Impersonate-User": "x", "Impersonate-Group": "x", "Upgrade": "websocket", "Authorization": "Bearer x", "Origin": "x", "User-Agent": "Mozilla/5.0"} {
		header := http.Header{name: {value}}
		if !p.leaves(newRequest(hot()[0], header)) {
			t.Errorf("a request with %s is not left to the library", name)
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions} {
		if !p.leaves(httptest.NewRequest(method, hot()[0], nil)) {
			t.Errorf("%s is not left to the library", method)
		}
	}
	if !p.leaves(httptest.NewRequest(http.MethodGet, hot()[0], strings.NewReader("body"))) {
		t.Error("a request with a body is not left to the library")
	}
}

// What is reviewed for a URL is what the library would have reviewed, and what is asked is what it would have asked.
func FuzzRoutesEqualTheLibrary(f *testing.F) {
	for _, target := range append(hot(), odd()...) {
		path, query, _ := strings.Cut(target, "?")
		f.Add(path, query)
	}
	p := newPair(f)
	info := genericapiserver.NewRequestInfoResolver(&genericapiserver.Config{})
	f.Fuzz(func(t *testing.T, path, query string) {
		r, err := http.NewRequest(http.MethodGet, path+"?"+query, nil)
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		r.Header.Set("Audit-Id", "the-same")
		key, ok := appendRouteKey(nil, r.URL)
		if !ok {
			return
		}
		found, _ := p.fast.routes.find(r, key)
		if found == nil {
			return
		}
		read, err := info.NewRequestInfo(r)
		if err != nil {
			t.Fatalf("%s is fast, but the library cannot read it: %v", r.URL, err)
		}
		want, err := filters.GetAuthorizerAttributes(request.WithRequestInfo(t.Context(), read))
		if err != nil {
			t.Fatal(err)
		}
		if got := authorizer.Attributes(&found.attributes); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is reviewed as %+v, want %+v", r.URL, got, want)
		}
		wantAnswer, wantAsked := p.get(p.library, r.Clone(t.Context()))
		got, asked := p.get(p.both, r)
		if got.Code != wantAnswer.Code || got.Body.String() != wantAnswer.Body.String() || !reflect.DeepEqual(asked, wantAsked) {
			t.Errorf("%s: %d %s asked %q\nwant %d %s asked %q", r.URL, got.Code, got.Body, asked, wantAnswer.Code, wantAnswer.Body, wantAsked)
		}
	})
}

// Two URLs of the same letters are not one.
func TestAPathIsNotTakenForAQuery(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, target := range []string{"/nodes/n/m?labelSelector=a", "/nodes/n/mlabelSelector=a", "/nodes/n/m%3FlabelSelector=a"} {
		_, want := p.get(p.library, newRequest(customPath+target, nil))
		if _, got := p.get(p.both, newRequest(customPath+target, nil)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s asks %q, want %q", target, got, want)
		}
	}
}
