package merge_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/trimtab/trimtab/adapter/merge"
)

// Values do not count against the length of a query: one that names thousands of pods is read.
func TestManyValues(t *testing.T) {
	t.Parallel()
	var pods []string
	for i := range 5000 {
		pods = append(pods, fmt.Sprintf(`web-"7d4b9-%d`, i))
	}
	form, err := merge.Prove(`sum by (pod) (rate(x{pod="<pod>"}[2m]))`, []merge.Dimension{{Label: "pod", Sentinel: "<pod>", Several: true}})
	if err != nil {
		t.Fatal(err)
	}
	query := form.Query(map[string][]string{"pod": pods})
	if window, err := merge.Window(query); err != nil || window != 2*time.Minute {
		t.Errorf("window %s, error %v", window, err)
	}
	if _, err := merge.Timestamps(query, nil); err != nil {
		t.Error(err)
	}
}

// Values that are not UTF-8 never stand in a regular expression, which other servers would not read.
func TestValuesWithoutUTF8(t *testing.T) {
	t.Parallel()
	form, err := merge.Prove(`x{pod="<pod>"}`, []merge.Dimension{{Label: "pod", Sentinel: "<pod>", Several: true}})
	if err != nil {
		t.Fatal(err)
	}
	for want, values := range map[string][]string{
		`x{pod="\x95"}`: {"\xdf", "\x95"},
		`x{pod="a"}`:    {"\xdf", "a"},
		`x{pod=~"a|b"}`: {"b", "\xdf", "a"},
		`x{pod!=""}`:    {},
	} {
		if got := form.Query(map[string][]string{"pod": values}); got != want {
			t.Errorf("%q: %s, want %s", values, got, want)
		}
	}
}

// Nested without end, a query is refused before Prometheus's parser takes minutes.
func TestDeepQueries(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("(", 100_000) + "x" + strings.Repeat(")", 100_000),
		strings.Repeat("-", 1_000_000) + "x", "x" + strings.Repeat("-x", 100_000), strings.Repeat("x\n#\"\n-", 100_000) + "x",
	} {
		var refusal *merge.Refusal
		if _, err := merge.Prove(text, nil); !errors.As(err, &refusal) || refusal.Rule != merge.QueryTooLong {
			t.Errorf("%.20s...: %v", text, err)
		}
		if _, err := merge.Window(text); err == nil {
			t.Errorf("%.20s... has a window", text)
		}
	}
}

// checkMatcher: the query reads x with one matcher of namespace, which matches each value and no other.
func checkMatcher(t *testing.T, query string, values ...string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	selectors := parser.ExtractSelectors(expr)
	if len(selectors) != 1 || len(selectors[0]) != 2 {
		t.Fatalf("%q reads %v", query, selectors)
	}
	i := slices.IndexFunc(selectors[0], func(m *labels.Matcher) bool { return m.Name == "namespace" })
	if i < 0 {
		t.Fatalf("%q does not match namespace", query)
	}
	for _, v := range values {
		if utf8.ValidString(v) && !selectors[0][i].Matches(v) {
			t.Errorf("%q does not match %q", query, v)
		}
		if other := v + "x"; !slices.Contains(values, other) && selectors[0][i].Matches(other) && v != "" {
			t.Errorf("%q matches %q too", query, other)
		}
	}
}
