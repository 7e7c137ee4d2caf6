package offline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/trimtab/trimtab/internal/prom"
)

func storeOf(t testing.TB, lines ...string) *Store {
	t.Helper()
	var series []Series
	for _, line := range lines {
		name, values, _ := strings.Cut(line, " ")
		series = append(series, Series{Series: name, Values: values})
	}
	store, ps := newStore(series, time.Minute)
	if err := ps.AsError(); err != nil {
		t.Fatal(err)
	}
	return store
}

// A query that is too large or too slow is refused with the kind by which a real server's refusal is known.
func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	store := storeOf(t, "a 0+1x1000")
	at := time.UnixMilli(time.Hour.Milliseconds())
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		server  *Prometheus
		query   string
		kind    prom.Kind
		message string
	}{
		"samples":                 {t.Context(), newPrometheus(store, 10, time.Minute), "a[30m]", prom.BadQuery, "HTTP 422: execution: query processing would load too many samples"},
		"time":                    {t.Context(), newPrometheus(store, 1_000_000_000, time.Nanosecond), "sum_over_time(a[1y:1s])", prom.Timeout, "HTTP 503: timeout: query timed out"},
		"steps":                   {t.Context(), NewPrometheus(store), "sum_over_time(a[100y:1ms])", prom.BadQuery, "HTTP 422: execution: query processing would load too many samples"},
		"steps of one in another": {t.Context(), NewPrometheus(store), "max_over_time((sum_over_time(b[1h:1ms]))[290y:1h])", prom.BadQuery, "HTTP 422: execution: query processing would load too many samples"},
		"canceled":                {canceled, NewPrometheus(store), "a", prom.Unavailable, "canceled"},
		"parse":                   {t.Context(), NewPrometheus(store), "a{", prom.BadQuery, "HTTP 400: bad_data"},
	} {
		_, err := c.server.Query(c.ctx, c.query, at)
		var e *prom.Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.message) || e.Query != c.query {
			t.Errorf("%s: %v", name, err)
		}
		if asked := c.server.Asked(); !slices.Equal(asked, []string{c.query}) {
			t.Errorf("%s: asked %q", name, asked)
		}
	}
}

func TestAskedForgets(t *testing.T) {
	t.Parallel()
	p := NewPrometheus(storeOf(t, "a 1"))
	for _, query := range []string{"a", "b", "a"} {
		if _, err := p.Query(t.Context(), query, time.UnixMilli(0)); err != nil {
			t.Fatal(err)
		}
	}
	if asked := p.Asked(); !slices.Equal(asked, []string{"a", "b", "a"}) {
		t.Errorf("asked %q", asked)
	}
	if asked := p.Asked(); len(asked) > 0 {
		t.Errorf("asked once more %q", asked)
	}
}

// The index by name and the search in time give what a look at each sample gives.
func TestMatchingIsAPlainSearch(t *testing.T) {
	t.Parallel()
	store := storeOf(t, `a{x="1"} 1 2 _ 4`, `a{x="2"} _ _ _ 4 5`, `b{x="1"} 1x9`, `b 9`, `c {{count:1}} 1 {{count:2}}`)
	matcher := func(kind labels.MatchType, name, value string) *labels.Matcher {
		return labels.MustNewMatcher(kind, name, value)
	}
	for _, matchers := range [][]*labels.Matcher{
		{matcher(labels.MatchEqual, "__name__", "a")},
		{matcher(labels.MatchEqual, "__name__", "nothing")},
		{matcher(labels.MatchRegexp, "__name__", "a|c")},
		{matcher(labels.MatchEqual, "x", "1")},
		{matcher(labels.MatchEqual, "x", "")},
		{matcher(labels.MatchNotEqual, "__name__", "a"), matcher(labels.MatchNotRegexp, "x", "2|3")},
		{matcher(labels.MatchEqual, "__name__", "b"), matcher(labels.MatchEqual, "__name__", "a")},
		nil,
	} {
		for from := int64(-1); from < 11; from++ {
			for to := from - 1; to < 11; to++ {
				got := store.matching(from*60_000, to*60_000, matchers)
				if want := plainMatching(store, from*60_000, to*60_000, matchers); !equalSeries(got, want) {
					t.Fatalf("%v from minute %d to %d: %v, want %v", matchers, from, to, got, want)
				}
			}
		}
	}
}

func plainMatching(s *Store, mint, maxt int64, matchers []*labels.Matcher) []promql.Series {
	var out []promql.Series
	for _, one := range s.all {
		takes := true
		for _, m := range matchers {
			takes = takes && m.Matches(one.Metric.Get(m.Name))
		}
		kept := promql.Series{Metric: one.Metric}
		for _, p := range one.Floats {
			if p.T >= mint && p.T <= maxt {
				kept.Floats = append(kept.Floats, p)
			}
		}
		for _, p := range one.Histograms {
			if p.T >= mint && p.T <= maxt {
				kept.Histograms = append(kept.Histograms, p)
			}
		}
		if takes && len(kept.Floats)+len(kept.Histograms) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

func equalSeries(a, b []promql.Series) bool {
	return slices.EqualFunc(a, b, func(a, b promql.Series) bool {
		return labels.Equal(a.Metric, b.Metric) && slices.Equal(a.Floats, b.Floats) && slices.Equal(a.Histograms, b.Histograms)
	})
}

// What a notation costs is never less than the samples that it makes.
func FuzzCostOfSamples(f *testing.F) {
	for _, seed := range []string{"1 2 _ stale", "0+60x10", "_x5 1", "-1-2x3 4x5", "0x10", "{{schema:0 buckets:[1 2]}}+{{buckets:[1]}}x3", "1e3x2", "1x1_0", "Infx3 NaN"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const budget = 2000
		series, cost, err := parseValues(newParser(), text, time.Minute, budget)
		if made := uint64(len(series.Floats) + len(series.Histograms)); made > cost || made > budget {
			t.Errorf("%q makes %d samples and costs %d (%v)", text, made, cost, err)
		}
	})
}

// The engine gives the rows of some operators in the order of a map; an answer has one order nevertheless.
func TestRowsHaveOneOrder(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, queue := range []string{"a", "b", "c", "d", "e"} {
		lines = append(lines, `lat_bucket{queue="`+queue+`",le="1"} 0+1x10`, `lat_bucket{queue="`+queue+`",le="+Inf"} 0+2x10`)
	}
	server, at := NewPrometheus(storeOf(t, lines...)), time.UnixMilli(5*time.Minute.Milliseconds())
	for query, sorted := range map[string]bool{
		`count_values("v", lat_bucket)`: true, `histogram_quantile(0.5, rate(lat_bucket[5m]))`: true,
		`sort_desc(lat_bucket)`: false, `(topk(3, lat_bucket))`: false,
	} {
		for range 20 {
			result, err := server.Query(t.Context(), query, at)
			if err != nil {
				t.Fatal(err)
			}
			rows := result.Value.(model.Vector)
			byLabels := slices.IsSortedFunc(rows, func(a, b *model.Sample) int { return strings.Compare(a.Metric.String(), b.Metric.String()) })
			byValue := slices.IsSortedFunc(rows, func(a, b *model.Sample) int { return cmp.Compare(b.Value, a.Value) })
			if sorted && !byLabels || !sorted && !byValue {
				t.Fatalf("%s: %v", query, rows)
			}
		}
	}
}
