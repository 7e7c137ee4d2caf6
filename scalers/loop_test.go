package scalers

import (
	"context"
	"fmt"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/poll"
)

// The polls of a thousand objects that appear together are spread over the interval, and each keeps
// its phase however late a round is.
func TestPollsAreSpread(t *testing.T) {
	const interval, slots = 30 * time.Second, 10
	start := time.Unix(1_700_000_000, 123)
	counts := make([]int, slots)
	for i := range 1000 {
		uid := types.UID(fmt.Sprintf("object-%d", i))
		first := start.Add(untilNext(start, interval, uid))
		if wait := first.Sub(start); wait <= 0 || wait > interval {
			t.Fatalf("%s waits %s", uid, wait)
		}
		counts[int64(first.Sub(start))*slots/int64(interval+1)]++
		late := first.Add(7 * time.Second)
		if next := late.Add(untilNext(late, interval, uid)); next.Sub(first) != interval {
			t.Fatalf("%s was late and then polled %s after", uid, next.Sub(first))
		}
	}
	for slot, n := range counts {
		if n < 60 || n > 140 {
			t.Errorf("slot %d of %d has %d of 1000 polls", slot, slots, n)
		}
	}
}

// Run decides on every object there is, one broken among them, and ends with its context.
func TestRunDecidesOnEachObjectAndEnds(t *testing.T) {
	broken := scaledObject(t, web)
	broken.Name, broken.UID, broken.Spec.Triggers[0].Type = "broken", "u2", "kafka"
	h := newHarness(t, scaledObject(t, web), broken)
	h.set("a", 4)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	var got []string
	for range 3 {
		select {
		case e := <-h.recorder.Events:
			got = append(got, e)
		case <-ctx.Done():
			t.Fatalf("events %q", got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if h.replicas["web"] != 1 {
		t.Errorf("web has %d replicas; events %q", h.replicas["web"], got)
	}
}

func TestOnlyChangesThatMatterQueueAnObject(t *testing.T) {
	h := newHarness(t)
	so := scaledObject(t, web)
	owned := hpa.Build(so, nil)
	for name, c := range map[string]struct {
		tell   func()
		queued int
	}{
		"a new object":        {func() { h.loop.changed(nil, so) }, 1},
		"its status":          {func() { n := so.DeepCopy(); n.Status.HpaName = "x"; h.loop.changed(so, n) }, 0},
		"its generation":      {func() { n := so.DeepCopy(); n.Generation++; h.loop.changed(so, n) }, 1},
		"an annotation":       {func() { n := so.DeepCopy(); n.Annotations = map[string]string{"a": "b"}; h.loop.changed(so, n) }, 1},
		"a new incarnation":   {func() { n := so.DeepCopy(); n.UID = "u9"; h.loop.changed(so, n) }, 1},
		"an HPA of it is new": {func() { h.loop.hpaChanged(nil, owned) }, 1},
		"its HPA was edited":  {func() { n := owned.DeepCopy(); n.Spec.MaxReplicas = 3; h.loop.hpaChanged(owned, n) }, 1},
		"its HPA counted":     {func() { n := owned.DeepCopy(); n.Status.CurrentReplicas = 3; h.loop.hpaChanged(owned, n) }, 0},
		"its HPA lost its metric": {func() {
			n := owned.DeepCopy()
			n.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "X"}}
			h.loop.hpaChanged(owned, n)
		}, 1},
		"the HPA of another": {func() {
			n := owned.DeepCopy()
			n.OwnerReferences[0].Kind = "Rollout"
			n.Spec.MaxReplicas = 3
			h.loop.hpaChanged(owned, n)
		}, 0},
	} {
		h.loop = newLoop(t.Context(), h.Scalers)
		c.tell()
		load := h.loop.polls.Load()
		if n := load.Rounds[poll.Queued]; n != c.queued || n == 1 && load.Oldest != client.ObjectKeyFromObject(so) {
			t.Errorf("%s: %d are queued, %s among them, want %d", name, n, load.Oldest, c.queued)
		}
	}
}

func TestADeletedObjectIsForgotten(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.poll(0)
	informer, err := h.handlers.FakeInformerFor(t.Context(), &keda.ScaledObject{})
	if err != nil {
		t.Fatal(err)
	}
	so := h.object()
	if err := h.client.Delete(t.Context(), so); err != nil {
		t.Fatal(err)
	}
	informer.Delete(so)
	h.poll(time.Second)
	if len(h.triggers.entries) != 0 || len(h.loop.memories) != 0 || h.closed != 1 {
		t.Errorf("kept %d triggers, %d memories; %d closed", len(h.triggers.entries), len(h.loop.memories), h.closed)
	}
}
