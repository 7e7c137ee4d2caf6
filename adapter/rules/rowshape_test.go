package rules

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// randomQueries makes random PromQL over the series of smallStore.
type randomQueries struct{ *rand.Rand }

func (q randomQueries) pick(from ...string) string { return from[q.IntN(len(from))] }

func (q randomQueries) labels() string {
	return q.pick("", "pod", "node", "job", "pod,job", "node,job")
}

func (q randomQueries) expr(depth int) string {
	if depth == 0 {
		return q.pick("a", "b", "c", "rate(a[2m])", "vector(1)", "1", "absent(a)", `absent(d{pod="x"})`, `a{pod="x"}`, `c{pod="x",job="j"}`, "max_over_time(b[3m:1m])", "histogram_quantile(0.5, d)")
	}
	one := func() string { return q.expr(depth - 1) }
	switch q.IntN(10) {
	case 0, 1, 2:
		return fmt.Sprintf("%s %s (%s) (%s)", q.pick("sum", "max", "count", "group"), q.pick("by", "without"), q.labels(), one())
	case 3:
		return fmt.Sprintf("topk(2, %s)", one())
	case 4:
		return fmt.Sprintf(`count_values(%q, %s)`, q.pick("pod", "node"), one())
	case 5:
		return fmt.Sprintf(`label_replace(%s, %q, "v", "", "")`, one(), q.pick("pod", "node"))
	case 6:
		return fmt.Sprintf("(%s) %s (%s)", one(), q.pick("+", "*", "<", "> bool"), one())
	case 7:
		return fmt.Sprintf("(%s) %s %s(%s) (%s)", one(), q.pick("and", "or", "unless"), q.pick("on", "ignoring"), q.labels(), one())
	case 8:
		side := ""
		if q.IntN(2) == 0 {
			side = fmt.Sprintf("%s(%s)", q.pick("group_left", "group_right"), q.pick("", "pod", "node"))
		}
		return fmt.Sprintf("(%s) * %s(%s) %s (%s)", one(), q.pick("on", "ignoring"), q.labels(), side, one())
	default:
		return q.pick("-", "abs", "sgn") + "(" + one() + ")"
	}
}

// A label that is said to be lost is in no sample that Prometheus's own engine gives, and where objects are said to
// have one row each, they have.
func TestWhatIsSaidOfRowsIsTrue(t *testing.T) {
	t.Parallel()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 100_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	store, evaluated, lost, single, several := smallStore(), 0, 0, 0, 0
	for seed := range uint64(5000) {
		text := randomQueries{rand.New(rand.NewPCG(seed, 2))}.expr(1 + int(seed%3))
		expr, err := parseQuery(text)
		if err != nil {
			continue // the grammar knows no types
		}
		query, err := engine.NewInstantQuery(context.Background(), store, nil, text, time.Unix(600, 0))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		result, err := query.Exec(t.Context()).Vector()
		if err != nil {
			continue // many match many, or a scalar
		}
		evaluated++
		for _, label := range []string{"pod", "node", "job"} {
			if rowsOf(expr).labels.has(label) {
				continue
			}
			lost++
			for _, sample := range result {
				if sample.Metric.Has(label) {
					t.Fatalf("%s is said to lose %s, and gives %s", text, label, sample.Metric)
				}
			}
		}
		for _, label := range []string{"pod", "node"} {
			rows := map[string]int{}
			for _, sample := range result {
				rows[sample.Metric.Get(label)]++
			}
			said := severalRows(expr, []string{label})
			for value, n := range rows {
				switch {
				case value == "": // no object

				case n > 1 && said == "":
					t.Fatalf("%s is said to give one row for each %s, and gives %d for %q", text, label, n, value)
				case n > 1:
					several++
				case said == "":
					single++
				}
			}
		}
		query.Close()
	}
	if evaluated < 1000 || lost < 1000 || single < 500 || several < 100 {
		t.Errorf("%d queries were evaluated, %d labels lost, %d objects had one row as was said, and %d several; that is too little to tell", evaluated, lost, single, several)
	}
}

// smallStore has four metrics whose series differ in labels.
func smallStore() storage.Queryable {
	var all []storage.Series
	for i, lset := range []labels.Labels{
		labels.FromStrings("__name__", "a", "pod", "x", "job", "j"),
		labels.FromStrings("__name__", "a", "pod", "y", "job", "j"),
		labels.FromStrings("__name__", "b", "node", "n", "job", "j"),
		labels.FromStrings("__name__", "c", "pod", "x", "node", "n", "job", "j"),
		labels.FromStrings("__name__", "c", "pod", "x", "node", "m", "job", "j"),
		labels.FromStrings("__name__", "d", "pod", "x", "le", "1", "job", "j"),
		labels.FromStrings("__name__", "d", "pod", "x", "le", "+Inf", "job", "j"),
	} {
		var samples []chunks.Sample
		for minute := range int64(11) {
			samples = append(samples, floatSample{minute * 60_000, float64(int64(i) + minute)})
		}
		all = append(all, storage.NewListSeries(lset, samples))
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			return &listedSeries{rest: slices.DeleteFunc(slices.Clone(all), func(s storage.Series) bool {
				return slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) })
			})}
		},
	}}
}

// listedSeries implements storage.SeriesSet.
type listedSeries struct{ at, rest []storage.Series }

func (s *listedSeries) Next() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.at, s.rest = s.rest[:1], s.rest[1:]
	return true
}
func (s *listedSeries) At() storage.Series                { return s.at[0] }
func (s *listedSeries) Err() error                        { return nil }
func (s *listedSeries) Warnings() annotations.Annotations { return nil }

// floatSample is a number at a time in milliseconds.
type floatSample struct {
	ms int64
	v  float64
}

func (s floatSample) T() int64                      { return s.ms }
func (s floatSample) ST() int64                     { return 0 }
func (s floatSample) F() float64                    { return s.v }
func (s floatSample) H() *histogram.Histogram       { return nil }
func (s floatSample) FH() *histogram.FloatHistogram { return nil }
func (s floatSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s floatSample) Copy() chunks.Sample           { return s }
