package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// utilization is the larger of the shares of CPU and memory that the pods on a node request, those
// that are about to run there included; of a node with GPUs the share of these alone. It is unknown where the node reports
// none of either.
//
// DaemonSet and mirror pods count, unless the policy ignores them: then they leave both the requests
// and the amount that these are measured against.
func (d *decision) utilization(id simulate.NodeID, p *Policy) (share float64, known bool) {
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

// tooUsed is that the node is used more than it may be when it goes, or an empty code.
func (d *decision) tooUsed(n *Node, p *Policy, used float64) (verdict.Code, []verdict.Fact) {
	if gpus(n) {
		if used > p.GPUUtilizationThreshold {
			return NotUnderutilized, d.keepFacts(verdict.Ratio("utilization", used), verdict.Text("of", gpuResource), verdict.Ratio("threshold", p.GPUUtilizationThreshold))
		}
	} else if used > p.UtilizationThreshold {
		return NotUnderutilized, d.keepFacts(verdict.Ratio("utilization", used), verdict.Ratio("threshold", p.UtilizationThreshold))
	}
	return "", nil
}

// gpus is whether the node offers GPUs. One that only a label says to have some, and that none can use, is worth what its CPU
// and memory are.
func gpus(n *Node) bool { return n.Allocatable.Other(gpuResource) > 0 }

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
		if pod.spare() {
			continue
		}
		request := d.s.Classes.Spec(pod.Class).Requests
		if (pod.Owner == daemonSetKind && ignores.daemonSets) || (pod.Mirror && ignores.mirrors) {
			available = available.Plus(request, -1)
			continue
		}
		requested = requested.Plus(request, 1)
	}
	switch { // devices that are claimed (DRA) and not requested would come first: the share of the fullest pool of the node
	case gpus(d.s.Nodes[id]):
		if available.Other(gpuResource) <= 0 {
			return use{measured: true, ignores: ignores}
		}
		return use{ratio(requested.Other(gpuResource), available.Other(gpuResource)), true, true, ignores}
	case available.MilliCPU <= 0 || available.Memory <= 0:
		return use{measured: true, ignores: ignores}
	}
	share := max(ratio(requested.MilliCPU, available.MilliCPU), ratio(requested.Memory, available.Memory))
	return use{share, true, true, ignores}
}
