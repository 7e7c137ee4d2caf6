package wanted

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Write is the wanted state of one object.
type Write[T any] struct {
	Key string
	// Version is the version of the wanted state. Another version is tried at once after a failure.
	Version string
	Value   T
}

// Config bounds the writes.
type Config struct {
	// Workers is how many writes run at the same time.
	Workers int
	// Timeout bounds one write.
	Timeout time.Duration
	// MinPause and MaxPause are the bounds of Pauses, after failed writes.
	MinPause, MaxPause time.Duration
	Now                func() time.Time
}

// Writer writes wanted states. Make it with New. It is safe for concurrent use.
type Writer[T any] struct {
	cfg   Config
	write func(ctx context.Context, w Write[T]) error
	wake  chan struct{}

	mu sync.Mutex
	// todo has the writes to do, until the time until.
	todo     []Write[T]
	until    time.Time
	busy     map[string]bool
	failures Pauses
}

// New makes a Writer. Workers goroutines call write. After an error the object must wait.
func New[T any](cfg Config, write func(ctx context.Context, w Write[T]) error) *Writer[T] {
	return &Writer[T]{
		cfg: cfg, write: write, wake: make(chan struct{}, cfg.Workers), busy: map[string]bool{}, failures: Pauses{Min: cfg.MinPause, Max: cfg.MaxPause},
	}
}

// Want replaces all writes that have not begun. It drops writes that do not begin within that time, and objects that
// are being written: the next loop wants them again. Objects whose last write failed come last.
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
		default: // enough workers are awake already
		}
	}
}

// Rests is true if the object must wait after a failed write of that version.
func (w *Writer[T]) Rests(key, version string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures.Rests(key, version, w.cfg.Now())
}

// Retry ends all pauses. It is for the last Want of a program.
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

// Finish writes all that waits, and returns. It is for the end of a program, after Run.
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

// work writes until no write is waiting.
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

// take returns the next write, and the time for it.
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
