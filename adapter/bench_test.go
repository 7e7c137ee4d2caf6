package adapter

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/api"
)

// BenchmarkOneByName answers for one pod by name, from catalog to journal, without TLS and encoding.
func BenchmarkOneByName(b *testing.B) {
	b.Run("exact", func(b *testing.B) {
		f := newFixture(b)
		f.prom.answers[`sum(rate(http_requests_total{namespace="prod",pod="a"}[2m])) by (pod)`] = vector(b, "pod=a 1.5")
		benchmarkByName(b, f)
	})
	b.Run("memory", func(b *testing.B) {
		f := plannedFixture(b)
		f.prom.answers[`sum by (pod, namespace) (rate(http_requests_total{namespace="prod",pod="a"}[2m]))`] = rowsOf(b, "namespace=prod,pod=a 1.5")
		benchmarkByName(b, f)
	})
}

func benchmarkByName(b *testing.B, f *fixture) {
	f.Discover(b.Context())
	q := api.CustomRequest{
		Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Namespace: "prod", Metric: "http_requests", Name: "a",
		Selector: labels.Everything(), MetricSelector: labels.Everything(),
	}
	var answer api.CustomAnswer
	b.ReportAllocs()
	for b.Loop() {
		answer.Items = answer.Items[:0]
		if err := f.Custom(b.Context(), q, &answer); err != nil {
			b.Fatal(err)
		}
	}
}
