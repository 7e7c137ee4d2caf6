package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// closest remembers, for classes that fit on no destination, the one that they come closest to fitting on.
type closest struct {
	to map[scheduling.Class]scheduling.NodeID
	// asked is how many nodes have been asked about.
	asked int
}

// maxAsked bounds how many nodes a loop asks about for its messages; in a large cluster it would take longer than to plan.
const maxAsked = 100_000

// noPlace are the facts of a pod that fits on no destination, one of so many that have to move: the node that it comes closest
// to fitting on, and what it lacks there. In a large cluster some verdicts have no such node.
func (r *removals) noPlace(pod *Pod, of int) []verdict.Fact {
	facts := []verdict.Fact{verdict.Text("pod", pod.Name), verdict.Number("pods to move", of)}
	id, found := r.closest.to[pod.Class]
	if found = found && !r.cluster.Hidden(id); !found && r.closest.asked < maxAsked {
		if id, found = r.findClosest(pod.Class); !found {
			return append(facts, verdict.Text("closest", "none: no other node is ready and stays"))
		}
		r.closest.to[pod.Class] = id
	}
	if !found {
		return facts
	}
	m := r.cluster.Fits(pod.Class, id)
	var more []verdict.Fact
	if m.Code == scheduling.HostPortTaken {
		more = r.holder(id, pod.Class)
	}
	return append(facts, verdict.Text("closest", r.s.Nodes[id].Name+" "+m.Verdict(verdict.Subject{}, more...).Message()))
}

// findClosest asks about all destinations. Where several lack as much, it takes the first.
func (r *removals) findClosest(class scheduling.Class) (best scheduling.NodeID, found bool) {
	var least scheduling.Misfit
	for _, id := range r.destinations {
		if r.cluster.Hidden(id) {
			continue
		}
		r.closest.asked++
		if m := r.cluster.Fits(class, id); !m.OK() && (!found || m.Closer(&least)) {
			best, least, found = id, m, true
		}
	}
	return best, found
}

// holder names the pod on the node that has the host port which one of the class wants.
func (r *removals) holder(id scheduling.NodeID, class scheduling.Class) []verdict.Fact {
	for pod := range r.podsOn(id) {
		if r.portsClash(class, pod.Class) {
			return []verdict.Fact{verdict.Text("held by", pod.Name)}
		}
	}
	return nil
}
