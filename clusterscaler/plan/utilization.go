package plan

import "github.com/trimtab/trimtab/clusterscaler/simulate"

// utilization is the larger of the shares of CPU and memory that the pods on a node request, those
// that are about to run there included. It is unknown where the node reports none of either.
//
// DaemonSet and mirror pods count, unless the policy ignores them: then they leave both the requests
// and the amount that these are measured against.
func (d *decision) utilization(id simulate.NodeID) (share float64, known bool) {
	if len(d.settled[id]) > 0 {
		u := d.measure(id)
		return u.share, u.known
	}
	u := &d.kept.used[id]
	if !u.measured {
		*u = d.measure(id)
	}
	return u.share, u.known
}

// use is what share of a node is requested, if it is known, once it has been measured.
type use struct {
	share           float64
	known, measured bool
}

func (d *decision) measure(id simulate.NodeID) use {
	available := d.cluster.Node(id).Allocatable
	var requested simulate.Resources
	for pod := range d.podsOn(id) {
		request := d.s.Classes.Spec(pod.Class).Requests
		if (pod.Owner == daemonSetKind && d.policy.IgnoreDaemonSets) || (pod.Mirror && d.policy.IgnoreMirrorPods) {
			available = available.Plus(request, -1)
			continue
		}
		requested = requested.Plus(request, 1)
	}
	if available.MilliCPU <= 0 || available.Memory <= 0 {
		return use{measured: true}
	}
	share := max(ratio(requested.MilliCPU, available.MilliCPU), ratio(requested.Memory, available.Memory))
	return use{share, true, true}
}
