package wanted

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Write is what is wanted of one object.
type Write[T any] struct {
	Key string
	// Version is what a failure holds for: a write of another version is tried at once.
	Version string
	Value   T
}

// Config bounds the writes.
type Config struct {
	// Workers is how many writes are under way at a time.
	Workers int
	// Timeout bounds one write.
	Timeout time.Duration
	// MinPause is the pause after a first failure, and MaxPause the longest. Each is drawn between half of it and all.
	MinPause, MaxPause time.Duration
	Now                func() time.Time
}

// Writer writes what is wanted. Make it with New. It is safe for concurrent use.
type Writer[T any] struct {
	cfg   Config
	write func(ctx context.Context, w Write[T]) error
	wake  chan struct{}

	mu sync.Mutex
	// todo waits to be written, up to the time until.
	todo     []Write[T]
	until    time.Time
	busy     map[string]bool
	failures map[string]failure
}

// failure is that of the last write of an object.
type failure struct {
	version string
	pause   time.Duration
	until   time.Time
}

// New makes a Writer. write is called by Workers goroutines; its error makes the object wait.
func New[T any](cfg Config, write func(ctx context.Context, w Write[T]) error) *Writer[T] {
	return &Writer[T]{
		cfg: cfg, write: write, wake: make(chan struct{}, cfg.Workers), busy: map[string]bool{}, failures: map[string]failure{},
	}
}

// Want replaces all that waits to be written. What is not begun within that time is dropped: the next loop wants it again.
// So is an object that is being written. Those that failed before come last.
func (w *Writer[T]) Want(within time.Duration, all []Write[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Now()
	for key, f := range w.failures {
		if now.Sub(f.until) > w.cfg.MaxPause {
			delete(w.failures, key) // wanted no more, or well for long
		}
	}
	w.todo, w.until = make([]Write[T], 0, len(all)), now.Add(within)
	for _, failed := range []bool{false, true} {
		for _, one := range all {
			if _, before := w.failures[one.Key]; before == failed && !w.busy[one.Key] && !w.rests(one, now) {
				w.todo = append(w.todo, one)
			}
		}
	}
	for range min(len(w.todo), w.cfg.Workers) {
		select {
		case w.wake <- struct{}{}:
		default: // that many are awake already
		}
	}
}

// Rests is whether the object waits after a write of that version has failed.
func (w *Writer[T]) Rests(key, version string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rests(Write[T]{Key: key, Version: version}, w.cfg.Now())
}

func (w *Writer[T]) rests(one Write[T], now time.Time) bool {
	f, failed := w.failures[one.Key]
	return failed && f.version == one.Version && now.Before(f.until)
}

// Run writes what is wanted until ctx ends.
func (w *Writer[T]) Run(ctx context.Context) error {
	var workers errgroup.Group
	for range w.cfg.Workers {
		workers.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-w.wake:
					w.work(ctx)
				}
			}
		})
	}
	return workers.Wait()
}

// Finish writes all that waits, and returns. It is for the end of a program, when Run has ended.
func (w *Writer[T]) Finish(ctx context.Context) {
	var workers errgroup.Group
	for range w.cfg.Workers {
		workers.Go(func() error {
			w.work(ctx)
			return nil
		})
	}
	_ = workers.Wait() // work has no error
}

// work writes until nothing waits.
func (w *Writer[T]) work(ctx context.Context) {
	for ctx.Err() == nil {
		one, within, any := w.take()
		if !any {
			return
		}
		writing, cancel := context.WithTimeout(ctx, within)
		err := w.write(writing, one)
		cancel()
		w.settle(one, err, ctx.Err() != nil)
	}
}

// take is what is to be written next, and how long that may take.
func (w *Writer[T]) take() (one Write[T], within time.Duration, any bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.until.Sub(w.cfg.Now())
	if left <= 0 {
		w.todo = nil
	}
	if len(w.todo) == 0 {
		return one, 0, false
	}
	one, w.todo = w.todo[0], w.todo[1:]
	w.busy[one.Key] = true
	return one, min(left, w.cfg.Timeout), true
}

// settle notes what came of a write. One that the end of the program cut short has not failed.
func (w *Writer[T]) settle(one Write[T], err error, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, one.Key)
	switch before := w.failures[one.Key]; {
	case err == nil:
		delete(w.failures, one.Key)
	case ended:
	default:
		f := failure{version: one.Version, pause: w.cfg.MinPause}
		if before.version == one.Version && before.pause > 0 {
			f.pause = min(2*before.pause, w.cfg.MaxPause)
		}
		f.until = w.cfg.Now().Add(f.pause/2 + rand.N(f.pause/2+1))
		w.failures[one.Key] = f
	}
}
