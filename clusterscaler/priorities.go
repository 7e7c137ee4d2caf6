package clusterscaler

import (
	"context"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// prioritiesTimeout bounds the look at the expander's priorities.
const prioritiesTimeout = 10 * time.Second

// policyNow is the policy of this loop: the expander's priorities are read anew each time. As long as they cannot be
// read, the last ones that could be hold; what is wrong is said once.
func (c *ClusterScaler) policyNow(ctx context.Context) plan.Policy {
	p := c.policy
	if !slices.Contains(p.Expanders, plan.Prioritize) {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, prioritiesTimeout)
	defer cancel()
	priorities, err := c.observer.Priorities(ctx, c.cfg.Namespace)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	} else {
		c.priorities = priorities
	}
	if trouble != c.prioritiesTrouble && trouble != "" {
		c.deps.Log.Error("the priorities of the expander cannot be read; the last ones hold, or none",
			"configmap", c.cfg.Namespace+"/"+kube.PrioritiesConfigMap, "error", err)
	}
	c.prioritiesTrouble = trouble
	p.Priorities = c.priorities
	return p
}
