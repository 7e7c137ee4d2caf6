package main

import (
	"testing"
	"time"
)

func ready(name string) podState {
	return podState{key: key{"ns", name}, uid: name, running: true, ready: true}
}

// eventually waits for a condition, and fails with what is said of it.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker, deadline := time.NewTicker(5*time.Millisecond), time.NewTimer(20*time.Second)
	defer ticker.Stop()
	defer deadline.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("waited 20s in vain: %s", what)
		}
	}
}

func newTestWeb(t *testing.T, pods ...podState) *web {
	t.Helper()
	w := newWeb(blockBytes)
	t.Cleanup(w.close)
	for _, p := range pods {
		w.observe(p)
	}
	return w
}

func (w *web) servedBy(name string) int64 {
	for _, u := range w.usages() {
		if u.key.name == name {
			return u.served
		}
	}
	return -1
}

func TestRequestsGoToReadyPodsInTurn(t *testing.T) {
	unready := ready("c")
	unready.ready = false
	w := newTestWeb(t, ready("b"), ready("a"), unready)
	w.dispatch(5, 1)
	w.dispatch(4, 1)
	eventually(t, "9 requests served", func() bool { return w.servedBy("a")+w.servedBy("b") == 9 })
	if a, b, c := w.servedBy("a"), w.servedBy("b"), w.servedBy("c"); a != 5 || b != 4 || c != 0 {
		t.Errorf("a, b, c served %d, %d, %d; want 5, 4 and, as c is not ready, 0", a, b, c)
	}
	if w.failed.Load() != 0 {
		t.Errorf("%d failed, want none", w.failed.Load())
	}
}

func TestRequestsFailWithoutReadyPods(t *testing.T) {
	w := newTestWeb(t)
	w.dispatch(3, 1)
	if w.failed.Load() != 3 {
		t.Errorf("%d failed, want 3", w.failed.Load())
	}
	gone := ready("a")
	w.observe(gone)
	w.forget(gone.key)
	w.forget(gone.key)
	w.dispatch(2, 1)
	if w.failed.Load() != 5 || len(w.usages()) != 0 {
		t.Errorf("%d failed with %d pods, want 5 and none", w.failed.Load(), len(w.usages()))
	}
}

// A pod that cannot keep up fills its queue, and the others take over; then requests fail. Each request
// is counted once.
func TestFullQueuesOverflowIntoFailures(t *testing.T) {
	a, b := ready("a"), ready("b")
	w := newTestWeb(t, a, b)
	const huge, sent = 1 << 16, 3 * queueLength // so much work that no pod ends the first request soon
	w.dispatch(sent, huge)
	failed := w.failed.Load()
	if taken := sent - failed; taken < 2*queueLength || taken > 2*(queueLength+1) {
		t.Errorf("%d of %d requests were taken, want two full queues and at most one request in work each", taken, sent)
	}
}

func TestWaitingRequestsFailWithTheirPod(t *testing.T) {
	p := ready("a")
	w := newTestWeb(t, p)
	const sent = 50
	w.dispatch(sent, 2000)
	one := w.workers[p.key]
	w.forget(p.key)
	<-one.done
	if served, failed := one.served.Load(), w.failed.Load(); served+failed != sent || failed == 0 {
		t.Errorf("%d served and %d failed, want %d in all, some of them failed", served, failed, sent)
	}
}

func TestPodsComeAndGo(t *testing.T) {
	p := ready("a")
	w := newTestWeb(t, p)
	first := w.workers[p.key]
	w.observe(p)
	if w.workers[p.key] != first || len(w.ready) != 1 {
		t.Error("the same state again made another pod")
	}
	p.ready = false
	w.observe(p)
	if w.workers[p.key] != first || len(w.ready) != 0 {
		t.Error("a pod that is not ready runs on, without requests")
	}
	p.ready, p.uid = true, "another"
	w.observe(p)
	if w.workers[p.key] == first || len(w.ready) != 1 || w.ready[0] == first {
		t.Error("another uid is another pod")
	}
	<-first.done
	p.running = false
	w.observe(p)
	if len(w.workers) != 0 || len(w.ready) != 0 {
		t.Error("a pod that ended is gone")
	}
	w.close()
	w.observe(ready("late"))
	if len(w.workers) != 0 {
		t.Error("a pod started after the end")
	}
}

// The CPU of a pod is that of its own thread, and grows by about what its requests were meant to use.
func TestUsageIsMeasured(t *testing.T) {
	perSecond := calibrate()
	if perSecond <= 0 {
		t.Fatalf("%v blocks a second", perSecond)
	}
	w := newTestWeb(t, ready("busy"))
	w.dispatch(40, blocksFor(5*time.Millisecond, perSecond))
	w.observe(ready("idle"))
	eventually(t, "40 requests served", func() bool { return w.servedBy("busy") == 40 })
	all := w.usages()
	if busy := all[0].cpuSeconds; busy < 0.1 || busy > 0.6 {
		t.Errorf("40 requests of 5ms used %.3fs of CPU, want about 0.2s", busy)
	}
	if idle := all[1].cpuSeconds; idle > 0.05 {
		t.Errorf("an idle pod used %.3fs of CPU", idle)
	}
	if all[0].heldBytes != blockBytes {
		t.Errorf("the pod holds %d bytes, want %d", all[0].heldBytes, blockBytes)
	}
}
