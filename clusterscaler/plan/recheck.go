package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// StillRemovable judges, on a fresh snapshot, a node whose removal has begun: its pods may go and fit
// elsewhere. Utilization, timers and limits were judged before and are not asked again. The verdict has
// the code Unneeded when it holds, else the reason to give the node back.
func StillRemovable(s *Snapshot, p Policy, now time.Time, node string) (Removal, verdict.Verdict) {
	subject := verdict.On("node", node)
	spares(s, &p) // their classes must be known before the cluster is
	d := newKept(s, p, now).decision(s, Memory{}, p, now)
	d.addUpcoming()
	d.placePending()
	d.plan.Nodes = make([]NodeVerdict, len(s.Nodes))
	id, stands := d.kept.ids[node]
	n := Node{}
	if stands {
		n = *s.Nodes[id]
	}
	g, ours := d.byGroup[n.Group]
	switch {
	case !stands || !ours:
		return Removal{}, verdict.Because(subject, NotAutoscaled)
	case n.Keep:
		return Removal{}, verdict.Because(subject, ScaleDownDisabledAnnotation)
	case d.groups[g].Target-d.groups[g].lost <= d.groups[g].Min:
		return Removal{}, verdict.Because(subject, NodeGroupMinSizeReached,
			verdict.Number("size", d.groups[g].Target-d.groups[g].lost), verdict.Number("min", d.groups[g].Min))
	}
	if stay := d.standing(n.Group) - d.groups[g].deleting; stay > 0 && d.atomic(n.Group) {
		return Removal{}, verdict.Because(subject, AtomicScaleDownFailed, verdict.Number("nodes that stay", stay))
	}
	r := &removals{
		decision: d,
		drain:    newDrain(p, now, s.Budgets, noLimit(len(s.Budgets))),
		receives: map[simulate.NodeID]string{},
		from:     map[simulate.Class]int{},
	}
	r.order(nil)
	pods, code, facts := r.movable(id)
	if code != "" {
		return Removal{}, verdict.Because(subject, code, facts...)
	}
	moves, lost := r.move(id, d.withoutReplaced(&n, pods))
	if lost != nil {
		return Removal{}, verdict.Because(subject, NoPlaceToMovePods, verdict.Text("pod", lost.Name))
	}
	return Removal{Node: node, Group: n.Group, Empty: len(pods) == 0, Moves: moves},
		verdict.Because(subject, Unneeded, verdict.Number("pods to move", len(pods)))
}

// standing is how many nodes the group has that have registered.
func (d *decision) standing(group string) (n int) {
	for _, node := range d.s.Nodes {
		if node.Group == group {
			n++
		}
	}
	return n
}

// withoutReplaced drops the pods that placePending has placed elsewhere already, and those whose
// deletion has begun, so that their replacement is among the pending.
func (d *decision) withoutReplaced(n *Node, pods []*Pod) []*Pod {
	unplaced := map[*Pod]bool{}
	for _, b := range d.batches {
		for _, p := range b.pods {
			unplaced[p] = true
		}
	}
	var out []*Pod
	for _, pod := range pods {
		if unplaced[pod] || (pod.Deleted.IsZero() && !(n.Deleting && replacementNeeded(pod))) {
			out = append(out, pod)
		}
	}
	return out
}
