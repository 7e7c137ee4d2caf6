package plan

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// goingNow is the snapshot after the removal of these nodes has begun: each has the taint.
func goingNow(s *Snapshot, nodes ...string) *Snapshot {
	out := *s
	out.Nodes = slices.Clone(s.Nodes)
	for i, n := range s.Nodes {
		if slices.Contains(nodes, n.Name) {
			next := *n
			next.Deleting, next.Taints = true, append(slices.Clone(n.Taints), scheduling.Taint{Key: group.GoingTaint, Value: "1767268800", Effect: scheduling.NoSchedule})
			out.Nodes[i] = &next
		}
	}
	return &out
}

// moved is the snapshot with these pods where they were to move.
func moved(s *Snapshot, moves []Move) *Snapshot {
	out := *s
	out.Pods = slices.Clone(s.Pods)
	for _, m := range moves {
		i := slices.IndexFunc(s.Pods, func(pod *Pod) bool { return pod.Name == m.Pod })
		there := *s.Pods[i]
		there.Node, there.State = m.To, Bound
		out.Pods[i] = &there
	}
	return &out
}

// What Decide removes, a recheck removes too when all of these nodes have their taint and nothing else has changed.
// When only one of them has it yet, or some of the pods have moved already, others are placed first. Then it may
// fail to find the places once in a thousand times.
func TestWhatIsRemovedIsStillRemovable(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	judged, several, bare, unlucky := 0, 0, 0, 0
	for i := range 4000 {
		s, p := randomSnapshot(r, now)
		first, _ := Decide(s, Memory{}, p, now)
		if len(first.ScaleDown) == 0 || len(first.ScaleUp) > 0 { // a loop that grows removes nothing, unless timers are ignored
			continue
		}
		var all []string
		for _, removal := range first.ScaleDown {
			all = append(all, removal.Node)
		}
		drained := s
		for _, removal := range first.ScaleDown {
			fresh, v := Recheck(goingNow(s, all...), Memory{}, p, now, removal.Node)
			if v.Code != Unneeded || removal.Empty && !fresh.Empty {
				t.Fatalf("case %d: planned %+v (of %v), then empty %t, %s", i, removal, all, fresh.Empty, v)
			}
			for _, again := range []*Snapshot{goingNow(s, removal.Node), goingNow(drained, all...)} {
				if _, v := Recheck(again, Memory{}, p, now, removal.Node); v.Code != Unneeded {
					unlucky++
				}
			}
			judged++
			drained = moved(drained, removal.Moves)
		}
		if len(all) > 1 {
			several++
		}
		for _, pod := range s.Pods {
			if slices.Contains(all, pod.Node) && pod.Owner == "" {
				bare++
			}
		}
	}
	if unlucky > judged/1000 {
		t.Errorf("%d of %d removals judged again in between are refused", unlucky, judged)
	}
	if judged < 1500 || several < 300 || bare < 100 {
		t.Errorf("the cases hardly test anything: %d removals judged again, %d plans with several, %d bare pods moved", judged, several, bare)
	}
}
