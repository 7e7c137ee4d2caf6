package adapter

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab/adapter/memory"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/verdict"
)

// askAhead evaluates the queries in demand after each point of the grid, so that requests find the answers in memory.
func (a *Adapter) askAhead(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-a.planned:
	}
	a.Warm(ctx)
	a.warmed.Store(true)
	for ctx.Err() == nil {
		p := a.plan.Load()
		// A new configuration can have another grid, so the loop starts again with it.
		life, end := context.WithCancel(ctx)
		p.grid.Run(life, func(now time.Time) []memory.Refresher {
			if current := a.plan.Load(); current.setup != p.setup {
				end()
				return nil
			}
			return a.due(ctx, now)
		})
		end()
	}
}

// Warm asks each query in demand once, and waits for the answers or errors.
func (a *Adapter) Warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, a.requestTimeout())
	defer cancel()
	p := a.plan.Load()
	if p == nil || a.announce(ctx, p) != nil {
		return
	}
	var all sync.WaitGroup
	for _, f := range p.families.all(time.Time{}) {
		if ok, _ := f.merged(a.deps.Now()); ok {
			all.Go(func() { _, _ = f.cell.Get(ctx) }) // the cell keeps the error for who asks
		}
	}
	all.Wait()
}

// due returns what is to be asked again, in a stable order.
func (a *Adapter) due(ctx context.Context, now time.Time) []memory.Refresher {
	p := a.plan.Load()
	if p.cfg.Compat {
		return nil
	}
	if err := a.announce(ctx, p); err != nil {
		a.deps.Journal.Record(part, verdict.Because(verdict.On("HPAs", ""), rules.ObjectsUnavailable, verdict.Text("error", err.Error())))
	}
	families := p.families.all(now.Add(-keepIntervals * p.grid.Interval()))
	var out []memory.Refresher
	for _, key := range slices.Sorted(maps.Keys(families)) {
		out = append(out, families[key])
	}
	a.metrics.families.Set(float64(len(families)))
	return append(out, p.exact.all(now.Add(-2*p.grid.Interval()))...)
}
