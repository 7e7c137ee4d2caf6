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
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
)

const (
	// retryInterval is the longest wait after a round in which something failed.
	retryInterval = 10 * time.Second
	// parallelSelectors bounds the selectors that are discovered at the same time.
	parallelSelectors = 4
)

// plan is the data that answers requests. It is immutable, but for the memory of the families.
type plan struct {
	*setup
	catalog *rules.Catalog
	kinds   *kindTable
	// found holds the series of each selector that was ever listed.
	found map[rules.SelectorKey][]rules.Series
	// missing says why: each selector that was never listed, and the kinds if they never were. outdated has the errors
	// of selectors that were listed before and could not be listed in the last round.
	missing, outdated []error
	// refused are the errors of selectors that Prometheus will never accept.
	refused []error
	// listed is the discovery document.
	listed listed
}

// discoverForever starts a round at once, the next one an interval after each end, and one whenever the configuration
// changes.
func (a *Adapter) discoverForever(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.reloaded:
		case <-timer.C:
		}
		wait := a.setup.Load().cfg.MetricsRelistInterval.Std()
		if complete := a.Discover(ctx); !complete {
			wait = min(wait, retryInterval)
		}
		timer.Reset(wait)
	}
}

// Discover does these steps once. What cannot be observed now stays as it was. It returns whether everything could be
// observed. Rounds do not overlap.
//
//  1. Observe: the kinds that the API server serves, the series that Prometheus holds, and what the delegates serve.
//  2. Decide: make the next plan.
//  3. Act: put it into force.
func (a *Adapter) Discover(ctx context.Context) (complete bool) {
	a.round.Lock()
	defer a.round.Unlock()
	began, s := a.deps.Now(), a.setup.Load()

	// 1. Observe.
	kinds, kindsErr := a.kinds.refresh(ctx, began, a.kindsAge())
	var found map[rules.SelectorKey][]rules.Series
	var failures map[rules.SelectorKey]error
	if kinds != nil { // without kinds nobody knows which labels name objects
		found, failures = a.listSeries(ctx, s, kinds, began)
	}
	if ctx.Err() != nil {
		return false // the process ends, so these results are incomplete
	}
	for _, d := range s.delegates {
		if err := d.Refresh(ctx); err != nil {
			a.deps.Journal.Record(part, verdict.Because(verdict.On("delegate", d.Name()), rules.DelegateFailed, verdict.Text("error", err.Error())))
		}
	}

	// 2. Decide.
	a.swap.Lock()
	defer a.swap.Unlock()
	if a.setup.Load() != s {
		return false // a new configuration came meanwhile and has its own plan
	}
	next := a.nextPlan(s, kinds, found, failures)
	if kindsErr != nil {
		a.deps.Journal.Record(part, verdict.Because(verdict.On("kinds of objects", ""), rules.KindsUnavailable, verdict.Text("error", kindsErr.Error())))
		if kinds == nil {
			next.missing = append(next.missing, fmt.Errorf("list the kinds that the API server serves: %w", kindsErr))
		}
	}
	a.deps.Journal.Record(part, next.catalog.Verdicts...)

	// 3. Act.
	if first := a.plan.Swap(next) == nil; first {
		close(a.planned)
	}
	a.metrics.discovered(next, a.deps.Now(), began, len(failures))
	return kindsErr == nil && len(failures) == 0
}

// kindsAge is the maximum age of the list of kinds. While a rule names a kind that is not served, the list is read in
// each round, since its CRD may come at any time.
func (a *Adapter) kindsAge() time.Duration {
	if p := a.plan.Load(); p != nil && p.catalog.UnknownKinds() {
		return 0
	}
	return kindsMaxAge
}

