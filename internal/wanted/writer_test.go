package wanted

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rig writes down what is written.
type rig struct {
	mu     sync.Mutex
	wrote  []string
	refuse map[string]bool
	hold   map[string]chan struct{}
}

func (r *rig) write(ctx context.Context, w Write[int]) error {
	r.mu.Lock()
	r.wrote = append(r.wrote, fmt.Sprint(w.Key, w.Value))
	refuse, hold := r.refuse[w.Key], r.hold[w.Key]
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if refuse {
		return errors.New("no")
	}
	return nil
}

// took is what was written since the last look.
func (r *rig) took() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := strings.Join(r.wrote, " ")
	r.wrote = nil
	return out
}

// bubble runs f with a Writer of one worker at work.
func bubble(t *testing.T, f func(r *rig, w *Writer[int])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{refuse: map[string]bool{}, hold: map[string]chan struct{}{}}
		w := New(Config{Workers: 1, Timeout: 10 * time.Second, MinPause: time.Minute, MaxPause: 4 * time.Minute, Now: time.Now}, r.write)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		f(r, w)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func all(keys string, value int) []Write[int] {
	var out []Write[int]
	for _, key := range strings.Fields(keys) {
		out = append(out, Write[int]{Key: key, Value: value})
	}
	return out
}

// Only what is wanted last is written, and to want it does not wait for the write under way. What is being written is not
// wanted twice.
func TestTheNewestIsWritten(t *testing.T) {
	bubble(t, func(r *rig, w *Writer[int]) {
		r.hold["a"] = make(chan struct{})
		w.Want(time.Hour, all("a b c", 1))
		if got := r.took(); got != "a1" {
			t.Errorf("wrote %s", got)
		}
		for i := range 1000 {
			w.Want(time.Hour, all("a c d", i))
		}
		if n := len(w.todo); n != 2 {
			t.Errorf("%d wait, want what the last loop wants", n)
		}
		close(r.hold["a"])
		if got := r.took(); got != "c999 d999" {
			t.Errorf("wrote %s", got)
		}
	})
}

// A write has a time-out, and what is not begun in the time of its loop is dropped.
func TestWritesAreBounded(t *testing.T) {
	bubble(t, func(r *rig, w *Writer[int]) {
		r.hold["a"], r.hold["b"] = make(chan struct{}), make(chan struct{})
		began := time.Now()
		w.Want(15*time.Second, all("a b c", 1))
		r.took()
		time.Sleep(20 * time.Second) // of the bubble: 10 for a, 5 for b
		if got := r.took(); got != "b1" {
			t.Errorf("wrote %s after %s", got, time.Since(began))
		}
		if w.busy["a"] || w.busy["b"] || !w.Rests("a", "") || !w.Rests("b", "") || w.Rests("c", "") {
			t.Error("those that hung must rest, and no other")
		}
	})
}

// What fails is written less and less often, and the others go on before it. Another version ends the pause, and so does a
// write that takes effect.
func TestFailuresBackOff(t *testing.T) {
	bubble(t, func(r *rig, w *Writer[int]) {
		r.refuse["a"] = true
		var at []time.Duration
		began := time.Now()
		for range 3600 {
			w.Want(time.Second, all("a b", 1))
			got := r.took()
			if strings.HasPrefix(got, "a1") && len(at) > 0 {
				t.Fatalf("%s: what failed is not last", got)
			}
			if strings.Contains(got, "a1") {
				at = append(at, time.Since(began))
			}
			if !strings.Contains(got, "b1") {
				t.Fatalf("wrote %q: the other waits", got)
			}
			time.Sleep(time.Second)
		}
		for i := 1; i < len(at); i++ {
			most := min(time.Minute<<(i-1), 4*time.Minute)
			if pause := at[i] - at[i-1]; pause < most/2 || pause > most+time.Second {
				t.Errorf("pause %d is %s, want between half of %s and all", i, pause, most)
			}
		}
		if len(at) < 15 || len(at) > 35 {
			t.Errorf("%d attempts in an hour", len(at))
		}
		w.Want(time.Second, []Write[int]{{Key: "a", Version: "other", Value: 2}})
		if got := r.took(); got != "a2" {
			t.Errorf("another version: wrote %q", got)
		}
		r.refuse["a"] = false
		time.Sleep(time.Minute)
		w.Want(time.Second, []Write[int]{{Key: "a", Version: "other", Value: 3}})
		if got := r.took(); got != "a3" || len(w.failures.failures) > 0 {
			t.Errorf("well again: wrote %q, failures %v", got, w.failures)
		}
	})
}

// Failures of objects that nobody wants any more are forgotten.
func TestFailuresAreForgotten(t *testing.T) {
	bubble(t, func(r *rig, w *Writer[int]) {
		for i := range 100 {
			key := fmt.Sprint("k", i)
			r.refuse[key] = true
			w.Want(time.Second, all(key, 1))
			r.took()
			time.Sleep(time.Minute)
		}
		if n := len(w.failures.failures); n > 7 {
			t.Errorf("%d failures are kept", n)
		}
	})
}

// The end of the program is no failure, and what is wanted afterwards is written by Finish.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{hold: map[string]chan struct{}{"a": make(chan struct{})}}
		w := New(Config{Workers: 3, Timeout: 10 * time.Second, MinPause: time.Minute, MaxPause: time.Minute, Now: time.Now}, r.write)
		ctx, cancel := context.WithCancel(t.Context())
		w.Want(time.Second, all("a", 1))
		go func() { _ = w.Run(ctx) }()
		r.took()
		cancel()
		synctest.Wait()
		if len(w.failures.failures)+len(w.busy) > 0 {
			t.Errorf("failures %v, busy %v", w.failures, w.busy)
		}
		close(r.hold["a"])
		w.Want(time.Second, all("a b c d e", 2))
		w.Finish(t.Context())
		if got := len(strings.Fields(r.took())); got != 5 {
			t.Errorf("%d were written at the end", got)
		}
	})
}

// What failed a moment ago is not left out at the end: there is no later loop to want it again.
func TestTheEndWaitsForNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{refuse: map[string]bool{"a": true}}
		w := New(Config{Workers: 1, Timeout: 10 * time.Second, MinPause: time.Minute, MaxPause: time.Minute, Now: time.Now}, r.write)
		w.Want(time.Second, all("a", 1))
		w.Finish(t.Context())
		r.took()
		r.refuse["a"] = false
		w.Retry()
		w.Want(time.Second, all("a", 2))
		w.Finish(t.Context())
		if got := r.took(); got != "a2" {
			t.Errorf("wrote %q at the end", got)
		}
	})
}
