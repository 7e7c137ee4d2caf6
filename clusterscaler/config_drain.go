package clusterscaler

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// drainPoll is the time between two looks at the pods of a node that is being emptied.
const drainPoll = 2 * time.Second

// drain is how nodes are emptied. The configuration is valid.
func (c *Config) drain() kube.DrainConfig {
	groups, _ := plan.ParseEvictionGroups(c.DrainPriorityConfig) // the configuration is valid
	return kube.DrainConfig{
		DelayAfterTaint:        c.NodeDeleteDelayAfterTaint.Std(),
		DeletionDelay:          c.NodeDeletionDelayTimeout.Std(),
		MaxPodEvictionTime:     c.MaxPodEvictionTime.Std(),
		MaxGracefulTermination: time.Duration(c.MaxGracefulTerminationSec) * time.Second,
		EvictionGroups:         groups,
		DaemonSetsOfEmpty:      c.DaemonsetEvictionForEmptyNodes,
		DaemonSetsOfOccupied:   c.DaemonsetEvictionForOccupiedNodes,
		Poll:                   drainPoll,
	}
}
