package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/review"
)

// memory answers from memory: one pod by name, all of them by selector.
type memory struct {
	pods []CustomItem
	list []CustomMetric
}

func newMemory(pods, entries int) *memory {
	m := &memory{pods: manyPods(pods).Items}
	for i := range entries {
		m.list = append(m.list, CustomMetric{schema.GroupResource{Resource: "pods"}, true, fmt.Sprintf("http_requests_of_the_service_%05d", i)})
	}
	return m
}

func (m *memory) Custom(_ context.Context, q CustomRequest, a *CustomAnswer) error {
	a.APIVersion, a.Kind, a.Namespace, a.Metric = "/v1", "Pod", q.Namespace, q.Metric
	if q.Name != "" {
		a.Items = append(a.Items, CustomItem{Name: q.Name, Milli: 2300, TimestampMillis: 1700000000000, WindowSeconds: 60})
		return nil
	}
	a.Items = append(a.Items, m.pods...)
	return nil
}

func (m *memory) CustomMetrics() ([]CustomMetric, uint64) { return m.list, 1 }

func (m *memory) External(_ context.Context, q ExternalRequest, a *ExternalAnswer) error {
	a.Items = append(a.Items, ExternalItem{Metric: q.Metric, Labels: nil, Value: *resource.NewQuantity(7, resource.DecimalSI), TimestampMillis: 1700000000000})
	return nil
}

func (m *memory) ExternalMetrics() ([]string, uint64) { return nil, 1 }

// allower allows all, after reviews has looked into its memory.
type allower struct{ authorizer.Authorizer }

func (allower) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// sink is a client that reads nothing.
type sink struct {
	header http.Header
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { s.bytes += len(b); return len(b), nil }

var _ http.ResponseWriter = (*sink)(nil)

// BenchmarkHandler is a request as the HPA controller sends it, passed on by the API server, without TLS and HTTP:
// who it is, what he may do, the question and the answer. "library" is what the library does for the same without
// asking who it is.
func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct{ name, target string }{
		{"by-name", customPath + "/namespaces/production/pods/web-frontend-7d9fc8b6c4-00001/http_requests"},
		{"selector-1000", customPath + "/namespaces/production/pods/*/http_requests?labelSelector=app%3Dweb"},
		{"external", externalPath + "/namespaces/production/queue_length?labelSelector=queue%3Dorders"},
		{"discovery-10000", customPath},
	} {
		for _, accept := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
			p := newBenchPair(b, newMemory(1000, 10000))
			encoding := map[bool]string{true: "json", false: "protobuf"}[accept == "application/json"]
			b.Run(c.name+"/"+encoding+"/fast", func(b *testing.B) { benchmark(b, p.fast, c.target, accept, &p.certificate) })
			b.Run(c.name+"/"+encoding+"/library", func(b *testing.B) { benchmark(b, p.library, c.target, accept, nil) })
		}
	}
}

type benchPair struct {
	fast        *fast
	library     http.Handler
	certificate http.Request // has the TLS state of the front proxy
}

func newBenchPair(b *testing.B, m *memory) *benchPair {
	b.Helper()
	ca := apitest.NewAuthority(b)
	base := newPairOf(b, apis{custom: m, external: m})
	cert := ca.Client(b, apitest.ProxyName)
	p := &benchPair{fast: base.fast, library: base.library, certificate: *from(b, nil, &cert)}
	s := newSettings(ca.PEM)
	p.fast.authenticator = newFrontProxy(s.config(), s.library(), time.Now)
	p.fast.authorizer = review.Remember(allower{}, time.Hour, time.Now)
	return p
}

func benchmark(b *testing.B, handler http.Handler, target, accept string, from *http.Request) {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	if from != nil {
		r.TLS = from.TLS
	}
	header := http.Header{
		"Accept": {accept}, "User-Agent": {"kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abc"}, "X-Forwarded-For": {"10.0.0.1"},
		"X-Remote-User": {"system:serviceaccount:kube-system:horizontal-pod-autoscaler"}, "X-Remote-Group": {"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
		"X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id": {"JTI=0a1b2c3d"}, "X-Remote-Uid": {"7"}, "Audit-Id": {"0a1b2c3d"},
	}
	w := &sink{header: http.Header{}}
	r.Header = http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		for name, values := range header {
			r.Header[name] = values
		}
		clear(w.header)
		w.bytes = 0
		handler.ServeHTTP(w, r)
	}
	if w.bytes < 100 {
		b.Fatalf("the answer has %d bytes", w.bytes)
	}
	b.ReportMetric(float64(w.bytes), "bytes/answer")
}

// BenchmarkEncode is the writing of 1,000 values alone.
func BenchmarkEncode(b *testing.B) {
	a := manyPods(1000)
	for name, e := range map[string]encoding{"json": {}, "protobuf": {proto: true}} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				buffer = encodeCustom(buffer[:0], e, customV1beta1, a)
			}
		})
	}
}
