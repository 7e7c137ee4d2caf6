package clusterscaler

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// decide makes the plan of a loop, and puts the plan's questions to the gRPC expander. While it is asked, the plan without
// an answer stands.
func (c *ClusterScaler) decide(ctx context.Context, seen *observation) *plan.Plan {
	if since, recalled := c.marks.Recall(seen.Nodes); recalled {
		c.memory.UnneededSince = since
	}
	policy := c.policy
	if slices.Contains(policy.Expanders, plan.Prioritize) {
		policy.Priorities = c.priorities.read(ctx, &c.observer, c.cfg.Namespace, c.deps.Log)
	}
	seen.Now = c.deps.Now()
	p, memory, err := c.last.decide(&seen.Observation, c.memory, policy)
	if err != nil {
		c.deps.Log.Error("pods with volumes or device claims are left alone", "error", err)
	}
	c.recheck.setExamples(c.last.translator.Examples())
	if p.Question != nil && c.expander != nil {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		for p.Question != nil {
			best, answered := c.expander.ask(ctx, c.last.options(p.Question))
			if !answered {
				break
			}
			p, memory = c.last.decideAgain(best)
		}
	}
	c.memory = memory
	return p
}
