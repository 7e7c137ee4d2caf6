package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// utilization is the share of a node that its pods request, pods that are about to run there included:
//
//   - of a node with GPUs, the share of its GPUs;
//   - else, of a node with devices for claims, the share of its fullest pool of devices;
//   - else the larger of the shares of CPU and memory.
//
// It is unknown if the node does not report what counts.
//
// DaemonSet and mirror pods count, unless the policy ignores them: then they leave both the requests
// and the amount that these are measured against. What they claim counts always.
func (r *removals) utilization(id scheduling.NodeID, p *Policy) use {
	if !gpus(r.s.Nodes[id]) {
		if taken := r.cluster.Devices(id); taken.Pool != "" {
			return use{share: taken.Share, of: taken.Pool, known: taken.Unknown == "", unknown: taken.Unknown}
		}
	}
	ignores := ignored{p.IgnoreDaemonSets, p.IgnoreMirrorPods}
	if len(r.arriving[id]) > 0 {
		return r.measure(id, ignores)
	}
	u := &r.kept.used[id]
	if !u.measured || u.ignores != ignores {
		*u = r.measure(id, ignores)
	}
	return *u
}

// tooUsed is that the node is used more than it may be when it goes, or an empty code.
func (r *removals) tooUsed(n *Node, p *Policy, u *use) (verdict.Code, []verdict.Fact) {
	threshold := p.UtilizationThreshold
	if gpus(n) {
		threshold = p.GPUUtilizationThreshold
	}
	switch {
	case u.share <= threshold:
		return "", nil
	case u.of != "":
		return NotUnderutilized, r.facts.keep(verdict.Ratio("utilization", u.share), verdict.Text("of", u.of), verdict.Ratio("threshold", threshold))
	default:
		return NotUnderutilized, r.facts.keep(verdict.Ratio("utilization", u.share), verdict.Ratio("threshold", threshold))
	}
}

// gpus is whether the node offers GPUs. One that only a label says to have some, and that none can use, is worth what its CPU
// and memory are.
func gpus(n *Node) bool { return n.Allocatable.Other(gpuResource) > 0 }

// ignored are the kinds of pods that do not count.
type ignored struct{ daemonSets, mirrors bool }

// use is what share of a node is requested, if it is known, once it has been measured.
type use struct {
	share float64
	// of is what else than CPU and memory it is the share of.
	of              string
	known, measured bool
	// unknown is why it is not known, where that is not plain.
	unknown string
	ignores ignored
}

func (r *removals) measure(id scheduling.NodeID, ignores ignored) use {
	available := r.cluster.Node(id).Allocatable
	var requested scheduling.Resources
	for pod := range r.podsOn(id) {
		if pod.spare() {
			continue
		}
		request := r.s.Classes.Spec(pod.Class).Requests
		if (pod.daemon() && ignores.daemonSets) || (pod.Mirror && ignores.mirrors) {
			available = available.Plus(request, -1)
			continue
		}
		requested = requested.Plus(request, 1)
	}
	switch {
	case gpus(r.s.Nodes[id]):
		if available.Other(gpuResource) <= 0 {
			return use{of: gpuResource, measured: true, ignores: ignores}
		}
		return use{share: ratio(requested.Other(gpuResource), available.Other(gpuResource)), of: gpuResource, known: true, measured: true, ignores: ignores}
	case available.MilliCPU <= 0 || available.Memory <= 0:
		return use{measured: true, ignores: ignores}
	}
	share := max(ratio(requested.MilliCPU, available.MilliCPU), ratio(requested.Memory, available.Memory))
	return use{share: share, known: true, measured: true, ignores: ignores}
}
