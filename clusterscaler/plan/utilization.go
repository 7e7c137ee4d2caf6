package plan

import "github.com/trimtab/trimtab/clusterscaler/simulate"

// utilization is the larger of the shares of CPU and memory that the pods on a node request, those
// that are about to run there included. It is unknown where the node reports none of either.
//
// DaemonSet and mirror pods count, unless the policy ignores them: then they leave both the requests
// and the amount that these are measured against.
func (d *decision) utilization(id simulate.NodeID) (share float64, known bool) {
	p := d.policyOf(d.s.Nodes[id])
	ignores := ignored{p.IgnoreDaemonSets, p.IgnoreMirrorPods}
	if len(d.settled[id]) > 0 {
		u := d.measure(id, ignores)
		return u.share, u.known
	}
	u := &d.kept.used[id]
	if !u.measured || u.ignores != ignores {
		*u = d.measure(id, ignores)
	}
	return u.share, u.known
}

// ignored are the kinds of pods that do not count.
type ignored struct{ daemonSets, mirrors bool }

// use is what share of a node is requested, if it is known, once it has been measured.
type use struct {
	share           float64
	known, measured bool
	ignores         ignored
}

func (d *decision) measure(id simulate.NodeID, ignores ignored) use {
	available := d.cluster.Node(id).Allocatable
	var requested simulate.Resources
	for pod := range d.podsOn(id) {
		request := d.s.Classes.Spec(pod.Class).Requests
		if (pod.Owner == daemonSetKind && ignores.daemonSets) || (pod.Mirror && ignores.mirrors) {
			available = available.Plus(request, -1)
			continue
		}
		requested = requested.Plus(request, 1)
	}
	if available.MilliCPU <= 0 || available.Memory <= 0 {
		return use{measured: true, ignores: ignores}
	}
	share := max(ratio(requested.MilliCPU, available.MilliCPU), ratio(requested.Memory, available.Memory))
	return use{share, true, true, ignores}
}