// nextPlan makes a plan from what was found. For selectors that could not be asked, it takes the series of the plan
// before.
func (a *Adapter) nextPlan(s *setup, kinds *kindTable, found map[rules.SelectorKey][]rules.Series, failures map[rules.SelectorKey]error) *plan {
	next := &plan{setup: s, kinds: kinds, found: map[rules.SelectorKey][]rules.Series{}}
	old := a.plan.Load()
	for _, selector := range s.set.Selectors() {
		key := selector.SelectorKey
		if series, ok := found[key]; ok {
			next.found[key] = series
		} else if series, ok := old.foundBefore(key); ok {
			next.found[key] = series
			if err := failures[key]; err != nil {
				next.outdated = append(next.outdated, err)
			}
		} else if kind, _ := prom.KindOf(failures[key]); kind == prom.BadQuery {
			next.refused = append(next.refused, failures[key])
		} else if err := failures[key]; err != nil {
			next.missing = append(next.missing, err)
		} else {
			next.missing = append(next.missing, fmt.Errorf("the series of %s were not asked for yet", selector.Query))
		}
	}
	next.catalog = s.set.Expose(next.found, failures, kinds)
	next.listed = listOf(next.catalog, s.delegates, old)
	return next
}

func (p *plan) foundBefore(key rules.SelectorKey) ([]rules.Series, bool) {
	if p == nil {
		return nil, false
	}
	series, ok := p.found[key]
	return series, ok
}

// listSeries finds the series of every selector. A selector that fails does not stop the others.
func (a *Adapter) listSeries(ctx context.Context, s *setup, kinds rules.Kinds, now time.Time) (map[rules.SelectorKey][]rules.Series, map[rules.SelectorKey]error) {
	var mu sync.Mutex
	found, failures := map[rules.SelectorKey][]rules.Series{}, map[rules.SelectorKey]error{}
	var group errgroup.Group
	group.SetLimit(parallelSelectors)
	for _, selector := range s.set.Selectors() {
		group.Go(func() error {
			series, err := s.find(ctx, selector, kinds, now)
			subject := verdict.On("series query", selector.Query)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[selector.SelectorKey] = err
				a.deps.Journal.Record(part, verdict.Because(subject, rules.DiscoveryFailed, verdict.Text("error", err.Error())))
				return nil
			}
			found[selector.SelectorKey] = series
			a.deps.Journal.Record(part, verdict.Because(subject, rules.DiscoverySucceeded, verdict.Number("series names", len(series))))
			return nil
		})
	}
	_ = group.Wait() // no function of it returns an error
	return found, failures
}

// find asks for the names of a selector's series. For each label that may name a kind of objects it asks for the series
// names with that label. So there is one request for each such label, and no answer grows with the number of series.
func (s *setup) find(ctx context.Context, selector rules.Selector, kinds rules.Kinds, now time.Time) ([]rules.Series, error) {
	server := s.servers[selector.Source].ForNamespace("")
	start := now.Add(-s.cfg.maxAge())
	if _, err := rules.WithLabel(selector.Query, model.MetricNameLabel); err != nil {
		// The query is not one plain selector of PromQL. Other servers have such extensions.
		sets, _, err := server.Series(ctx, []string{selector.Query}, start, now)
		return distinct(sets), err
	}
	names, _, err := server.LabelValues(ctx, model.MetricNameLabel, []string{selector.Query}, start, now)
	if err != nil {
		return nil, err
	}
	candidates := selector.Overrides
	if selector.Template && len(names) > 0 {
		labels, _, err := server.LabelNames(ctx, []string{selector.Query}, start, now)
		if err != nil {
			return nil, err
		}
		candidates = append(slices.Clone(candidates), s.set.KindLabels(selector.SelectorKey, labels, kinds)...)
	}
	slices.Sort(candidates)
	bearers := map[string][]string{}
	for _, label := range slices.Compact(candidates) {
		if len(names) == 0 {
			break
		}
		query, err := rules.WithLabel(selector.Query, label)
		if err != nil {
			return nil, err
		}
		some, _, err := server.LabelValues(ctx, model.MetricNameLabel, []string{query}, start, now)
		if err != nil {
			return nil, err
		}
		for _, name := range some {
			bearers[name] = append(bearers[name], label)
		}
	}
	out := make([]rules.Series, len(names))
	for i, name := range names {
		out[i] = rules.Series{Name: name, Labels: bearers[name]}
	}
	return out, nil
}

// distinct keeps each name with its label names once, without the values.
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
