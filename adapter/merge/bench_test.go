package merge_test

import (
	"fmt"
	"testing"

	"github.com/trimtab/trimtab/adapter/merge"
)

const benchQuery = `sum(rate(http_errors_total{namespace="<namespace>",pod="<pod>",code=~"5.."}[2m])) by (pod) / sum(rate(http_requests_total{namespace="<namespace>",pod="<pod>"}[2m])) by (pod)`

// BenchmarkProve reads and proves a ratio of two selectors.
func BenchmarkProve(b *testing.B) {
	dims := dimensions([]string{"namespace", "pod*"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := merge.Prove(benchQuery, dims); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery writes the common query for all, and for a number of namespaces.
func BenchmarkQuery(b *testing.B) {
	form, err := merge.Prove(benchQuery, dimensions([]string{"namespace", "pod*"}))
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{0, 1, 100, 1000} {
		values := map[string][]string{}
		for i := range n {
			values["namespace"] = append(values["namespace"], fmt.Sprintf("team-%d", i))
		}
		b.Run(fmt.Sprintf("namespaces=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = form.Query(values)
			}
		})
	}
}

// BenchmarkWindow reads the window of a query that is asked as written.
func BenchmarkWindow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := merge.Window(benchQuery); err != nil {
			b.Fatal(err)
		}
	}
}
