package kube

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// A node that others need a moment longer is kept until they say so, or until the time is over.
func TestOthersAreAwaited(t *testing.T) {
	asks := annotationDelayDeletion + "backup"
	for _, c := range []struct {
		name, annotation string
		delay            time.Duration
		// slow is how long a look takes beside the ten seconds of the clock.
		slow time.Duration
		// after is the look at the node before which the annotation goes; 0: it stays.
		after, looks int
	}{
		{"nobody asks", "other", time.Hour, 0, 0, 1},
		{"it is not waited for", asks, 0, 0, 0, 0},
		{"they are done", asks, time.Hour, 0, 4, 4},
		{"the time is over", asks, time.Minute, 0, 0, 5},
		{"the time is over, and looks take long", asks, time.Minute, 15 * time.Second, 0, 2},
	} {
		n := testNode()
		n.Annotations = map[string]string{c.annotation: ""}
		r := newRig(t, n)
		looks := 0
		r.onGet = func(string) {
			r.now = r.now.Add(c.slow)
			if looks++; looks == c.after {
				r.release()
			}
		}
		r.drainer.cfg.DeletionDelay = c.delay
		if err := r.drainer.awaitOthers(context.Background(), "n1"); err != nil || looks != c.looks {
			t.Errorf("%s: %v, looked %d times, want %d", c.name, err, looks, c.looks)
		}
	}
	r := newRig(t)
	r.drainer.cfg.DeletionDelay = time.Second
	if err := r.drainer.awaitOthers(context.Background(), "n1"); err != nil {
		t.Errorf("a node that is gone: %v", err)
	}
}

// release takes all annotations from the node.
func (r *rig) release() {
	look := r.onGet
	r.onGet = func(string) {}
	now := r.node()
	now.Annotations = nil
	if err := r.api.Update(context.Background(), now); err != nil {
		r.t.Error(err)
	}
	r.onGet = look
}

// The wait is the last thing before the deletion: the pods have left by then.
func TestOthersAreAwaitedLast(t *testing.T) {
	n := testNode()
	n.Annotations = map[string]string{annotationDelayDeletion + "backup": ""}
	r := newRig(t, n, testPod("web", "ReplicaSet"))
	r.drainer.cfg.DeletionDelay = time.Minute
	r.onGet = func(string) {
		if len(r.deleted) == 0 && r.podNames() == "" {
			r.release()
		}
	}
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Group: "g"})
	if err := r.outcome(); err != nil || strings.Join(r.deleted, " ") != "g/n1" || r.podNames() != "" {
		t.Errorf("%v, deleted %v", err, r.deleted)
	}
	if r.node().Annotations != nil {
		t.Error("deleted while the annotation asked to wait")
	}
}
