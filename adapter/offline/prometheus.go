package offline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/trimtab/trimtab/internal/prom"
)

const (
	// serverName is the server's name in errors.
	serverName = "the simulated Prometheus"
	// maxQuerySamples and queryTimeout bound one query: twice the samples that a file can have. Prometheus itself
	// allows 50 million samples and 2 minutes.
	maxQuerySamples = 2 * maxSamples
	queryTimeout    = 10 * time.Second
	// subqueryStep is Prometheus's default, for a subquery that names none.
	subqueryStep = time.Minute
	// lookback is Prometheus's default: how old the newest sample of a series may be.
	lookback = 5 * time.Minute
	// maxWarnings bounds the warnings of one answer.
	maxWarnings = 10
)

// Prometheus answers from the series of a Store, as a Prometheus with default flags does. Its refusals are the errors
// of internal/prom for a real server's refusals.
type Prometheus struct {
	store   *Store
	engine  *promql.Engine
	parser  parser.Parser
	samples int

	mu    sync.Mutex
	asked []string
}

// NewPrometheus makes the server of a store.
func NewPrometheus(store *Store) *Prometheus {
	return newPrometheus(store, maxQuerySamples, queryTimeout)
}

func newPrometheus(store *Store, samples int, timeout time.Duration) *Prometheus {
	p := newParser()
	return &Prometheus{store: store, parser: p, samples: samples, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: samples, Timeout: timeout, LookbackDelta: lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, Parser: p,
	})}
}

// Asked returns the PromQL of all queries since its last call, in order.
func (p *Prometheus) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// Query evaluates text at one instant, and records it for Asked.
func (p *Prometheus) Query(ctx context.Context, text string, at time.Time) (prom.Result, error) {
	p.mu.Lock()
	p.asked = append(p.asked, text)
	p.mu.Unlock()
	query, err := p.engine.NewInstantQuery(ctx, p.store, nil, text, at)
	if err != nil {
		return prom.Result{}, refuse(prom.BadQuery, text, fmt.Errorf(`HTTP 400: bad_data: invalid parameter "query": %w`, err))
	}
	defer query.Close()
	if steps(query.Statement()) > p.samples {
		return prom.Result{}, failure(text, promql.ErrTooManySamples("query execution"))
	}
	result := query.Exec(ctx)
	if result.Err != nil {
		return prom.Result{}, failure(text, result.Err)
	}
	if rows, ok := result.Value.(promql.Vector); ok && shuffled(query.Statement()) {
		slices.SortFunc(rows, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
	}
	value, err := valueOf(result.Value)
	if err != nil {
		return prom.Result{}, refuse(prom.BadAnswer, text, err)
	}
	warnings, _ := result.Warnings.AsStrings(text, maxWarnings, 0)
	return prom.Result{Value: value, Warnings: warnings}, nil
}

// steps is how many times the subqueries of a query are evaluated. The engine makes room for all of them before it counts samples.
func steps(s parser.Statement) int {
	eval, ok := s.(*parser.EvalStmt)
	if !ok {
		return 0
	}
	var span time.Duration // of all subqueries: one within another is evaluated for the ranges of both
	shortest := subqueryStep
	parser.Inspect(eval.Expr, func(n parser.Node, _ []parser.Node) error {
		if q, ok := n.(*parser.SubqueryExpr); ok {
			span += min(q.Range, math.MaxInt64-span)
			shortest = min(shortest, cmp.Or(q.Step, subqueryStep))
		}
		return nil
	})
	return int(span / shortest)
}

// shuffled tells whether the engine gives a query's rows in another order each time, that of a map, and nothing sorts them
// afterwards.
func shuffled(s parser.Statement) bool {
	eval, ok := s.(*parser.EvalStmt)
	if !ok {
		return false
	}
	found, sorted := false, false
	parser.Inspect(eval.Expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			found = found || slices.Contains([]string{"histogram_quantile", "histogram_fraction"}, n.Func.Name)
			sorted = sorted || strings.HasPrefix(n.Func.Name, "sort")
		case *parser.AggregateExpr:
			found = found || n.Op == parser.COUNT_VALUES
			sorted = sorted || n.Op == parser.TOPK || n.Op == parser.BOTTOMK
		}
		return nil
	})
	return found && !sorted
}

// failure is the answer of a server to an error of its engine.
func failure(text string, err error) error {
	var timedOut promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	switch {
	case errors.As(err, &timedOut), errors.Is(err, context.DeadlineExceeded):
		return refuse(prom.Timeout, text, fmt.Errorf("HTTP 503: timeout: %w", err))
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return refuse(prom.Unavailable, text, err)
	default:
		return refuse(prom.BadQuery, text, fmt.Errorf("HTTP 422: execution: %w", err))
	}
}

func refuse(kind prom.Kind, query string, err error) error {
	return &prom.Error{Kind: kind, Server: serverName, Query: query, Err: err}
}

// Series lists the label sets that match a selector and have samples in the time range.
func (p *Prometheus) Series(_ context.Context, selectors []string, start, end time.Time) (sets []model.LabelSet, warnings []string, err error) {
	series, err := p.matching(selectors, start, end)
	if err != nil {
		return nil, nil, err
	}
	sets = make([]model.LabelSet, len(series))
	for i, one := range series {
		sets[i] = model.LabelSet(metricOf(one.Metric))
	}
	return sets, nil, nil
}

// LabelNames lists the labels of the series that Series would list, sorted.
func (p *Prometheus) LabelNames(_ context.Context, selectors []string, start, end time.Time) (names, warnings []string, err error) {
	series, err := p.matching(selectors, start, end)
	return labelNames(series), nil, err
}

// LabelValues lists the values that a label has in the series that Series would list, sorted.
func (p *Prometheus) LabelValues(_ context.Context, label string, selectors []string, start, end time.Time) (values, warnings []string, err error) {
	series, err := p.matching(selectors, start, end)
	return labelValues(series, label), nil, err
}

// matching returns the series that match any of the selectors, each once, in the order of their labels.
func (p *Prometheus) matching(selectors []string, start, end time.Time) ([]promql.Series, error) {
	var out []promql.Series
	for _, selector := range selectors {
		matchers, err := p.parser.ParseMetricSelector(selector)
		if err != nil {
			return nil, refuse(prom.BadQuery, selector, fmt.Errorf(`HTTP 400: bad_data: invalid parameter "match[]": %w`, err))
		}
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches("") }) {
			return nil, refuse(prom.BadQuery, selector, errors.New("HTTP 400: bad_data: match[] must contain at least one non-empty matcher"))
		}
		out = append(out, p.store.matching(start.UnixMilli(), end.UnixMilli(), matchers)...)
	}
	slices.SortFunc(out, byLabels)
	return slices.CompactFunc(out, func(a, b promql.Series) bool { return labels.Equal(a.Metric, b.Metric) }), nil
}

// Tenant implements the adapter's Server. There are no tenants.
func (p *Prometheus) Tenant(string) string { return "" }
