package offline

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/trimtab/trimtab/internal/config"
)

// Store is a storage.Queryable of series that do not change. They are in the order of the file, as a Prometheus gives
// them in the order in which they arrived.
type Store struct {
	all    []promql.Series
	byName map[string][]promql.Series
	// last is the time of the last sample, in milliseconds.
	last int64
}

func newStore(series []Series, interval time.Duration) (*Store, config.Problems) {
	var ps config.Problems
	s := &Store{byName: map[string][]promql.Series{}}
	p := newParser()
	budget, seen := uint64(maxSamples), map[string]int{}
	for i, one := range series {
		set, err := parseLabels(p, one.Series)
		if err != nil {
			ps.Add(within("series", i, "series"), "%v", err)
		} else if before, twice := seen[set.String()]; twice {
			ps.Add(within("series", i, "series"), "stands twice: series[%d] has the same labels; join their values", before)
		} else {
			seen[set.String()] = i
		}
		samples, cost, err := parseValues(p, one.Values, interval, budget)
		if err != nil {
			ps.Add(within("series", i, "values"), "%v", err)
		}
		if err == errTooManySamples {
			break
		}
		budget -= cost
		samples.Metric = set
		s.all = append(s.all, samples)
	}
	s.index()
	return s, ps
}

func (s *Store) index() {
	for _, one := range s.all {
		name := one.Metric.Get(model.MetricNameLabel)
		s.byName[name] = append(s.byName[name], one)
		if n := len(one.Floats); n > 0 {
			s.last = max(s.last, one.Floats[n-1].T)
		}
		if n := len(one.Histograms); n > 0 {
			s.last = max(s.last, one.Histograms[n-1].T)
		}
	}
}

// matching returns the series that match all matchers, with their samples from mint to maxt, both included. Series
// without such a sample are left out.
func (s *Store) matching(mint, maxt int64, matchers []*labels.Matcher) []promql.Series {
	among := s.all
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			among = s.byName[m.Value]
		}
	}
	var out []promql.Series
	for _, one := range among {
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Metric.Get(m.Name)) }) {
			continue
		}
		one.Floats = between(one.Floats, mint, maxt, func(p promql.FPoint) int64 { return p.T })
		one.Histograms = between(one.Histograms, mint, maxt, func(p promql.HPoint) int64 { return p.T })
		if len(one.Floats)+len(one.Histograms) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// between returns the points from mint to maxt. The points are sorted by time.
func between[P any](points []P, mint, maxt int64, at func(P) int64) []P {
	from := sort.Search(len(points), func(i int) bool { return at(points[i]) >= mint })
	to := sort.Search(len(points), func(i int) bool { return at(points[i]) > maxt })
	return points[from:max(from, to):max(from, to)]
}

// Querier implements storage.Queryable.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{store: s, mint: mint, maxt: maxt}, nil
}

// querier implements storage.Querier.
type querier struct {
	store      *Store
	mint, maxt int64
}

// Select implements storage.Querier.
func (q *querier) Select(_ context.Context, inOrder bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	series := q.store.matching(q.mint, q.maxt, matchers)
	if inOrder {
		slices.SortFunc(series, byLabels)
	}
	return &seriesSet{rest: series}
}

func byLabels(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) }

func (q *querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return labelValues(q.store.matching(q.mint, q.maxt, matchers), name), nil, nil
}

func (q *querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return labelNames(q.store.matching(q.mint, q.maxt, matchers)), nil, nil
}

func (q *querier) Close() error { return nil }

func labelValues(series []promql.Series, name string) []string {
	var out []string
	for _, one := range series {
		if value := one.Metric.Get(name); value != "" {
			out = append(out, value)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func labelNames(series []promql.Series) []string {
	var out []string
	for _, one := range series {
		one.Metric.Range(func(l labels.Label) { out = append(out, l.Name) })
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// seriesSet iterates over series.
type seriesSet struct {
	rest    []promql.Series
	current promql.Series
}

func (s *seriesSet) Next() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.current, s.rest = s.rest[0], s.rest[1:]
	return true
}

func (s *seriesSet) At() storage.Series                { return promql.NewStorageSeries(s.current) }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
