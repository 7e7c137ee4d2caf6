package plan

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// On random clusters, when the planned nodes have come and the pods run where the plan has placed them, the next loop adds
// no node for those pods and takes none of the new ones away.
func TestPlansAreFixpoints(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	grown, several := 0, 0
	for i := range 15000 {
		s, policy := randomSnapshot(r, now)
		policy.ScaleDownEnabled = false // with its timers, nothing is removed in a loop that grows a group
		first, memory := Decide(s, Memory{}, policy, now)
		policy.ScaleDownEnabled = true
		if len(first.ScaleUp) == 0 || tangled(s) {
			continue
		}
		grown++
		if len(first.ScaleUp) > 1 {
			several++
		}
		after := asPlanned(come(asPlanned(s, memory), &first, now), memory)
		if pending := promised(after, &first); pending != "" {
			t.Fatalf("case %d: %s does not run:\n%s\n%s", i, pending, drawn(s, policy), render(first, memory, now))
		}
		next, memory := Decide(after, memory, policy, now.Add(time.Minute))
		if problem := changes(s, &first, &next); problem != "" {
			t.Fatalf("case %d: %s\n%s\n%s\nthen\n%s\n%s", i, problem, drawn(s, policy), render(first, memory, now), drawn(after, policy), render(next, memory, now))
		}
	}
	t.Logf("%d plans grow, %d of them several groups", grown, several)
	if grown < 2000 || several < 300 {
		t.Errorf("the cases hardly plan anything: %d grow, %d several groups", grown, several)
	}
}

// spreadOverHosts is whether pods are spread over host names. Each node that comes is one more domain for them, so that it
// matters how many have come when the scheduler places a pod.
func spreadOverHosts(s *Snapshot) bool {
	for i := range s.Classes.Len() {
		for _, t := range s.Classes.Spec(scheduling.Class(i)).TopologySpread {
			if t.TopologyKey == "kubernetes.io/hostname" {
				return true
			}
		}
	}
	return false
}

// tangled is whether it matters on which node of a group a pod runs, which a plan does not keep, or whether pods count for a
// spread that is not theirs: once the spread pods run, others may leave their zone.
func tangled(s *Snapshot) bool {
	for i := range s.Classes.Len() {
		spec := s.Classes.Spec(scheduling.Class(i))
		for _, t := range spec.PodAffinity {
			if t.TopologyKey == "kubernetes.io/hostname" {
				return true
			}
		}
		for _, t := range spec.TopologySpread {
			for j := range s.Classes.Len() {
				if j != i && s.Classes.Spec(scheduling.Class(j)).Labels["app"] == t.Pods.All[0].Values[0] {
					return true
				}
			}
		}
	}
	return spreadOverHosts(s)
}

// asPlanned binds the pods in the order and to the nodes that the plan had for them.
func asPlanned(s *Snapshot, m Memory) *Snapshot {
	out := *s
	out.Pods = slices.Clone(s.Pods)
	c := scheduling.NewCluster(s.Classes)
	ids := map[string]scheduling.NodeID{}
	for _, n := range s.Nodes {
		ids[n.Name] = c.AddNode(&n.Node)
	}
	for _, pod := range s.Pods {
		if pod.State == Bound {
			c.Place(pod.Class, ids[pod.Node], 1)
		}
	}
	var waiting []int
	for i, pod := range out.Pods {
		if m.Planned[pod.Name] != nil && pod.State != Bound {
			waiting = append(waiting, i)
		}
	}
	slices.SortFunc(waiting, func(a, b int) int {
		return cmp.Compare(m.Planned[out.Pods[a].Name].Order, m.Planned[out.Pods[b].Name].Order)
	})
	for before := -1; len(waiting) != before; { // the scheduler tries again what was left over
		before = len(waiting)
		waiting = slices.DeleteFunc(waiting, func(i int) bool {
			pod := *out.Pods[i]
			then := m.Planned[pod.Name]
			for n, node := range s.Nodes {
				if then.Node != node.Name && (then.Group != node.Group || node.Created.Before(then.Since)) {
					continue
				}
				if c.Fill(pod.Class, scheduling.NodeID(n), 1) == 1 {
					pod.Node, pod.State, out.Pods[i] = node.Name, Bound, &pod
					return true
				}
			}
			return false
		})
	}
	return &out
}
