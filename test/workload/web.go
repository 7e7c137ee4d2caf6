package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// key names a pod.
type key struct{ namespace, name string }

func (k key) String() string { return k.namespace + "/" + k.name }

// podState is what the workload needs to know of a pod.
type podState struct {
	key key
	uid string
	// running: the pod's thread exists. ready: it takes requests besides.
	running, ready bool
}

// usage is what one pod did and holds.
type usage struct {
	key        key
	served     int64
	cpuSeconds float64
	heldBytes  int64
}

// web is the set of pods, and the balancer in front of them. Its methods may be called from any
// goroutine.
type web struct {
	heldBytes int
	failed    atomic.Int64

	mu      sync.Mutex
	workers map[key]*worker
	ready   []*worker // sorted by key
	next    int       // index in ready of the pod whose turn it is
	closed  bool
}

func newWeb(heldBytes int) *web { return &web{heldBytes: heldBytes, workers: map[key]*worker{}} }

// observe takes over the state of a pod. A pod of the same name but another uid is another pod: it
// starts with new counters.
func (w *web) observe(s podState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.workers[s.key]
	if old != nil && (!s.running || old.uid != s.uid) {
		w.remove(old)
		old = nil
	}
	if !s.running || w.closed {
		return
	}
	if old == nil {
		old = startWorker(s.key, s.uid, w.heldBytes, &w.failed)
		w.workers[s.key] = old
	}
	w.setReady(old, s.ready)
}

// forget removes a pod that is gone. A pod that is not known is no error.
func (w *web) forget(k key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.workers[k]; old != nil {
		w.remove(old)
	}
}

func (w *web) remove(old *worker) {
	w.setReady(old, false)
	delete(w.workers, old.key)
	old.stop()
}

func (w *web) setReady(one *worker, ready bool) {
	at, found := slices.BinarySearchFunc(w.ready, one, func(a, b *worker) int {
		return strings.Compare(a.key.String(), b.key.String())
	})
	switch {
	case ready && !found:
		w.ready = slices.Insert(w.ready, at, one)
	case !ready && found:
		w.ready = slices.Delete(w.ready, at, at+1)
	}
}

// dispatch hands out n requests of so many blocks of work, each to the next ready pod in turn whose
// queue has room. A request that finds none has failed.
func (w *web) dispatch(n, blocks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		if !w.dispatchOne(blocks) {
			w.failed.Add(1)
		}
	}
}

func (w *web) dispatchOne(blocks int) bool {
	for range w.ready {
		w.next %= len(w.ready)
		one := w.ready[w.next]
		w.next++
		if one.offer(blocks) {
			return true
		}
	}
	return false
}

// usages are those of all running pods, sorted by key.
func (w *web) usages() []usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]usage, 0, len(w.workers))
	for one := range maps.Values(w.workers) {
		all = append(all, one.usage())
	}
	slices.SortFunc(all, func(a, b usage) int { return strings.Compare(a.key.String(), b.key.String()) })
	return all
}

// close ends all pods and returns when their threads have ended. No pod starts afterwards.
func (w *web) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, one := range slices.Collect(maps.Values(w.workers)) {
		w.remove(one)
		<-one.done
	}
}
