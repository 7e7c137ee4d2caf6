package scalers

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/spec"
)

// cooler is an edit that no trigger cares about.
func cooler(so *keda.ScaledObject) { so.Spec.CooldownPeriod = new(*so.Spec.CooldownPeriod + 1) }

// open is how many clients are open.
func (h *harness) open() int { return len(h.clients.Clients()) }

// The object is edited, and then deleted, while an HPA's request has its triggers: the request reads them all the same,
// and what it reads them by is closed when it has. The harness fails the test when a closed client is read.
func TestTriggersCanBeReadWhileARequestHasThem(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 9)
	before, err := h.triggers.open(t.Context(), spec.OwnerOf(h.object()))
	if err != nil {
		t.Fatal(err)
	}
	h.edit(cooler)
	h.poll(30 * time.Second)
	after, err := h.triggers.open(t.Context(), spec.OwnerOf(h.object()))
	if err != nil || after == before {
		t.Fatalf("the same triggers after the edit, or %v", err)
	}
	h.triggers.forget(spec.KeyOf(types.NamespacedName{Namespace: "shop", Name: "web"}))
	if h.closed != 2 || h.open() != 0 {
		t.Errorf("%d triggers are closed, %d clients are open", h.closed, h.open())
	}
	for i, set := range []*triggerSet{before, after} {
		if r := set.opened[0].read(t.Context(), 0); r.err != nil || r.sample.Value != 9 {
			t.Errorf("set %d: read %+v", i, r)
		}
		if n := h.open(); n != 0 {
			t.Errorf("%d clients are open after set %d was read", n, i)
		}
	}
}

// Whoever asked has gone and the object was edited, but the source has not answered yet: the client is closed
// after it has.
func TestAClientIsClosedAfterItsLastReading(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	reading, answer := make(chan struct{}), make(chan struct{})
	h.during = func() { close(reading); <-answer }
	set, err := h.triggers.open(t.Context(), spec.OwnerOf(h.object()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		set.opened[0].read(ctx, 0)
	}()
	<-reading
	h.mu.Lock()
	h.during = nil
	h.mu.Unlock()
	giveUp()
	<-asked
	old := h.clients.Clients()[0]
	h.edit(cooler)
	h.poll(30 * time.Second)
	if h.closed != 1 || !slices.Contains(h.clients.Clients(), old) {
		t.Fatalf("%d triggers are closed, and the client was while its source is asked", h.closed)
	}
	closed := make(chan struct{})
	h.clients.Close = func(c *queueClient) {
		if h.closes(c); c == old {
			close(closed)
		}
	}
	close(answer)
	<-closed
}

// The object is deleted after a request has found its entry, and before it has opened the triggers, as while another opens
// them: nobody will forget the entry again, so that nothing stays open.
func TestTriggersOfADeletedObjectAreClosed(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	key := spec.KeyOf(types.NamespacedName{Namespace: "shop", Name: "web"})
	e, _ := h.triggers.entry(key)
	h.triggers.forget(key)
	for range 2 {
		set, err := h.triggers.openIn(t.Context(), e, spec.OwnerOf(h.object()))
		if err != nil {
			t.Fatal(err)
		}
		if r := set.opened[0].read(t.Context(), 0); r.err != nil {
			t.Error(r.err)
		}
	}
	if h.closed != len(h.opened) || h.open() != 0 {
		t.Errorf("%d were opened, %d closed; %d clients are open", len(h.opened), h.closed, h.open())
	}
}

// The object is deleted, and forgotten, after a request has read it from the cache and before it has found its entry: no
// entry is left, and nothing is opened.
func TestARequestForADeletedObjectLeavesNothing(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	gone := false
	h.got = func(so *keda.ScaledObject) {
		if gone {
			return
		}
		gone = true
		h.remove(so.DeepCopy())
		h.triggers.forget(spec.KeyOf(client.ObjectKeyFromObject(so)))
	}
	if _, err := h.metric("s0-queue-a"); !apierrors.IsNotFound(err) || !gone {
		t.Errorf("the answer is %v", err)
	}
	if len(h.triggers.entries) != 0 || len(h.opened) != 0 {
		t.Errorf("%d entries are left, %d triggers were opened", len(h.triggers.entries), len(h.opened))
	}
}

// Requests, edits, polls and a deletion at the same time, for the race detector and the harness to judge. In the end
// all that was opened is closed.
func TestTriggersAreReopenedUnderRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, scaledObject(t, web))
		h.set("a", 9)
		key := spec.KeyOf(types.NamespacedName{Namespace: "shop", Name: "web"})
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
					if set, err := h.triggers.open(ctx, spec.OwnerOf(h.object())); err == nil {
						go giveUp() // before the answer, or after it
						set.opened[0].read(ctx, 0)
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
		if len(h.opened) < 100 || h.closed != len(h.opened) || h.open() != 0 {
			t.Errorf("%d were opened, %d closed; %d clients are open", len(h.opened), h.closed, h.open())
		}
	})
}

// Two objects of different kinds have one name: each has its own triggers, and the end of one leaves those and the series
// of the other.
func TestOwnersOfTwoKindsShareNoTriggers(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 9)
	h.poll(30 * time.Second)
	before := series(t, h.registry)
	mine := spec.OwnerOf(h.object())
	other := mine
	other.Kind, other.UID = "ScaledJob", "u2"
	set, err := h.triggers.open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.triggers.open(t.Context(), mine); err != nil || again == set {
		t.Errorf("both have the same triggers, or %v", err)
	}
	h.triggers.forget(other.OwnerKey)
	if h.closed != 1 || len(h.triggers.entries) != 1 {
		t.Errorf("%d triggers are closed, %d entries are left", h.closed, len(h.triggers.entries))
	}
	if after := series(t, h.registry); !slices.Equal(after, before) {
		t.Errorf("series before %q, after %q", before, after)
	}
}
