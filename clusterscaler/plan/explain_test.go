package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// explained is what is said about a pod or node of the scenario.
func explained(t *testing.T, scenario, kind, name string) string {
	t.Helper()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b := newBuilder(t, now, Memory{})
	for line := range strings.Lines(scenario) {
		b.line(line)
	}
	s := b.snapshot()
	var e Explanation
	var known bool
	var planner Planner
	plan, _ := planner.Decide(s, b.memory, b.policy, now)
	if kind == "pod" {
		reasons := func() Reasons { return planner.Reasons(s, b.memory, b.policy, now) }
		e, known = ExplainPod(s, &plan, reasons, b.policy, now, name)
	} else {
		e, known = ExplainNode(s, &plan, b.policy, now, name)
	}
	if !known {
		return "unknown"
	}
	var out strings.Builder
	fmt.Fprintln(&out, e.Verdict)
	if e.Group != "" {
		fmt.Fprintln(&out, "group", e.Group)
	}
	for _, v := range append(e.Groups, e.Pods...) {
		fmt.Fprintln(&out, "-", v)
	}
	for _, m := range e.Moves {
		fmt.Fprintln(&out, "-", m.Pod, "to", m.To)
	}
	return out.String()
}

const explainScenario = `
group big cpu=16 memory=64Gi
group gpu cpu=8 memory=32Gi taints=gpu
group small cpu=4 memory=16Gi
group tiny cpu=1 memory=4Gi
node s1 group=small
node s2 group=small
node s3 group=small deleting
budget shop/none allowed=0
pod shop/full cpu=3 on=s1
pod shop/light cpu=1 on=s2
pod shop/agent cpu=100m on=s2 owner=DaemonSet
pod shop/done cpu=100m on=s2 deleted=10m
pod shop/kept cpu=100m on=s1 budget=shop/none
pod shop/batch cpu=100m on=s1 evict=on-completion
pod shop/cheap cpu=100m on=s1 priority=-20 owner=none
pod shop/disk cpu=100m on=s1 constraint=volume_data
pod shop/web cpu=3500m
pod shop/huge cpu=64
pod shop/young cpu=3500m delay=1h
pod shop/soon cpu=1 nominated=s1
remember unneeded s2=1m
`

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, name, want string }{
		{"pod", "shop/web", `pod shop/web: TriggeredScaleUp: group small, from 3, to 4, max 10
group small
- group big: NotChosen: waste 89.1%, chosen small, with waste 56.3%
- group gpu: TaintNotTolerated: taint gpu:NoSchedule
- group small: ScaledUpGroup: from 3, to 4, for pods 1, waste 56.3%, options 2
- group tiny: InsufficientCPU: need 3500m, free 1000m
`},
		{"pod", "shop/huge", `pod shop/huge: NotTriggerScaleUp: groups big InsufficientCPU: need 64000m, free 16000m; gpu TaintNotTolerated: taint gpu:NoSchedule; small InsufficientCPU: need 64000m, free 4000m; tiny InsufficientCPU: need 64000m, free 1000m
- group big: InsufficientCPU: need 64000m, free 16000m
- group gpu: TaintNotTolerated: taint gpu:NoSchedule
- group small: InsufficientCPU: need 64000m, free 4000m
- group tiny: InsufficientCPU: need 64000m, free 1000m
`},
		{"pod", "shop/nobody", "unknown"},
		{"pod", "shop/young", "pod shop/young: YoungerThanDelay: age 1m0s, delay 1h0m0s\n"},
		{"pod", "shop/soon", "pod shop/soon: WaitsForNode: node s1\n"},
		{"node", "s1", `node s1: NotUnderutilized: utilization 107.5%, threshold 50%
group small
- pod shop/full: MovesWithNode: node s1
- pod shop/kept: BlockedByPod: node s1, rule NotEnoughPdb, budget shop/none
- pod shop/batch: BlockedByOnCompletionPod: node s1
- pod shop/cheap: EndsWithNode: node s1, priority -20, cutoff -10
- pod shop/disk: ConstraintNotModelled: node s1, constraint volume data
`},
		{"node", "s2", `node s2: NoPlaceToMovePods: pod shop/light, pods to move 1, closest s1 InsufficientCPU: need 1000m, free -300m
group small
- pod shop/light: MovesWithNode: node s2
- pod shop/agent: EndsWithNode: node s2
- pod shop/done: EndsWithNode: node s2
`},
		{"node", "s3", "node s3: CurrentlyBeingDeleted\ngroup small\n"},
		{"node", "s9", "unknown"},
	} {
		if got := explained(t, explainScenario, c.kind, c.name); got != c.want {
			t.Errorf("%s %s:\n%s\nwant\n%s", c.kind, c.name, got, c.want)
		}
	}
	// A pod of a node has the same verdict when it is asked for itself.
	for _, pod := range []string{"full", "kept", "batch", "disk", "cheap"} {
		if got, node := explained(t, explainScenario, "pod", "shop/"+pod), explained(t, explainScenario, "node", "s1"); !strings.Contains(node, "- "+got) {
			t.Errorf("%s: %q is not in %q", pod, got, node)
		}
	}
	moving := explained(t, "group a cpu=4 memory=16Gi\nnode a1 group=a\nnode a2 group=a\npod x/p cpu=1 on=a1\npod x/q cpu=3 on=a2", "node", "a1")
	if want := "- pod x/p: MovesWithNode: node a1\n- x/p to a2\n"; !strings.HasSuffix(moving, want) {
		t.Errorf("a node that is not needed: %q, want %q at its end", moving, want)
	}
}

// Reasons are found once for a plan: to explain one pod more, or the same again, costs next to nothing, however large the
// cluster is.
func TestExplanationsAreCheap(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s, policy := largeCluster(0.02, now), DefaultPolicy()
	var planner Planner
	plan, _ := planner.Decide(s, Memory{}, policy, now)
	var reasons Reasons
	found := 0
	once := func() Reasons {
		if reasons == nil {
			reasons, found = planner.Reasons(s, Memory{}, policy, now), found+1
		}
		return reasons
	}
	allocated := testing.AllocsPerRun(100, func() {
		if e, known := ExplainPod(s, &plan, once, policy, now, plan.Pending[0].Pod); !known || e.Code != TriggeredScaleUp || len(e.Groups) != len(s.Groups) {
			t.Fatalf("known %t, %+v", known, e)
		}
	})
	if allocated > 50 || found != 1 {
		t.Errorf("%v allocations, reasons found %d times", allocated, found)
	}
}
