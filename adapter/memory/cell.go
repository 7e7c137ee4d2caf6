package memory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// retryPause is how long an error is answered without asking again.
const retryPause = time.Second

// Load sends the query for one point of the grid.
type Load[T any] func(ctx context.Context, at time.Time) (T, error)

// Answer is the answer to a query.
type Answer[T any] struct {
	Value T
	// At is the point of the grid that the value holds for.
	At time.Time
}

// Cell is one query with its last answer. It is safe for concurrent use. Callers share the value of an answer and must
// not change it.
type Cell[T any] struct {
	grid *Grid
	load Load[T]
	last atomic.Pointer[outcome[T]]
	used atomic.Int64

	mu     sync.Mutex
	flight *flight[T]
}

// outcome is the result of one call of Load.
type outcome[T any] struct {
	Answer[T]
	err error
	// ended is when the call ended, for the pause after an error.
	ended time.Time
}

// flight is a call of Load that has not ended.
type flight[T any] struct {
	done chan struct{}
	// outcome is set before done is closed.
	outcome *outcome[T]
}

// NewCell makes a cell without an answer.
func NewCell[T any](grid *Grid, load Load[T]) *Cell[T] { return &Cell[T]{grid: grid, load: load} }

// Peek is the last answer, if a caller may still use it without waiting.
func (c *Cell[T]) Peek() (Answer[T], bool) {
	last := c.last.Load()
	if last == nil || last.err != nil {
		return Answer[T]{}, false
	}
	now := c.grid.now()
	c.used.Store(now.UnixNano())
	point := c.grid.Point(now)
	if !last.At.Before(point) {
		return last.Answer, true
	}
	// The answer of the current point is being loaded, or will be soon: Run spreads the calls.
	if now.Before(last.At.Add(c.grid.interval+c.grid.Spread())) || c.flying() && now.Before(last.At.Add(2*c.grid.interval)) {
		return last.Answer, true
	}
	return Answer[T]{}, false
}

// Get is the answer of the current point, or the answer of the point before while the current one is being loaded.
// Without either it waits, no longer than ctx.
func (c *Cell[T]) Get(ctx context.Context) (Answer[T], error) {
	if a, ok := c.Peek(); ok {
		return a, nil
	}
	now := c.grid.now()
	c.used.Store(now.UnixNano())
	if last := c.last.Load(); last != nil && last.err != nil && now.Sub(last.ended) < retryPause {
		return Answer[T]{}, last.err
	}
	f := c.ask(ctx)
	select {
	case <-f.done:
		return f.outcome.Answer, f.outcome.err
	case <-ctx.Done():
		return Answer[T]{}, ctx.Err()
	}
}

// Refresh loads the current point, unless that was done or is in progress. It returns without waiting.
func (c *Cell[T]) Refresh(ctx context.Context) {
	if last := c.last.Load(); last != nil && last.err == nil && !last.At.Before(c.grid.Point(c.grid.now())) {
		return
	}
	c.ask(ctx)
}

// Last is the last result: for explanations, not for answers. It is false before the first.
func (c *Cell[T]) Last() (Answer[T], bool, error) {
	last := c.last.Load()
	if last == nil {
		return Answer[T]{}, false, nil
	}
	return last.Answer, true, last.err
}

// Used is when a caller last asked the cell.
func (c *Cell[T]) Used() time.Time { return time.Unix(0, c.used.Load()) }

func (c *Cell[T]) flying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flight != nil
}

// ask joins the call that is in progress, or starts one.
func (c *Cell[T]) ask(ctx context.Context) *flight[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight != nil {
		return c.flight
	}
	f := &flight[T]{done: make(chan struct{})}
	c.flight = f
	go c.fly(context.WithoutCancel(ctx), f)
	return f
}

func (c *Cell[T]) fly(ctx context.Context, f *flight[T]) {
	ctx, cancel := context.WithTimeout(ctx, c.grid.timeout)
	defer cancel()
	at := c.grid.Point(c.grid.now())
	value, err := c.load(ctx, at)
	f.outcome = &outcome[T]{Answer[T]{value, at}, err, c.grid.now()}
	c.mu.Lock()
	c.last.Store(f.outcome)
	c.flight = nil
	c.mu.Unlock()
	close(f.done)
}
