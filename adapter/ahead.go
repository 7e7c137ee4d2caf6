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

// askAhead evaluates, after each point of the grid, what is in demand, so that requests find it in memory.
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
		// The grid is the configuration's: with the next one it begins anew.
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

// Warm asks once for all that is in demand, and waits until it is answered, well or not.
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

// due is what is to be asked again, in an order that stays the same.
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
