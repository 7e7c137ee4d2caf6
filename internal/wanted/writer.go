package wanted

import (
	"context"
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
	// MinPause and MaxPause are those of Pauses, after writes that failed.
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
	failures Pauses
}

// New makes a Writer. write is called by Workers goroutines; its error makes the object wait.
func New[T any](cfg Config, write func(ctx context.Context, w Write[T]) error) *Writer[T] {
	return &Writer[T]{
		cfg: cfg, write: write, wake: make(chan struct{}, cfg.Workers), busy: map[string]bool{}, failures: Pauses{Min: cfg.MinPause, Max: cfg.MaxPause},
	}
}

// Want replaces all that waits to be written. What is not begun within that time is dropped: the next loop wants it again.
// So is an object that is being written. Those that failed before come last.
func (w *Writer[T]) Want(within time.Duration, all []Write[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Now()
	w.failures.Forget(now)
	w.todo, w.until = make([]Write[T], 0, len(all)), now.Add(within)
	for _, failed := range []bool{false, true} {
		for _, one := range all {
			if w.failures.hasFailed(one.Key) == failed && !w.busy[one.Key] && !w.failures.Rests(one.Key, one.Version, now) {
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
	return w.failures.Rests(key, version, w.cfg.Now())
}

// Retry ends all pauses, for the last Want of a program: no later one comes after them.
func (w *Writer[T]) Retry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.failures.failures)
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
		one, within, waits := w.take()
		if !waits {
			return
		}
		writing, cancel := context.WithTimeout(ctx, within)
		err := w.write(writing, one)
		cancel()
		w.done(one, err, ctx.Err() != nil)
	}
}

// take is what is to be written next, and how long that may take.
func (w *Writer[T]) take() (one Write[T], within time.Duration, waits bool) {
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

// done notes what came of a write. One that the end of the program cut short has not failed.
func (w *Writer[T]) done(one Write[T], err error, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, one.Key)
	switch {
	case err == nil:
		w.failures.Succeeded(one.Key)
	case !ended:
		w.failures.Failed(one.Key, one.Version, w.cfg.Now())
	}
}
