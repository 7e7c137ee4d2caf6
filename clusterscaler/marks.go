package clusterscaler

import (
	"context"
	"maps"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// markUnneeded keeps the soft taints as the plan says. That it cannot is no reason to do anything else.
func (c *ClusterScaler) markUnneeded(ctx context.Context, p *plan.Plan, seen *observation) {
	going := maps.Clone(seen.deleting)
	for i := range p.ScaleDown {
		going[p.ScaleDown[i].Node] = true
	}
	var unneeded []string
	for i := range p.Unneeded {
		unneeded = append(unneeded, p.Unneeded[i].Node)
	}
	if err := c.marks.Update(ctx, seen.objects.Nodes, unneeded, going, c.deps.Now()); err != nil && ctx.Err() == nil {
		c.deps.Log.Warn("nodes could not be marked as ones that could go", "error", err)
	}
}

// recall takes from the marks of a process before this one since when nodes could go.
func (c *ClusterScaler) recall(seen *observation) {
	if ttl := c.cfg.NodeDeletionCandidateTtl.Std(); ttl > 0 && !c.recalled {
		c.memory.UnneededSince = kube.UnneededSince(seen.objects.Nodes, ttl, c.deps.Now())
	}
	c.recalled = true
}
