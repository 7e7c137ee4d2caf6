package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Policy is what the user has set. The fields mirror cluster-autoscaler's flags of like names.
type Policy struct {
	// Expanders choose among options, each among those that the one before it found equal.
	Expanders []Expander
	// Priorities are those of the expander priority, in any order.
	Priorities []Priority
	// ExpendablePodsPriorityCutoff is the priority below which a pod counts for nothing: it triggers no growth, uses no room,
	// and keeps no node.
	ExpendablePodsPriorityCutoff int32
	NewPodScaleUpDelay           time.Duration
	// MaxNodesTotal bounds all nodes of the cluster, those of no group included; 0 is no bound.
	MaxNodesTotal int
	// MilliCores (thousandths of a core) and Memory (bytes) bound what all nodes of the cluster have together, those of
	// no group included: no growth exceeds the upper bound, no removal falls below the lower.
	MilliCores, Memory Range
	// GPUs bound in the same way the GPUs of some types, each once. GPULabel is the label of nodes that names the type;
	// empty for those of AWS, Google Cloud and Azure.
	GPUs     []Limit
	GPULabel string
	// BalanceSimilar lets groups with similar nodes grow evenly; BalancingIgnoreLabels are labels in which they may
	// differ, and BalancingLabels, if there are any, the only ones in which they must not.
	BalanceSimilar                         bool
	BalancingIgnoreLabels, BalancingLabels []string
	// Headroom is what room is kept for pods to come, each name once.
	Headroom []Headroom
	// ForceDaemonSets counts on new nodes of groups whose template is Live the DaemonSets, too, that suit them and do not run
	// on the example.
	ForceDaemonSets bool
	// EnforceMinSize grows groups that are smaller than their minimum.
	EnforceMinSize bool
	// MaxNodesPerScaleUp bounds what one group, or similar groups together, grow by in one loop.
	MaxNodesPerScaleUp int
	// OkTotalUnreadyCount nodes, and MaxTotalUnreadyPercentage of all, may be unready: where more are than both, nothing
	// is done; a group of which more are does not grow.
	OkTotalUnreadyCount       int
	MaxTotalUnreadyPercentage float64
	// Policy is how long what is waited for of the cloud.
	fleet.Policy
	// MaxNodeStartupTime is how long a node that has registered may take to become ready.
	MaxNodeStartupTime   time.Duration
	ScaleDownEnabled     bool
	UnreadyEnabled       bool
	UtilizationThreshold float64
	// GPUUtilizationThreshold is that of nodes with GPUs, of which only these count.
	GPUUtilizationThreshold float64
	UnneededTime            time.Duration
	UnreadyTime             time.Duration
	DelayAfterAdd           time.Duration
	DelayAfterDelete        time.Duration
	DelayAfterFailure       time.Duration
	// DelayTypeLocal lets each of the three delays hold for the nodes of the group alone that it is after.
	DelayTypeLocal        bool
	MaxParallelism        int
	MaxDrainParallelism   int
	IgnoreDaemonSets      bool // in the utilization
	IgnoreMirrorPods      bool // in the utilization
	SkipSystemPods        bool
	SkipLocalStorage      bool
	SkipCustomControllers bool
	// SystemPodTimeout is the age from which a kube-system pod without a budget no longer keeps its node.
	SystemPodTimeout time.Duration
	// IgnoreTimers plans as if every waiting time, cool-down and parallelism limit had passed.
	IgnoreTimers bool
}

// expendable is whether the pod is below the cutoff: it may be preempted at any time, and ends with its node.
func (p *Policy) expendable(pod *Pod) bool { return pod.Priority < p.ExpendablePodsPriorityCutoff }

// expendableFacts are the priority of such a pod, and the cutoff.
func (p *Policy) expendableFacts(pod *Pod) []verdict.Fact {
	return []verdict.Fact{verdict.Number("priority", pod.Priority), verdict.Number("cutoff", p.ExpendablePodsPriorityCutoff)}
}

// DefaultPolicy has cluster-autoscaler's defaults.
func DefaultPolicy() Policy {
	return Policy{
		Expanders:                    []Expander{LeastWaste},
		ExpendablePodsPriorityCutoff: -10,
		MilliCores:                   Range{Max: 320_000 * 1000},
		Memory:                       Range{Max: 6_400_000 << 30},
		MaxNodesPerScaleUp:           1000,
		OkTotalUnreadyCount:          3,
		MaxTotalUnreadyPercentage:    45,
		MaxNodeStartupTime:           15 * time.Minute,
		Policy: fleet.Policy{
			MaxNodeProvisionTime: 15 * time.Minute,
			MaxNodeDeletionTime:  5 * time.Minute,
			InitialBackoff:       5 * time.Minute,
			MaxBackoff:           30 * time.Minute,
			BackoffResetTimeout:  3 * time.Hour,
		},
		ScaleDownEnabled:        true,
		UnreadyEnabled:          true,
		UtilizationThreshold:    0.5,
		GPUUtilizationThreshold: 0.5,
		UnneededTime:            10 * time.Minute,
		UnreadyTime:             20 * time.Minute,
		DelayAfterAdd:           10 * time.Minute,
		DelayAfterFailure:       3 * time.Minute,
		MaxParallelism:          10,
		MaxDrainParallelism:     1,
		SkipSystemPods:          true,
		SkipLocalStorage:        true,
		SkipCustomControllers:   true,
		SystemPodTimeout:        time.Hour,
	}
}
