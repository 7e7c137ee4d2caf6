package poll

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// work is a Work whose sources answer after a time, or never.
type work struct {
	t *testing.T
	// takes is how long an object's reading takes; -1 is for ever.
	takes func(types.NamespacedName) time.Duration
	again func(types.NamespacedName) time.Duration
	// opens and acts are how long the two steps on a worker take.
	opens, acts time.Duration

	mu sync.Mutex
	// read is when an object's reading ended, oldest the age of the oldest reading that was decided on.
	read   map[types.NamespacedName]time.Time
	oldest time.Duration
	// at is where an object is; empty between rounds.
	at map[types.NamespacedName]string
	// ended and dropped count rounds; decided is when an object's rounds ended.
	ended, dropped, readings, mostReadings map[string]int
	decided                                map[types.NamespacedName][]time.Time
}

func newWork(t *testing.T) *work {
	return &work{
		t:     t,
		takes: func(types.NamespacedName) time.Duration { return 0 }, again: func(types.NamespacedName) time.Duration { return 0 },
		at: map[types.NamespacedName]string{}, ended: map[string]int{}, dropped: map[string]int{}, readings: map[string]int{}, mostReadings: map[string]int{},
		decided: map[types.NamespacedName][]time.Time{}, read: map[types.NamespacedName]time.Time{},
	}
}

func (w *work) step(key types.NamespacedName, from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at[key] != from {
		w.t.Errorf("%s: is %q, and not %q, when it becomes %q", key, w.at[key], from, to)
	}
	w.at[key] = to
}

// Begin finds the object between rounds, or its last round dropped.
func (w *work) Begin(_ context.Context, key types.NamespacedName) (types.NamespacedName, bool) {
	w.mu.Lock()
	if w.at[key] == "begun" {
		w.at[key] = ""
		w.dropped[key.Namespace]++
	}
	w.mu.Unlock()
	w.step(key, "", "beginning")
	time.Sleep(w.opens)
	w.step(key, "beginning", "begun")
	return key, w.takes(key) != 0
}

func (w *work) Read(ctx context.Context, key, _ types.NamespacedName) {
	w.step(key, "begun", "reading")
	w.mu.Lock()
	w.readings[key.Namespace]++
	w.mostReadings[key.Namespace] = max(w.mostReadings[key.Namespace], w.readings[key.Namespace])
	w.mu.Unlock()
	var answered <-chan time.Time
	if d := w.takes(key); d > 0 {
		answered = time.After(d)
	}
	select {
	case <-ctx.Done():
	case <-answered:
	}
	w.mu.Lock()
	w.readings[key.Namespace]--
	w.read[key] = time.Now()
	w.mu.Unlock()
	w.step(key, "reading", "begun")
}

func (w *work) End(_ context.Context, key, round types.NamespacedName) time.Duration {
	if key != round {
		w.t.Errorf("%s gets the round of %s", key, round)
	}
	w.mu.Lock()
	if at, ok := w.read[key]; ok {
		w.oldest = max(w.oldest, time.Since(at))
	}
	w.mu.Unlock()
	w.step(key, "begun", "ending")
	time.Sleep(w.acts)
	w.step(key, "ending", "")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[key.Namespace]++
	w.decided[key] = append(w.decided[key], time.Now())
	return w.again(key)
}

func key(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

// However many objects of one namespace have sources that never answer: a neighbour is polled when it is
// due, and when they are deleted all that they held is free at once.
func TestSourcesThatNeverAnswerLeaveANeighbourAlone(t *testing.T) {
	for _, hostile := range []int{25, 500, 5000} {
		t.Run(fmt.Sprint(hostile), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWork(t)
				w.takes = func(k types.NamespacedName) time.Duration {
					if k.Namespace == "hostile" {
						return -1
					}
					return 100 * time.Millisecond
				}
				w.again = func(types.NamespacedName) time.Duration { return time.Second }
				l := New(t.Context(), Config{Workers: 20, Readers: 200, Now: time.Now}, w)
				l.Start()
				defer l.Close()
				began := time.Now()
				for i := range hostile {
					l.Add(key("hostile", i))
				}
				synctest.Wait()
				l.Add(key("shop", 0))
				time.Sleep(9*1100*time.Millisecond + time.Millisecond + 100*time.Millisecond) // nine intervals, and the first reading
				synctest.Wait()
				if n := len(w.decided[key("shop", 0)]); n != 10 {
					t.Errorf("the neighbour was decided on %d times, want 10", n)
				}
				if n := w.mostReadings["hostile"]; n != min(hostile, 67) {
					t.Errorf("%d readings of one namespace ran at once", n)
				}
				load := l.Load()
				if load.Oldest.Namespace != "hostile" || load.Overdue != time.Since(began) || load.Rounds[Reading] != min(hostile, 67) || load.Rounds[Queued] != max(hostile-67, 0) {
					t.Errorf("load %+v", load)
				}
				w.again = func(types.NamespacedName) time.Duration { return 0 } // gone
				w.takes = func(types.NamespacedName) time.Duration { return 0 }
				for i := range hostile {
					l.Restart(key("hostile", i))
				}
				synctest.Wait()
				if load := l.Load(); len(load.Rounds) != 0 || len(l.objects) > 1 {
					t.Errorf("after they were deleted %+v is in flight, %d objects are known", load, len(l.objects))
				}
				if time.Since(began) != 10*time.Second+time.Millisecond {
					t.Errorf("it took until %s", time.Since(began))
				}
			})
		})
	}
}

