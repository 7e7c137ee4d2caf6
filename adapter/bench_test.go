package adapter

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/trimtab/trimtab/internal/prom"
)

// BenchmarkOneByName answers for one pod by name, as the library behind the API asks: catalog, PromQL, one
// query to a Prometheus in the same process, value, journal and metrics; without TLS, HTTP to the client and JSON.
func BenchmarkOneByName(b *testing.B) {
	f := newFixture(b)
	f.prom.answers[`sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`] = vector(b, "pod=a 1.5")
	f.discover(b.Context())
	f.prom.asked = nil
	benchmarkByName(b, f)
}

// BenchmarkOneByNameWithClient is the same with the real client of Prometheus over loopback.
func BenchmarkOneByNameWithClient(b *testing.B) {
	server := listen(b, "127.0.0.1:0")
	defer server.Close()
	f := newFixture(b)
	cfg := prom.DefaultConfig()
	cfg.URL = server.URL
	client, err := prom.NewClient(cfg, prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	f.Adapter.prom = client
	f.discover(b.Context())
	benchmarkByName(b, f)
}

func benchmarkByName(b *testing.B, f *fixture) {
	info := provider.CustomMetricInfo{GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: "http_requests"}
	name := types.NamespacedName{Namespace: "prod", Name: "a"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.GetMetricByName(b.Context(), name, info, labels.Everything()); err != nil {
			b.Fatal(err)
		}
	}
}
