package memory

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	interval = 15 * time.Second
	timeout  = 10 * time.Second
)

// source counts how often it was asked, takes its time, and answers the second it was asked for.
type source struct {
	asked atomic.Int64
	takes time.Duration
	err   error
}

func (s *source) load(ctx context.Context, at time.Time) (int64, error) {
	s.asked.Add(1)
	select {
	case <-time.After(s.takes):
		return at.Unix(), s.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// onGrid runs a test in a bubble of time that begins three seconds after a point.
func onGrid(t *testing.T, test func(t *testing.T, s *source, c *Cell[int64])) {
	synctest.Test(t, func(t *testing.T) {
		grid := NewGrid(interval, timeout, time.Now)
		time.Sleep(time.Until(grid.Point(time.Now()).Add(interval + 3*time.Second)))
		s := &source{takes: 300 * time.Millisecond}
		test(t, s, NewCell(grid, s.load))
	})
}

func TestManyCallersAskOnceAPoint(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		point := time.Now().Truncate(interval)
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				a, err := c.Get(t.Context())
				if err != nil || a.Value != point.Unix() || !a.At.Equal(point) {
					t.Errorf("got %v %v, want %d", a, err, point.Unix())
				}
			})
		}
		callers.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(5 * time.Second)
		if _, ok := c.Peek(); !ok || s.asked.Load() != 1 {
			t.Errorf("after 5s it asked %d times", s.asked.Load())
		}
	})
}

// While the next answer is on its way the last one is given; nobody waits.
func TestTheLastAnswerServesWhileTheNextIsOnItsWay(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		first, err := c.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval)
		s.takes = 9 * time.Second
		c.Refresh(t.Context())
		synctest.Wait()
		for range 8 {
			time.Sleep(time.Second)
			if a, ok := c.Peek(); !ok || a != first {
				t.Fatalf("at %s it gives %v %v", time.Now(), a, ok)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if a, ok := c.Peek(); !ok || a.At != first.At.Add(interval) {
			t.Errorf("then it gives %v %v", a, ok)
		}
	})
}

// Without a refresh an answer is not given past its point, but for the time in which a refresh may begin.
func TestAnOldAnswerIsNotGiven(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		first, err := c.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval)
		if _, ok := c.Peek(); ok {
			t.Error("3s after the next point nothing is on its way, and the old answer is given")
		}
		if a, err := c.Get(t.Context()); err != nil || a.At != first.At.Add(interval) || s.asked.Load() != 2 {
			t.Errorf("got %v %v after %d askings", a, err, s.asked.Load())
		}
	})
}

// An error replaces the answer; it is given for a second without asking, and then asked for again.
func TestAnErrorIsNotHidden(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		if _, err := c.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval)
		s.err = errors.New("down")
		c.Refresh(t.Context())
		time.Sleep(400 * time.Millisecond)
		for range 50 {
			if a, err := c.Get(t.Context()); err != s.err {
				t.Fatalf("got %v %v", a, err)
			}
		}
		if n := s.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
		s.err = nil
		time.Sleep(retryPause)
		if _, err := c.Get(t.Context()); err != nil || s.asked.Load() != 3 {
			t.Errorf("after the pause: %v, asked %d times", err, s.asked.Load())
		}
	})
}

func TestACallerThatGivesUpLeavesTheOthers(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := c.Get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the one that gave up got %v", err)
			}
		})
		callers.Go(func() {
			synctest.Wait()
			cancel()
			if _, err := c.Get(t.Context()); err != nil {
				t.Errorf("the other got %v", err)
			}
		})
		callers.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAQuestionThatHangsEndsWithTheTimeout(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		s.takes = time.Hour
		began := time.Now()
		_, err := c.Get(t.Context())
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != timeout {
			t.Errorf("got %v after %s", err, took)
		}
	})
}

// Run asks once a point for what is due, spread, and callers never wait.
func TestRunPrefetches(t *testing.T) {
	onGrid(t, func(t *testing.T, s *source, c *Cell[int64]) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.grid.Run(ctx, func(time.Time) []Refresher { return []Refresher{c} }) })
		if _, err := c.Get(ctx); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			time.Sleep(3 * time.Second)
			if _, ok := c.Peek(); !ok {
				t.Errorf("at %s a caller has to wait", time.Now())
			}
		}
		if n := s.asked.Load(); n != 9 {
			t.Errorf("asked %d times in 8 intervals", n)
		}
		cancel()
		running.Wait()
	})
}
