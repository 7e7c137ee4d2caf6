package clusterscaler

import (
	"maps"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// markUnneeded has the soft taints written as the plan says. It does not wait for that.
func (c *ClusterScaler) markUnneeded(p *plan.Plan, seen *observation) {
	going := maps.Clone(seen.deleting)
	for i := range p.ScaleDown {
		going[p.ScaleDown[i].Node] = true
	}
	var unneeded []string
	for i := range p.Unneeded {
		unneeded = append(unneeded, p.Unneeded[i].Node)
	}
	c.marks.Want(seen.Nodes, unneeded, going)
}

// recall takes from the marks of a process before this one since when nodes could go.
func (c *ClusterScaler) recall(seen *observation) {
	if ttl := c.cfg.NodeDeletionCandidateTtl.Std(); ttl > 0 && !c.recalled {
		c.memory.UnneededSince = kube.UnneededSince(seen.Nodes, ttl, c.deps.Now())
	}
	c.recalled = true
}
