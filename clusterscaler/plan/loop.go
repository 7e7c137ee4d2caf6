package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// loop is what one loop plans from. No stage changes it.
type loop struct {
	s      *Snapshot
	policy Policy
	now    time.Time
	// before is what the loops before have left.
	before Memory
	kept   *kept
	// start is the world with nothing on its way.
	start scheduling.Mark
	// policies are those of the groups, and byGroup finds a group by its name.
	policies []*Policy
	byGroup  map[string]int
	// known has for each of kept.groupNames the index of the group, -1 where there is none of that name.
	known []int
	// spares are the headrooms.
	spares []*spare
}

func (k *kept) loop(s *Snapshot, m Memory, policy Policy, now time.Time) *loop {
	l := &loop{s: s, policy: policy, now: now, before: m, kept: k, start: k.cluster.Mark(), byGroup: make(map[string]int, len(s.Groups)), spares: spares(s, &policy)}
	l.policies = make([]*Policy, 0, len(s.Groups))
	for i := range s.Groups {
		l.byGroup[s.Groups[i].Name] = i
		l.policies = append(l.policies, l.policy.with(&s.Groups[i].Options))
	}
	l.known = make([]int, len(k.groupNames))
	for i, name := range k.groupNames {
		l.known[i] = -1
		if g, ours := l.byGroup[name]; ours {
			l.known[i] = g
		}
	}
	return l
}

// groupOf is the index of the node's group, if it is of one.
func (l *loop) groupOf(id scheduling.NodeID) (g int, ours bool) {
	g = l.known[l.kept.groupOf[id]]
	return g, g >= 0
}

// policyOf is the policy for a node: that of its group, if it is of one.
func (l *loop) policyOf(id scheduling.NodeID) (p *Policy, ours bool) {
	if g, ours := l.groupOf(id); ours {
		return l.policies[g], true
	}
	return &l.policy, false
}

// allOrNothing is whether the group has all of its nodes or none.
func (l *loop) allOrNothing(group string) bool {
	g, ours := l.byGroup[group]
	return ours && l.s.Groups[g].Options.AllOrNothing
}

// starting is whether the node has registered and is expected to become ready.
func (l *loop) starting(id scheduling.NodeID) bool { return l.kept.stages[id] == stageStarting }

// runs is whether the node is ready, and offers all that it will.
func (l *loop) runs(id scheduling.NodeID) bool { return l.s.Nodes[id].Ready && !l.starting(id) }

// stands is whether the node has registered; the others are on their way.
func (l *loop) stands(id scheduling.NodeID) bool { return int(id) < len(l.s.Nodes) }

// empty is whether none of the pods that run on the node, or are about to, would have to leave it.
func (l *loop) empty(id scheduling.NodeID) bool {
	return !slices.ContainsFunc(l.kept.on[id], func(pod *Pod) bool { return !pod.fixed() })
}

// standing is how many registered nodes the group has. Nodes that the provider has accepted to delete do not count.
func (l *loop) standing(group string) (n int) {
	for _, node := range l.s.Nodes {
		if node.Group == group && !l.deleted(node) {
			n++
		}
	}
	return n
}

// sooner is the earlier of two times; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
