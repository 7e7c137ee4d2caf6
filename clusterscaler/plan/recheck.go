package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Recheck says on a fresh snapshot whether a node may still be removed, after its removal has begun and it is Deleting: its
// pods may go, and fit elsewhere. It does not ask again for utilization, timers, limits and headroom. The verdict has the code
// Unneeded if the node may go, else the reason to give it back. Of the Memory it uses what is known of the cloud.
//
// A node that Decide removes passes once all nodes of the plan are Deleting, if nothing else has changed: both find places in
// the same order.
func Recheck(s *Snapshot, m Memory, p Policy, now time.Time, node string) (Removal, verdict.Verdict) {
	subject := verdict.On("node", node)
	p.Headroom = nil
	l := newKept(s, p, now).loop(s, m, p, now)
	there := observe(l)
	id, stands := l.kept.ids[node]
	n := Node{}
	if stands {
		n = *s.Nodes[id]
	}
	at, ours := l.byGroup[n.Group]
	switch {
	case !stands || !ours:
		return Removal{}, verdict.Because(subject, NotAutoscaled)
	case n.Keep:
		return Removal{}, verdict.Because(subject, ScaleDownDisabledAnnotation)
	}
	g := &there.groups[at]
	if size := g.Target - g.lost; size <= g.Min {
		return Removal{}, verdict.Because(subject, NodeGroupMinSizeReached, verdict.Number("size", size), verdict.Number("min", g.Min))
	}
	if stay := l.standing(n.Group) - g.deleting; stay > 0 && g.Options.AllOrNothing {
		return Removal{}, verdict.Because(subject, AtomicScaleDownFailed, verdict.Number("nodes that stay", stay))
	}
	w := newWorld(l, &there)
	r := newRemovals(w, &growth{placed: placed{loop: l}}, newDrain(p, now, s.Budgets, noLimit(len(s.Budgets))))
	pods, code, facts := r.movable(id)
	if code != "" {
		return Removal{}, verdict.Because(subject, code, facts...)
	}
	needs := placePending(w, r.notMadeAnew()...)
	for _, b := range needs.batches {
		if i := slices.IndexFunc(b.pods, func(pod *Pod) bool { return pod.Node == node }); i >= 0 {
			r.arriving = needs.placed.onStanding()
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
			if o, _ := r.drain.drainable(pod); o == moves && pod.Owner == "" && pod.Deleted.IsZero() && pod.Constraint == "" {
				out = append(out, pod)
			}
		}
	}
	return out
}