// Objects of the hostile's own namespace get slower, but go on: each reading ends at its ceiling.
func TestItsOwnNamespaceGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.takes = func(k types.NamespacedName) time.Duration {
			if k.Name == "0" {
				return time.Millisecond
			}
			return 30 * time.Second
		}
		w.again = func(types.NamespacedName) time.Duration { return time.Second }
		l := New(t.Context(), Config{Workers: 20, Readers: 20, Now: time.Now}, w)
		l.Start()
		defer l.Close()
		for i := 1; i <= 25; i++ {
			l.Add(key("hostile", i))
		}
		l.Add(key("hostile", 0))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for i := range 26 {
			if n := len(w.decided[key("hostile", i)]); n < 5 {
				t.Errorf("object %d was decided on %d times in ten minutes", i, n)
			}
		}
	})
}

// An object is never in work twice, however it is queued; what is queued while in work is done again; one
// that changed is not decided on by what was read before. In the end nothing is left in flight.
func TestRoundsOfOneObjectNeverOverlap(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWork(t)
			w.takes = func(k types.NamespacedName) time.Duration {
				return time.Duration(len(k.Namespace)) * 10 * time.Millisecond
			}
			w.again = func(types.NamespacedName) time.Duration { return time.Second }
			l := New(t.Context(), Config{Workers: 3, Readers: 4, Now: time.Now}, w)
			l.Start()
			last := map[types.NamespacedName]time.Time{}
			for range 2000 {
				k := key([]string{"a", "bb", "ccc"}[random.IntN(3)], random.IntN(4))
				if random.IntN(4) == 0 {
					l.Restart(k)
				} else {
					l.Add(k)
				}
				last[k] = time.Now()
				time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			for k, at := range last {
				if ends := w.decided[k]; len(ends) == 0 || ends[len(ends)-1].Before(at.Add(w.takes(k))) {
					t.Errorf("seed %d: %s was queued at %s and not decided on after it", seed, k, at)
				}
			}
			if w.dropped["ccc"] == 0 {
				t.Errorf("seed %d: no round was dropped", seed)
			}
			l.Close()
			l.Add(key("a", 1))
			synctest.Wait()
			if load := l.Load(); len(load.Rounds) != 0 {
				t.Errorf("seed %d: after the end %+v is in flight", seed, load)
			}
		})
	}
}

// The end of the loop ends readings that would last for ever, and drops what waits.
func TestCloseEndsReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.takes = func(types.NamespacedName) time.Duration { return -1 }
		l := New(t.Context(), Config{Workers: 2, Readers: 2, Now: time.Now}, w)
		l.Start()
		for i := range 50 {
			l.Add(key("a", i))
		}
		synctest.Wait()
		l.Close()
		if w.ended["a"] != 0 {
			t.Errorf("%d rounds were decided on without a reading", w.ended["a"])
		}
	})
}

// An idle object costs no goroutine: a bubble of idle objects is durably blocked on nothing but the test.
func TestIdleObjectsHaveATimerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		w.again = func(types.NamespacedName) time.Duration { return time.Hour }
		l := New(t.Context(), Config{Workers: 20, Readers: 20, Now: time.Now}, w)
		l.Start()
		for i := range 2000 {
			l.Add(key("a", i))
		}
		synctest.Wait()
		if load := l.Load(); len(load.Rounds) != 0 || w.ended["a"] != 2000 {
			t.Errorf("%+v is in flight, %d were decided on", load, w.ended["a"])
		}
		l.Close() // else the timers would go on for ever
	})
}

// What is queued before the start is begun by it, once.
func TestStartBeginsWhatWasQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWork(t)
		l := New(t.Context(), Config{Workers: 1, Readers: 1, Now: time.Now}, w)
		for range 3 {
			l.Add(key("a", 1))
			l.Restart(key("b", 1))
		}
		synctest.Wait()
		if len(w.ended) != 0 {
			t.Errorf("before the start %v were decided on", w.ended)
		}
		l.Start()
		synctest.Wait()
		if w.ended["a"] != 1 || w.ended["b"] != 1 {
			t.Errorf("after the start %v were decided on", w.ended)
		}
		l.Close()
	})
}

// However slow the API server makes the rounds of many objects, none is decided on a reading that waited long.
func TestReadingsDoNotGrowOld(t *testing.T) {
	for _, opens := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWork(t)
			w.takes = func(types.NamespacedName) time.Duration { return 10 * time.Millisecond }
			w.opens, w.acts = opens, time.Second
			l := New(t.Context(), Config{Workers: 20, Readers: 200, Now: time.Now}, w)
			l.Start()
			for i := range 500 {
				l.Add(key("a", i))
			}
			time.Sleep(5 * time.Minute)
			l.Close()
			if w.ended["a"] != 500 || w.oldest > 11*time.Second {
				t.Errorf("opened in %s: %d were decided on, on readings up to %s old", opens, w.ended["a"], w.oldest)
			}
		})
	}
}
