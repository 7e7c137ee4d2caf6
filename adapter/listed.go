package adapter

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/delegate"
	"github.com/trimtab/trimtab/adapter/rules"
)

// listed is the list for discovery, sorted. The generation changes when the list does.
type listed struct {
	custom     []api.CustomMetric
	external   []string
	generation uint64
}

// listOf joins the metrics of the rules and of the delegates. It keeps the lists of the old plan if they are equal, so
// that their encoded form is kept too.
func listOf(catalog *rules.Catalog, delegates []*delegate.Delegate, old *plan) listed {
	custom, external := map[api.CustomMetric]bool{}, map[string]bool{}
	for _, m := range catalog.Metrics {
		custom[api.CustomMetric{Resource: m.Resource, Namespaced: m.Namespaced, Name: m.Name}] = true
	}
	for _, name := range catalog.Externals {
		external[name] = true
	}
	for _, d := range delegates {
		for _, m := range d.CustomMetrics() {
			custom[api.CustomMetric{Resource: m.Resource, Namespaced: m.Namespaced, Name: m.Name}] = true
		}
		for _, name := range d.ExternalMetrics() {
			external[name] = true
		}
	}
	next := listed{
		custom: slices.SortedFunc(maps.Keys(custom), func(a, b api.CustomMetric) int {
			return cmp.Or(strings.Compare(a.Resource.String(), b.Resource.String()), strings.Compare(a.Name, b.Name))
		}),
		external:   slices.Sorted(maps.Keys(external)),
		generation: 1,
	}
	if old == nil {
		return next
	}
	if slices.Equal(next.custom, old.listed.custom) && slices.Equal(next.external, old.listed.external) {
		return old.listed
	}
	next.generation = old.listed.generation + 1
	return next
}
