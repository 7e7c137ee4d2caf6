package config

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/evict"
)

// drainPoll is the time between two rounds of a drain.
const drainPoll = 2 * time.Second

// Drain is how nodes are drained. The configuration is valid.
func (c *Config) Drain() kube.DrainConfig {
	groups, _ := plan.ParseEvictionGroups(c.DrainPriorityConfig) // the configuration is valid
	return kube.DrainConfig{
		DelayAfterTaint:        c.NodeDeleteDelayAfterTaint.Std(),
		DeletionDelay:          c.NodeDeletionDelayTimeout.Std(),
		MaxPodEvictionTime:     c.MaxPodEvictionTime.Std(),
		MaxGracefulTermination: evict.Seconds(int64(c.MaxGracefulTerminationSec)),
		EvictionGroups:         groups,
		ExpendableBelow:        c.ExpendablePodsPriorityCutoff,
		DaemonSetsOfEmpty:      c.DaemonsetEvictionForEmptyNodes,
		DaemonSetsOfOccupied:   c.DaemonsetEvictionForOccupiedNodes,
		Poll:                   drainPoll,
	}
}

// NodeTaints are the taints that pass.
func (c *Config) NodeTaints() kube.NodeTaints {
	return kube.NodeTaints{Startup: c.StartupTaint, StartupPrefixes: c.StartupTaintPrefix, Status: c.StatusTaint}
}

// validateTaints finds keys that no taint has: a prefix that is empty would make every node one that has not started.
func (c *Config) validateTaints(ps *config.Problems) {
	for _, l := range []struct {
		path string
		keys []string
	}{{"startupTaint", c.StartupTaint}, {"statusTaint", c.StatusTaint}} {
		for i, key := range l.keys {
			if problems := validation.IsQualifiedName(key); len(problems) > 0 {
				ps.Add(fmt.Sprintf("%s[%d]", l.path, i), "%q is not the key of a taint: %s", key, problems[0])
			}
		}
	}
	for i, prefix := range c.StartupTaintPrefix {
		if prefix == "" {
			ps.Add(fmt.Sprintf("startupTaintPrefix[%d]", i), "is empty, with which every taint begins; leave it out")
		}
	}
}
