package rules

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/trimtab/trimtab/internal/config"
)

// FuzzRuleFile: whatever stands in a rule file, it is refused with a message or it can be used, and linted.
func FuzzRuleFile(f *testing.F) {
	f.Add("rules: [{seriesQuery: a, metricsQuery: <<.Series>>, resources: {template: '<<.Resource>>'}}]", "a_total", "pod")
	f.Add("externalRules: [{seriesQuery: a, metricsQuery: '<<.LabelMatchers>>', name: {matches: '(.*)_x', as: '${1}y'}}]", "b_x", "namespace")
	f.Add("rules: [{seriesQuery: a, metricsQuery: x, resources: {template: 'k_<<.Group>>_<<.Resource>>', overrides: {a: {resource: pods}}}}]", "", "k_apps_deployment")
	f.Add("resourceRules: {cpu: {containerQuery: 'a{<<.LabelMatchers>>}[1s]', resources: {template: '<<.Resource>>'}}, memory: {containerQuery: b}}", "", "")
	f.Add("rules: [{seriesQuery: '{a!=\"\"}', seriesFilters: [{is: .}], name: {matches: (.)_(.), as: $1_}, metricsQuery: '<<with $>><<.LabelValuesByName.x>><<end>>'}]", "a_b", "node")
	f.Fuzz(func(t *testing.T, text, series, label string) {
		var file File
		if err := config.Decode("f", []byte(text), &file); err != nil {
			return
		}
		set, err := Compile(file)
		if err != nil {
			t.Fatalf("the decoder accepts what Compile refuses: %v", err)
		}
		for _, w := range Lint(file) {
			if w.Path == "" || w.Message == "" {
				t.Errorf("an empty warning: %+v", w)
			}
		}
		if resource, ok := set.Resource(cluster()); ok {
			for _, source := range []Source{resource.CPU.Containers, resource.CPU.Nodes, resource.Memory.Containers, resource.Memory.Nodes} {
				fuzzForm(t, source, Objects{Kind: cluster()[0], Namespace: "n", Names: []string{"a"}})
			}
		}
		found := map[SelectorKey][]Series{}
		for _, one := range set.Selectors() {
			_, _ = WithLabel(one.Query, label) // an error is fine, a panic is not
			found[one.SelectorKey] = []Series{{Name: series, Labels: []string{label, "namespace"}}}
		}
		catalog := set.Expose(found, nil, cluster())
		for _, m := range catalog.Metrics {
			source, _ := catalog.Metric(m)
			kind, _ := cluster().Kind(m.Resource)
			fuzzForm(t, source, Objects{Kind: kind, Namespace: "n", Names: []string{"a", "b"}})
		}
		for _, name := range catalog.Externals {
			source, _ := catalog.External(name)
			_, _ = source.ExternalQuery("n", nil)
			_, _ = source.ExternalForm("n", nil)
		}
	})
}

// fuzzForm: where a request has a form that can be merged, its text has a sentinel wherever another value would stand.
func fuzzForm(t *testing.T, source Source, o Objects) {
	t.Helper()
	form, err := source.Form(o, nil)
	if err != nil || source.Mergeable() != nil {
		return
	}
	for _, name := range []string{"one", "another"} {
		back, values := form.Text, []string{o.Namespace, name}
		q, err := source.Query(Objects{Kind: o.Kind, Namespace: o.Namespace, Names: []string{name}}, nil)
		if err != nil {
			t.Fatalf("the form is %s, and the query %v", form.Text, err)
		}
		for i, d := range form.Dimensions {
			back = strings.ReplaceAll(back, d.Sentinel, values[i])
		}
		if back != q.PromQL {
			t.Errorf("the form of %q is %q", q.PromQL, form.Text)
		}
	}
}

// FuzzLabelValues: the matchers compare with the very values asked for, and what is placed inside a template's
// own quotes of any sort cannot end them.
func FuzzLabelValues(f *testing.F) {
	f.Add("a", "b")
	f.Add(`"} or vector(1)`, `\`)
	f.Add("n-1.internal", "a|b")
	f.Add("'", "`")
	for _, quote := range []string{`"`, "'", "`"} {
		f.Add(quote+"} or up{x="+quote, "")
	}
	f.Add("line\nbreak", "ü\x00")
	f.Fuzz(func(t *testing.T, one, two string) {
		if !utf8.ValidString(one) || !utf8.ValidString(two) {
			return // label values are UTF-8
		}
		m := &matchers{values: map[string]string{}}
		m.equal("ns", one)
		m.names("pod", []string{one, two})
		promql := parser.NewParser(parser.Options{})
		parsed, err := promql.ParseMetricSelector("up{" + strings.Join(m.texts, ",") + "}")
		if err != nil {
			t.Fatalf("%s: %v", m.texts, err)
		}
		for _, got := range parsed {
			switch got.Name {
			case "ns":
				if got.Value != one {
					t.Errorf("namespace %q became %q", one, got.Value)
				}
			case "pod":
				pattern := regexp.MustCompile("^(?s:" + got.Value + ")$")
				if !pattern.MatchString(one) || !pattern.MatchString(two) {
					t.Errorf("%q matches not both of %q and %q", got.Value, one, two)
				}
				if other := one + "x"; other != two && pattern.MatchString(other) {
					t.Errorf("%q matches %q too", got.Value, other)
				}
			}
		}
		for _, quote := range []string{`"`, "'", "`"} {
			inside := strings.ReplaceAll("up{a=QvQ,b=~QvQ}", "Q", quote)
			expr, err := promql.ParseExpr(strings.ReplaceAll(inside, "v", m.values["ns"]))
			if err != nil {
				continue // a pattern that does not compile is refused as a whole
			}
			selector, ok := expr.(*parser.VectorSelector)
			if !ok || len(selector.LabelMatchers) != 3 {
				t.Errorf("%q ends the %s quotes: %s", one, quote, expr)
			}
		}
	})
}
