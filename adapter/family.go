package adapter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/adapter/memory"
	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/prom"
)

// exactPause is how long requests are asked one by one after Prometheus refused their common query.
const exactPause = 5 * time.Minute

// family is a set of requests that one common query can answer: they are equal but for the values of some labels.
type family struct {
	source rules.Source
	// maker is the namespace that asked first.
	maker  string
	form   rules.Form
	layout layout
	server Server
	grid   *memory.Grid
	// common is nil where the requests cannot be merged; why says the reason.
	common *merge.Form
	why    error
	demand demand
	cell   *memory.Cell[*table]

	mu sync.Mutex
	// exactUntil is when a refused common query may be tried again. refused is why it was refused.
	exactUntil time.Time
	refused    error
}

// newFamily tries to prove the common query. A rendering error is not kept: each single request has the same error.
func newFamily(source rules.Source, form rules.Form, server Server, grid *memory.Grid) *family {
	f := &family{source: source, form: form, server: server, grid: grid}
	dims := make([]merge.Dimension, len(form.Dimensions))
	for i, d := range form.Dimensions {
		// A request may name many objects. It compares each other label with one value.
		dims[i] = merge.Dimension{Label: d.Label, Sentinel: d.Sentinel, Several: d.Label == form.ObjectLabel}
	}
	if f.why = source.Mergeable(); f.why == nil {
		f.common, f.why = merge.Prove(form.Text, dims)
	}
	f.layout = newLayout(form, f.common)
	if f.common != nil {
		f.cell = memory.NewCell(grid, f.load)
	}
	return f
}

// merged is true if the common query answers requests at this time. The error says why not.
func (f *family) merged(now time.Time) (bool, error) {
	if f.common == nil {
		return false, f.why
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.exactUntil) {
		return false, f.refused
	}
	return true, nil
}

// query is the common query for the current demand, and its coverage.
func (f *family) query() (string, coverage) {
	covers := f.demand.narrow(f.layout.groupBy, f.layout.object)
	return f.common.Query(covers), covers
}

func (f *family) load(ctx context.Context, at time.Time) (*table, error) {
	text, covers := f.query()
	samples, warnings, err := vectorAt(ctx, f.server, text, at)
	if err != nil {
		f.fallBack(err)
		return nil, err
	}
	var times map[string]time.Time
	oldest := time.Time{}
	if stale := f.source.MaxStaleness(); stale > 0 {
		question, err := f.common.Timestamps(covers)
		if err != nil {
			return nil, fmt.Errorf("maxStaleness of %s: %w", f.source.Rule(), err)
		}
		if times, err = f.layout.times(ctx, f.server, question, at); err != nil {
			f.fallBack(err)
			return nil, err
		}
		oldest = at.Add(-stale)
	}
	t := f.layout.tabulate(samples, times, oldest)
	t.covers, t.query, t.warnings = covers, text, warnings
	return t, nil
}

// fallBack switches to single requests where the server refuses the common query but may answer smaller ones.
func (f *family) fallBack(err error) {
	kind, _ := prom.KindOf(err)
	pause := exactPause
	switch kind {
	case prom.BadQuery, prom.TooLarge:
	case prom.Timeout:
		pause = 2 * f.grid.Interval()
	default:
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = fmt.Errorf("the common query failed, so that each request is asked by itself for %s: %w", pause, err)
	f.exactUntil = f.grid.Now().Add(pause)
}

// Refresh implements memory.Refresher.
func (f *family) Refresh(ctx context.Context) {
	if ok, _ := f.merged(f.grid.Now()); ok {
		f.cell.Refresh(ctx)
	}
}

// errNoVector is the error of an answer that is no vector.
var errNoVector = errors.New("a vector is needed")

// vectorAt evaluates a query that must give a vector. A scalar counts as a vector of one sample without labels.
func vectorAt(ctx context.Context, server Server, promql string, at time.Time) (model.Vector, []string, error) {
	result, err := server.Query(ctx, promql, at)
	if err != nil {
		return nil, nil, err
	}
	switch v := result.Value.(type) {
	case model.Vector:
		return v, result.Warnings, nil
	case *model.Scalar:
		return model.Vector{{Value: v.Value, Timestamp: v.Timestamp}}, result.Warnings, nil
	default:
		return nil, nil, fmt.Errorf("the query %s gives a %s: %w", promql, result.Value.Type(), errNoVector)
	}
}

// times asks for the timestamps of the samples.
func (l layout) times(ctx context.Context, server Server, question string, at time.Time) (map[string]time.Time, error) {
	samples, _, err := vectorAt(ctx, server, question, at)
	if err != nil {
		return nil, err
	}
	out := make(map[string]time.Time, len(samples))
	for _, s := range samples {
		out[l.identity(s.Metric)] = time.UnixMilli(int64(float64(s.Value) * 1000))
	}
	return out, nil
}

// families are the families of one setup, by key. Their number is bounded by mostFamilies. Beyond it new families are
// refused until old ones are forgotten, since nobody asks for them.
type families struct {
	mu    sync.RWMutex
	byKey map[string]*family
	// made is the number of families that each namespace has made.
	made map[string]int
}

// mostFamilies bounds the families; each is a metric with one set of requested labels. mostFamiliesOf bounds the
// families of one namespace: its HPAs may name a thousand labels each, and each family is a query in every interval.
const mostFamilies, mostFamiliesOf = 5000, 500

func newFamilies() *families { return &families{byKey: map[string]*family{}, made: map[string]int{}} }

// errTooManyFamilies and errTooManyFamiliesOf are why a request has no family.
var (
	errTooManyFamilies   = fmt.Errorf("there are %d families of requests already, so that further ones are asked as they are written", mostFamilies)
	errTooManyFamiliesOf = fmt.Errorf("its namespace has made %d families of requests already, so that further ones are asked as they are written", mostFamiliesOf)
)

// of returns the family with the key, or makes it for a namespace.
func (fs *families) of(key, namespace string, build func() *family) (*family, error) {
	fs.mu.RLock()
	f := fs.byKey[key]
	fs.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f = fs.byKey[key]; f != nil {
		return f, nil
	}
	switch {
	case len(fs.byKey) >= mostFamilies:
		return nil, errTooManyFamilies
	case fs.made[namespace] >= mostFamiliesOf:
		return nil, errTooManyFamiliesOf
	}
	f = build()
	f.maker = namespace
	fs.made[namespace]++
	fs.byKey[key] = f
	return f, nil
}

// all returns the families, and forgets families that nobody has asked for since.
func (fs *families) all(since time.Time) map[string]*family {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make(map[string]*family, len(fs.byKey))
	for key, f := range fs.byKey {
		if f.demand.forget(since) {
			out[key] = f
		} else {
			delete(fs.byKey, key)
			if fs.made[f.maker]--; fs.made[f.maker] == 0 {
				delete(fs.made, f.maker)
			}
		}
	}
	return out
}
