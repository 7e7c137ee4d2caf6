package adapter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// Which of several rows of one object is served depends neither on the order of the answer nor on the labels that merging
// adds, and a row that is no number hides none that is.
func TestOfSeveralRowsOneIsServed(t *testing.T) {
	const rule = `
rules:
- seriesQuery: other
  resources: {overrides: {pod: {resource: pod}, namespace: {resource: namespace}}}
  metricsQuery: %s
  %s
`
	const sorted, plain, exact = "sort(<<.Series>>{<<.LabelMatchers>>})", "<<.Series>>{<<.LabelMatchers>>}", `other{namespace="prod",pod="a"}`
	for _, c := range []struct {
		query, policy string
		rows          []string
		want          string
	}{
		{plain, "", []string{"path=/x 1", "path=/y 2"}, "2000m"},
		{plain, "", []string{"path=/x NaN", "path=/y 2"}, "2000m"},
		{plain, "", []string{"path=/x 1", "path=/y NaN"}, "1000m"},
		{plain, "", []string{"path=/x +Inf", "path=/y NaN"}, "503"},
		{plain, "onNaN: zero", []string{"path=/x 1", "path=/y NaN"}, "1000m"},
		{plain, "onNaN: zero", []string{"path=/x NaN", "path=/y NaN"}, "0m"},
		{plain, "onNaN: error", []string{"path=/x 1", "path=/y NaN"}, "503"},
		{plain, "onNaN: error", []string{"path=/x 1", "path=/y 3"}, "3000m"},
		{plain, "", []string{"apple=1 1", "zebra=1 2"}, "1000m"},
		{plain, "", []string{"zone=b,apple=1 1", "zebra=1 2", "zone=a,apple=1 3"}, "1000m"},
		{sorted, "", []string{"path=/y 1", "path=/x 2"}, "as answered"},
	} {
		t.Run(fmt.Sprint(c.query, c.policy, c.rows), func(t *testing.T) {
			for _, compat := range []bool{true, false} {
				for turn := range c.rows { // each order
					rows := slices.Concat(c.rows[turn:], c.rows[:turn])
					want := c.want
					if want == "as answered" {
						_, last, _ := strings.Cut(rows[len(rows)-1], " ")
						want = last + "000m"
					}
					synctest.Test(t, func(t *testing.T) {
						f := fixtureOf(t, fmt.Sprintf("compat: %t\n", compat)+fmt.Sprintf(rule, c.query, c.policy), Deps{})
						for i := range rows {
							rows[i] = "pod=a,namespace=prod," + rows[i]
						}
						for _, query := range []string{exact, "sort(" + exact + ")"} {
							f.prom.answers[query] = rowsOf(t, rows...)
						}
						f.Discover(t.Context())
						got, err := f.custom(t, "prod/pods/a/other")
						if want == "503" {
							checkStatus(t, err, 503, "no quantity")
							return
						}
						if err != nil || !strings.HasPrefix(got, "/v1 Pod prod/a "+want+"@") {
							t.Errorf("compat %t, %s: got %s, %v; want %s", compat, rows, got, err, want)
						}
						if code := f.lastCode("metric pods/other in prod"); code != "MetricAmbiguous" {
							t.Errorf("verdict %s", code)
						}
					})
				}
			}
		})
	}
}
