package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// A ready node whose GPUs do not show yet counts as starting, and later as ready.
func TestNodesThatAwaitGPUsCountAsStarting(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for age, want := range map[string]Readiness{"2m": {Starting: 1}, "15m": {Ready: 1}} {
		b := newBuilder(t, now, Memory{})
		b.line("group a cpu=8 memory=32Gi gpu=4 labels=accelerator:t4")
		b.line("node a1 group=a cpu=8 memory=32Gi age=" + age)
		p, _ := Decide(b.snapshot(), b.memory, b.policy, now)
		if p.Readiness != want || p.States[0].Readiness != want {
			t.Errorf("%s old: %+v, in its group %+v, want %+v", age, p.Readiness, p.States[0].Readiness, want)
		}
	}
}

// How many GPUs a node that awaits some will offer follows what its group says, in a loop after others too.
func TestAwaitedGPUsFollowTheGroup(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b := newBuilder(t, now, Memory{})
	b.line("group a cpu=8 memory=32Gi gpu=1 labels=accelerator:t4 max=1")
	b.line("node a1 group=a cpu=8 memory=32Gi age=2m")
	b.line("pod ml/train cpu=1 gpu=2")
	s := b.snapshot()
	var planner Planner
	for _, step := range []struct {
		gpus int64
		want verdict.Code
	}{{1, NotTriggerScaleUp}, {2, FitsNow}, {1, NotTriggerScaleUp}} {
		s.Groups = slices.Clone(s.Groups)
		s.Groups[0].Template.Allocatable.Extended = []scheduling.Extended{{Name: gpuResource, Amount: step.gpus}}
		if p, _ := planner.Decide(s, Memory{}, b.policy, now); p.Pending[0].Verdict.Code != step.want {
			t.Errorf("%d GPUs: %v, want %s", step.gpus, p.Pending[0].Verdict, step.want)
		}
	}
}
