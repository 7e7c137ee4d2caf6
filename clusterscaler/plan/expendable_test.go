package plan

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// On random clusters the plan is the same as it is without the pods below the cutoff, but for what it says of pods that
// wait; and so is each recheck.
func TestExpendablePodsAreLeftOut(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	running, removed := 0, 0
	for i := range 2000 {
		s, p := randomSnapshot(r, now)
		for _, pod := range s.Pods {
			if r.IntN(3) == 0 {
				pod.Priority = p.ExpendablePodsPriorityCutoff - 1 - r.Int32N(5)
			}
		}
		without := *s
		without.Pods = slices.DeleteFunc(slices.Clone(s.Pods), func(pod *Pod) bool {
			expendable := pod.Priority < p.ExpendablePodsPriorityCutoff
			if expendable && pod.State == Bound {
				running++
			}
			return expendable
		})
		with, memory := Decide(s, Memory{}, p, now)
		with.Pending = slices.DeleteFunc(with.Pending, func(pod PendingPod) bool { return pod.Verdict.Code == Expendable })
		if len(with.Pending) == 0 {
			with.Pending = nil
		}
		want, wantMemory := Decide(&without, Memory{}, p, now)
		if len(want.Pending) == 0 {
			want.Pending = nil
		}
		if !reflect.DeepEqual(with, want) || !reflect.DeepEqual(memory, wantMemory) {
			t.Fatalf("case %d: planned\n%s\nwithout them\n%s", i, render(with, memory, now), render(want, wantMemory, now))
		}
		for _, removal := range want.ScaleDown {
			a, v := Recheck(goingNow(s, removal.Node), Memory{}, p, now, removal.Node)
			b, w := Recheck(goingNow(&without, removal.Node), Memory{}, p, now, removal.Node)
			if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(v, w) {
				t.Fatalf("case %d: the recheck of %s gives %s, without them %s", i, removal.Node, v, w)
			}
			removed++
		}
	}
	if running < 2000 || removed < 500 {
		t.Errorf("the cases hardly test anything: %d pods below the cutoff run, %d nodes removed", running, removed)
	}
}
