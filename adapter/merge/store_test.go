package merge_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// store is a small storage in memory for Prometheus's own engine.
type store []storage.Series

func (s store) Querier(_, _ int64) (storage.Querier, error) { return &querier{store: s}, nil }

type querier struct {
	storage.MockQuerier
	store
}

// Select returns the series in the order of the store: sorted, as Prometheus does it.
func (q *querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	out := &seriesSet{}
	for _, s := range q.store {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
			out.rest = append(out.rest, s)
		}
	}
	return out
}

type seriesSet struct{ at, rest []storage.Series }

func (s *seriesSet) Next() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.at, s.rest = s.rest[:1], s.rest[1:]
	return true
}
func (s *seriesSet) At() storage.Series                { return s.at[0] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// sample is a number, or a native histogram where h is not nil.
type sample struct {
	ms int64
	v  float64
	h  *histogram.FloatHistogram
}

func (s sample) T() int64                      { return s.ms }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return s.h.Copy() }
func (s sample) Copy() chunks.Sample           { return s }
func (s sample) Type() chunkenc.ValueType {
	if s.h != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

func (s *store) add(lset labels.Labels, samples []sample) {
	points := make([]chunks.Sample, len(samples))
	for i, p := range samples {
		points[i] = p
	}
	*s = append(*s, storage.NewListSeries(lset, points))
}

// evalSecond is the time of evaluation; series have samples before and after.
const evalSecond = 1_700_000_000

// values that are hard to tell from one another, or to write.
func valuesOf(label string) []string {
	switch label {
	case "namespace":
		return []string{"a", "a.b", `a"|\b`}
	case "pod":
		return []string{"p-1", "p-10", "p.1|é\n"}
	}
	return nil
}

// randomStore has counters, gauges, classic and native histograms. Some series lack labels, are late, have
// ended or are NaN. Values are multiples of a power of two, so that most sums are exact.
func randomStore(r *rand.Rand) store {
	var s store
	for _, namespace := range append(valuesOf("namespace"), "") {
		s.addMetric(r, "pernamespace", labels.FromStrings("namespace", namespace))
		for _, pod := range append(valuesOf("pod"), "") {
			s.addMetric(r, "perpod", labels.FromStrings("namespace", namespace, "pod", pod))
			for _, job := range []string{"j1", "j2", ""} {
				at := labels.FromStrings("namespace", namespace, "pod", pod, "job", job)
				for _, name := range []string{"x", "y", "c_total", "d_total", "info", "h_bucket", "nh"} {
					if r.IntN(3) > 0 {
						s.addMetric(r, name, at)
					}
				}
			}
		}
	}
	s.sort()
	return s
}

func (s store) sort() {
	slices.SortFunc(s, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
}

func (s *store) addMetric(r *rand.Rand, name string, at labels.Labels) {
	with := func(extra ...string) labels.Labels {
		b := labels.NewBuilder(at).Set("__name__", name)
		for i := 0; i < len(extra); i += 2 {
			b.Set(extra[i], extra[i+1])
		}
		return b.Labels()
	}
	switch name {
	case "h_bucket":
		for i, le := range []string{"0.5", "1", "+Inf"} {
			s.add(with("le", le), randomSamples(r, float64(i+1), true))
		}
	case "info":
		s.add(with("version", []string{"v1", "v2"}[r.IntN(2)]), randomSamples(r, 0, false))
		if r.IntN(8) == 0 {
			s.add(with("version", "v3"), randomSamples(r, 0, false))
		}
	case "nh":
		samples := randomSamples(r, 1, true)
		for i := range samples {
			samples[i].h = nativeHistogram(samples[i].v)
		}
		s.add(with(), samples)
	case "c_total", "d_total":
		s.add(with(), randomSamples(r, 1, true))
	default:
		s.add(with(), randomSamples(r, 0, false))
	}
}

func nativeHistogram(v float64) *histogram.FloatHistogram {
	if math.IsNaN(v) || v < 0 {
		v = 1
	}
	return &histogram.FloatHistogram{
		Schema: 0, Count: 2 * v, Sum: 3 * v, PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []float64{v, v},
	}
}

// randomSamples are 15 s apart, with gaps, over the last 20 minutes.
func randomSamples(r *rand.Rand, step float64, counter bool) []sample {
	var out []sample
	v := float64(r.IntN(8))
	late := int64(0)
	switch r.IntN(10) {
	case 0:
		late = 90_000
	case 1:
		late = 400_000
	}
	last := int64(evalSecond*1000) - late
	for t := int64(evalSecond-1200)*1000 + r.Int64N(15_000); t <= last; t += 15_000 {
		switch {
		case !counter:
			v = float64(r.IntN(64)-16) / 8
		case r.IntN(30) == 0:
			v = 0
		default:
			v += step * float64(r.IntN(4))
		}
		if r.IntN(20) > 0 {
			out = append(out, sample{ms: t, v: v})
		}
	}
	if len(out) > 0 {
		switch r.IntN(12) {
		case 0:
			out[len(out)-1].v = math.Float64frombits(value.StaleNaN)
		case 1:
			out[len(out)-1].v = math.NaN()
		}
	}
	return out
}

func newEngine(t testing.TB, delayedNameRemoval bool) *promql.Engine {
	e := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 200_000, Timeout: 5 * time.Second, LookbackDelta: 5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		EnableAtModifier:         true, EnableNegativeOffset: true, EnableDelayedNameRemoval: delayedNameRemoval,
		Parser: parser.NewParser(parser.Options{EnableExperimentalFunctions: true}),
	})
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// row is a row of an answer: its labels, and the figures of its value.
type row struct {
	labels labels.Labels
	values []float64
}

// ask evaluates an instant query.
func ask(ctx context.Context, e *promql.Engine, s store, text string) ([]row, error) {
	q, err := e.NewInstantQuery(ctx, s, nil, text, time.Unix(evalSecond, 0))
	if err != nil {
		return nil, err
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return nil, result.Err
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, err
	}
	var out []row
	for _, s := range vector {
		r := row{s.Metric, []float64{s.F}}
		if s.H != nil {
			r.values = append([]float64{s.H.Count, s.H.Sum, s.H.ZeroCount}, s.H.PositiveBuckets...)
		}
		out = append(out, r)
	}
	return out, nil
}
