package rules

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/trimtab/trimtab/internal/config"
)

const discoveryRules = `
rules:
- seriesQuery: q
  resources: {template: "<<.Resource>>"}
  metricsQuery: a<<.Series>>
- seriesQuery: q
  resources: {overrides: {pod: {resource: pods}, k8s_pod: {resource: pods}, ns: {resource: namespaces}, zeppelin: {resource: zeppelins}}}
  name: {matches: "^(.)_.*$"}
  metricsQuery: b<<.Series>>
- seriesQuery: q
  source: other
  seriesFilters: [{isNot: "^a_"}]
  resources: {template: "k_<<.Group>>_<<.Resource>>", overrides: {ns: {resource: namespaces}}}
  name: {as: one}
  metricsQuery: c<<.Series>>
externalRules:
- seriesQuery: q
  name: {matches: "_x$"}
  metricsQuery: <<.Series>>
`

// What is exposed of the sets of labels that series have is exposed too of one union of labels for each name, and of
// those labels alone that Overrides and KindLabels name: discovery needs no series.
func TestNamesAndLabelsExposeWhatSeriesDo(t *testing.T) {
	t.Parallel()
	var file File
	if err := config.Decode("f", []byte(discoveryRules), &file); err != nil {
		t.Fatal(err)
	}
	set, err := Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	exposed := 0
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		series, unions, needed := map[SelectorKey][]Series{}, map[SelectorKey][]Series{}, map[SelectorKey][]Series{}
		for _, one := range set.Selectors() {
			all := randomSeries(random)
			series[one.SelectorKey] = all
			for _, name := range names(all) {
				union := unionOf(name, all)
				unions[one.SelectorKey] = append(unions[one.SelectorKey], Series{name, union})
				keep := slices.Concat(one.Overrides, set.KindLabels(one.SelectorKey, union, cluster()))
				union = slices.DeleteFunc(slices.Clone(union), func(l string) bool { return !slices.Contains(keep, l) })
				needed[one.SelectorKey] = append(needed[one.SelectorKey], Series{name, union})
			}
		}
		want := describe(set.Expose(series, nil, cluster()))
		exposed += len(want)
		for what, found := range map[string]map[SelectorKey][]Series{"unions": unions, "the labels needed": needed} {
			if got := describe(set.Expose(found, nil, cluster())); !maps.Equal(got, want) {
				t.Fatalf("seed %d: of %s is exposed\n%v\nand of the series\n%v\nseries: %v", seed, what, got, want, series)
			}
		}
	}
	if exposed < 2000 {
		t.Errorf("only %d metrics were exposed, so nearly nothing was compared", exposed)
	}
}

func randomSeries(random *rand.Rand) []Series {
	series := make([]Series, random.IntN(12))
	labels := []string{"pod", "k8s_pod", "ns", "namespace", "node", "zeppelin", "job", "instance", "k_apps_deployment", "k_batch_job", "k__pod"}
	for i := range series {
		series[i].Name = []string{"a_x", "b_x", "b_y", "c", "d_y_x"}[random.IntN(5)]
		for _, label := range labels {
			if random.IntN(3) == 0 {
				series[i].Labels = append(series[i].Labels, label)
			}
		}
	}
	return series
}

func names(all []Series) []string {
	var out []string
	for _, one := range all {
		out = append(out, one.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func unionOf(name string, all []Series) []string {
	var out []string
	for _, one := range all {
		if one.Name == name {
			out = append(out, one.Labels...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// describe is all that a catalog answers with.
func describe(c *Catalog) map[string]string {
	out := map[string]string{}
	for _, m := range c.Metrics {
		source, _ := c.Metric(m)
		kind, _ := cluster().Kind(m.Resource)
		q, err := source.Query(Objects{Kind: kind, Names: []string{"x"}}, nil)
		out[fmt.Sprint(m)] = fmt.Sprint(source.Rule(), source.Series, q, err)
	}
	for _, name := range c.Externals {
		source, _ := c.External(name)
		out[name] = source.Rule() + source.Series
	}
	return out
}

// FuzzWithLabel: the narrowed selector is one that Prometheus reads, and asks for what the selector did and the label.
func FuzzWithLabel(f *testing.F) {
	f.Add("http_requests_total", "pod")
	f.Add(`{__name__=~"^a.*",b!="\n"}`, "é.x")
	f.Add(`{"a.b","c d"="e"}`, `"`)
	f.Add("a offset 5m", "pod")
	f.Fuzz(func(t *testing.T, selector, label string) {
		narrowed, err := WithLabel(selector, label)
		if err != nil {
			return
		}
		promql := parser.NewParser(parser.Options{})
		before, err := promql.ParseMetricSelector(selector)
		if err != nil {
			t.Fatal(err)
		}
		after, err := promql.ParseMetricSelector(narrowed)
		if err != nil {
			t.Fatalf("%s became %s: %v", selector, narrowed, err)
		}
		if len(after) != len(before)+1 {
			t.Errorf("%s became %s", selector, narrowed)
		}
		for _, m := range before {
			if !slices.ContainsFunc(after, func(a *labels.Matcher) bool { return a.String() == m.String() }) {
				t.Errorf("%s lost %s: %s", selector, m, narrowed)
			}
		}
	})
}
