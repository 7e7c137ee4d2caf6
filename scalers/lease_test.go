package scalers

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// cooler is an edit that no trigger cares about.
func cooler(so *keda.ScaledObject) { so.Spec.CooldownPeriod = new(*so.Spec.CooldownPeriod + 1) }

func (h *harness) closings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// The object is edited, and then deleted, while an HPA's request has its triggers: they are closed when the
// request ends. The harness fails the test when a closed trigger is read.
func TestTriggersStayOpenWhileARequestHasThem(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 9)
	before, err := h.triggers.open(t.Context(), h.object())
	if err != nil {
		t.Fatal(err)
	}
	h.edit(cooler)
	h.poll(30 * time.Second)
	after, err := h.triggers.open(t.Context(), h.object())
	if err != nil || after == before {
		t.Fatalf("the same triggers after the edit, or %v", err)
	}
	h.triggers.forget(types.NamespacedName{Namespace: "shop", Name: "web"})
	for i, set := range []*triggerSet{before, after} {
		if r := set.external[0].read(t.Context(), 0); r.err != nil || r.sample.Value != 9 {
			t.Errorf("read %+v", r)
		}
		if n := h.closings(); n != i {
			t.Errorf("%d are closed while a request has set %d", n, i)
		}
		set.release()
		if n := h.closings(); n != i+1 {
			t.Errorf("%d are closed after the request for set %d has ended", n, i)
		}
	}
}

// Whoever asked has gone and the object was edited, but the source has not answered yet: the trigger is closed
// after it has.
func TestATriggerIsClosedAfterItsLastReading(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	reading, answer := make(chan struct{}), make(chan struct{})
	h.during = func() { close(reading); <-answer }
	set, err := h.triggers.open(t.Context(), h.object())
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		set.external[0].read(ctx, 0)
		set.release()
	}()
	<-reading
	h.mu.Lock()
	h.during = nil
	h.mu.Unlock()
	giveUp()
	<-asked
	h.edit(cooler)
	h.poll(30 * time.Second)
	if n := h.closings(); n != 0 {
		t.Fatalf("%d are closed while the source is asked", n)
	}
	closed := make(chan struct{})
	end := set.external[0].Close
	set.external[0].Close = func() { end(); close(closed) }
	close(answer)
	<-closed
}

// The object is deleted after a request has found its entry, and before it has opened the triggers, as while another opens
// them: nobody will forget the entry again, so that the request is the last to have them.
func TestTriggersOfADeletedObjectAreClosed(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	key := types.NamespacedName{Namespace: "shop", Name: "web"}
	e := h.triggers.entry(key)
	h.triggers.forget(key)
	for range 2 {
		set, err := h.triggers.openIn(t.Context(), e, h.object())
		if err != nil {
			t.Fatal(err)
		}
		if r := set.external[0].read(t.Context(), 0); r.err != nil {
			t.Error(r.err)
		}
		set.release()
	}
	if h.closings() != len(h.opened) {
		t.Errorf("%d were opened, %d closed", len(h.opened), h.closings())
	}
}

// Requests, edits, polls and a deletion at the same time, for the race detector and the harness to judge. In the end
// all that was opened is closed.
func TestTriggersAreReopenedUnderRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, scaledObject(t, web))
		h.set("a", 9)
		key := types.NamespacedName{Namespace: "shop", Name: "web"}
		done := make(chan struct{})
		var asking sync.WaitGroup
		for range 4 {
			asking.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					ctx, giveUp := context.WithCancel(t.Context())
					if set, err := h.triggers.open(ctx, h.object()); err == nil {
						go giveUp() // before the answer, or after it
						set.external[0].read(ctx, 0)
						set.release()
					}
					giveUp()
				}
			})
		}
		for range 100 {
			h.edit(cooler)
			h.round("web")
		}
		close(done)
		asking.Wait()
		h.triggers.forget(key)
		synctest.Wait() // for the questions that nobody waits for
		if len(h.opened) < 100 || h.closed != len(h.opened) {
			t.Errorf("%d were opened, %d closed", len(h.opened), h.closed)
		}
	})
}
