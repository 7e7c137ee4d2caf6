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
func (d *decision) holder(id scheduling.NodeID, class scheduling.Class) []verdict.Fact {
	for pod := range d.podsOn(id) {
		if d.portsClash(class, pod.Class) {
			return []verdict.Fact{verdict.Text("held by", pod.Name)}
		}
	}
	return nil
}

// holderOnNew names what has that host port on each new node of the group.
func (d *decision) holderOnNew(g *groupState, class scheduling.Class) []verdict.Fact {
	for _, r := range g.Runs {
		switch {
		case !d.portsClash(class, r.Class):
		case r.DaemonSet == "":
			return []verdict.Fact{verdict.Text("held by", "a pod that runs on each node")}
		default:
			return []verdict.Fact{verdict.Text("held by", "DaemonSet "+r.DaemonSet)}
		}
	}
	for _, ds := range d.daemonSets(g) {
		if d.portsClash(class, ds.Class) {
			return []verdict.Fact{verdict.Text("held by", "DaemonSet "+ds.Name)}
		}
	}
	return nil
}

func (d *decision) portsClash(a, b scheduling.Class) bool {
	return d.s.Classes.Spec(a).PortsClash(d.s.Classes.Spec(b))
}
