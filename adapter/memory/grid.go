package memory

import (
	"context"
	"time"
)

// Grid is the set of evaluation times: the whole multiples of an interval.
type Grid struct {
	interval, timeout time.Duration
	now               func() time.Time
}

// NewGrid makes a grid with points an interval apart. timeout bounds each call of Load.
func NewGrid(interval, timeout time.Duration, now func() time.Time) *Grid {
	return &Grid{interval: interval, timeout: timeout, now: now}
}

// Point is the last point that is not after t.
func (g *Grid) Point(t time.Time) time.Time { return t.Truncate(g.interval) }

// Now is the grid's clock.
func (g *Grid) Now() time.Time { return g.now() }

// Interval is the time between two points.
func (g *Grid) Interval() time.Duration { return g.interval }

// Spread is the time after a point within which Run starts its calls, so that they do not come all at once.
func (g *Grid) Spread() time.Duration { return g.interval / 5 }

// Refresher is a cell of any type.
type Refresher interface{ Refresh(ctx context.Context) }

// Run refreshes the cells of due after each point, in that order and spread over a fifth of the interval, until ctx
// ends.
func (g *Grid) Run(ctx context.Context, due func(now time.Time) []Refresher) {
	for {
		now := g.now()
		if !wait(ctx, g.Point(now).Add(g.interval).Sub(now)) {
			return
		}
		cells := due(g.now())
		if len(cells) == 0 {
			continue
		}
		pause := g.Spread() / time.Duration(len(cells))
		for _, cell := range cells {
			cell.Refresh(ctx)
			if !wait(ctx, pause) {
				return
			}
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
