package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// StillRemovable judges, on a fresh snapshot, a node that is Deleting since its removal has begun: its pods may go and fit
// elsewhere. Utilization, timers, limits and headroom were judged before and are not asked again. The verdict has
// the code Unneeded when it holds, else the reason to give the node back.
//
// What Decide removes is still removable once all of these nodes are going, if nothing else has changed: both find places in the
// same order.
func StillRemovable(s *Snapshot, p Policy, now time.Time, node string) (Removal, verdict.Verdict) {
	subject := verdict.On("node", node)
	p.Headroom = nil
	d := newKept(s, p, now).decision(s, Memory{}, p, now)
	d.addUpcoming()
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
	if stay := d.standing(n.Group) - d.groups[g].deleting; stay > 0 && d.allOrNothing(n.Group) {
		return Removal{}, verdict.Because(subject, AtomicScaleDownFailed, verdict.Number("nodes that stay", stay))
	}
	r := &removals{decision: d, drain: newDrain(p, now, s.Budgets, noLimit(len(s.Budgets))), closest: closest{to: map[scheduling.Class]scheduling.NodeID{}}}
	pods, code, facts := r.movable(id)
	if code != "" {
		return Removal{}, verdict.Because(subject, code, facts...)
	}
	d.placePending(r.notMadeAnew()...)
	for _, b := range d.batches {
		if i := slices.IndexFunc(b.pods, func(pod *Pod) bool { return pod.Node == node }); i >= 0 {
			d.plan.Nodes = make([]NodeVerdict, len(s.Nodes))
			r.order(nil)
			return Removal{}, verdict.Because(subject, NoPlaceToMovePods, r.noPlace(b.pods[i], len(pods))...)
		}
	}
	return Removal{Node: node, Group: n.Group, Empty: len(pods) == 0},
		verdict.Because(subject, Unneeded, verdict.Number("pods to move", len(pods)))
}

// notMadeAnew are the pods of going nodes that have to move, and that no controller replaces. Decide found a place for them
// too.
func (r *removals) notMadeAnew() []*Pod {
	var out []*Pod
	for _, id := range r.kept.going {
		for pod := range r.podsOn(id) {
			if o, _ := r.drain.judge(pod); o == moves && pod.Owner == "" && pod.Deleted.IsZero() && pod.Constraint == "" {
				out = append(out, pod)
			}
		}
	}
	return out
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
