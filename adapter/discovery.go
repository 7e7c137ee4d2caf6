package adapter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/verdict"
)

const (
	// retryInterval is the longest wait after a round in which something failed.
	retryInterval = 10 * time.Second
	// parallelSelectors bounds the series requests in flight; each may be heavy for Prometheus.
	parallelSelectors = 4
)

// plan is what requests are answered by. It is immutable.
type plan struct {
	catalog *rules.Catalog
	kinds   *kindTable
	// found holds the series of each selector that was ever listed.
	found map[string][]rules.Series
	// missing says why: each selector that was never listed, and the kinds if they never were.
	missing []error
}

// discoverForever begins a round at once and the next one an interval after each end.
func (a *Adapter) discoverForever(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := a.cfg.MetricsRelistInterval.Std()
		if complete := a.discover(ctx); !complete {
			wait = min(wait, retryInterval)
		}
		timer.Reset(wait)
	}
}

// discover makes the next plan: what the API server serves, what Prometheus holds, and what follows. What
// cannot be asked now stays as it was. It tells whether everything could be asked.
func (a *Adapter) discover(ctx context.Context) (complete bool) {
	began := a.deps.Now()
	next := &plan{}
	old := a.plan.Load()
	if old == nil {
		old = &plan{}
	}
	kinds, err := a.kinds.refresh(ctx, began)
	if err != nil {
		a.deps.Journal.Record(part, verdict.Because("kinds of objects", rules.KindsUnavailable, verdict.Text("error", err.Error())))
		if kinds == nil {
			next.missing = append(next.missing, fmt.Errorf("list the kinds that the API server serves: %w", err))
		}
	}
	next.kinds = kinds
	found, failures := a.listSeries(ctx, began)
	if ctx.Err() != nil {
		return false // the process ends; nothing of this is true
	}
	next.found = maps.Clone(old.found)
	if next.found == nil {
		next.found = map[string][]rules.Series{}
	}
	maps.Copy(next.found, found)
	for _, selector := range slices.Sorted(maps.Keys(failures)) {
		if _, known := next.found[selector]; !known {
			next.missing = append(next.missing, failures[selector])
		}
	}
	next.catalog = a.set.Expose(next.found, next.kinds)
	a.deps.Journal.Record(part, next.catalog.Verdicts...)
	a.plan.Store(next)
	a.metrics.discovered(next, a.deps.Now(), began, len(failures))
	return err == nil && len(failures) == 0
}

// listSeries asks for the series of every selector; one that fails does not stop the others.
func (a *Adapter) listSeries(ctx context.Context, now time.Time) (map[string][]rules.Series, map[string]error) {
	var mu sync.Mutex
	found, failures := map[string][]rules.Series{}, map[string]error{}
	var group errgroup.Group
	group.SetLimit(parallelSelectors)
	for _, selector := range a.set.SeriesQueries() {
		group.Go(func() error {
			sets, warnings, err := a.prom.Series(ctx, []string{selector}, now.Add(-a.cfg.maxAge()), now)
			subject := "series query " + selector
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[selector] = err
				a.deps.Journal.Record(part, verdict.Because(subject, rules.DiscoveryFailed, verdict.Text("error", err.Error())))
				return nil
			}
			found[selector] = distinct(sets)
			facts := []verdict.Fact{verdict.Number("series", len(sets))}
			if len(warnings) > 0 {
				facts = append(facts, verdict.Text("warning", warnings[0]))
			}
			a.deps.Journal.Record(part, verdict.Because(subject, rules.DiscoverySucceeded, facts...))
			return nil
		})
	}
	_ = group.Wait() // no function of it returns an error
	return found, failures
}

// distinct keeps what the rules look at, once: names and label names, without the values.
func distinct(sets []model.LabelSet) []rules.Series {
	seen := map[string]rules.Series{}
	for _, set := range sets {
		one := rules.Series{Name: string(set[model.MetricNameLabel])}
		for label := range set {
			if label != model.MetricNameLabel {
				one.Labels = append(one.Labels, string(label))
			}
		}
		slices.Sort(one.Labels)
		seen[one.Name+"\xff"+strings.Join(one.Labels, "\xff")] = one
	}
	out := make([]rules.Series, 0, len(seen))
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[key])
	}
	return out
}
