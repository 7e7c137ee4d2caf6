package memory

import (
	"context"
	"time"
)

// Grid is the time that questions are asked for: the whole multiples of an interval.
type Grid struct {
	interval, timeout time.Duration
	now               func() time.Time
}

// NewGrid makes a grid with points an interval apart; each asking has the time-out.
func NewGrid(interval, timeout time.Duration, now func() time.Time) *Grid {
	return &Grid{interval: interval, timeout: timeout, now: now}
}

// Point is the last point that is not after t.
func (g *Grid) Point(t time.Time) time.Time { return t.Truncate(g.interval) }

// Now is the grid's clock.
func (g *Grid) Now() time.Time { return g.now() }

// Interval is the time between two points.
func (g *Grid) Interval() time.Duration { return g.interval }

// Spread is the time after a point within which Run begins to ask for it, so that the questions do not come
// all at once.
func (g *Grid) Spread() time.Duration { return g.interval / 5 }

// Refresher is a cell of whatever type.
type Refresher interface{ Refresh(ctx context.Context) }

// Run refreshes, after each point, what due returns, in that order and spread over a fifth of the interval, until
// ctx ends.
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
