package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kwok"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// Config is the section clusterScaler. Each setting mirrors the flag of cluster-autoscaler of the same
// name, unless it says otherwise.
type Config struct {
	// Provider makes and removes nodes: kwok (default) or externalgrpc. Mirrors --cloud-provider.
	Provider string `yaml:"provider"`
	// Kwok has the node groups of the provider kwok. Mirrors --nodes.
	Kwok kwok.Config `yaml:"kwok"`
	// ExternalGrpc is where the server of the provider externalgrpc is, which names the groups. Mirrors the file of --cloud-config.
	ExternalGrpc *externalgrpc.Config `yaml:"externalGrpc"`
	// ScanInterval is the time between two loops; a pod that becomes unschedulable starts one at once. Default 10s.
	ScanInterval config.Duration `yaml:"scanInterval"`

	// Expander lists the rules that choose among groups, each among those that the one before found equal:
	// least-waste, most-pods, least-nodes, price, priority, random, grpc. Default [least-waste]. Ties go to the first name.
	Expander []string `yaml:"expander"`
	// GrpcExpanderUrl (HOST:PORT) and GrpcExpanderCert (the file of the certificate that vouches for it) are of the server
	// that the expander grpc asks. Defaults none.
	GrpcExpanderUrl  string `yaml:"grpcExpanderUrl"`
	GrpcExpanderCert string `yaml:"grpcExpanderCert"`
	// Namespace is where the ConfigMaps are: cluster-autoscaler-priority-expander of the expander priority, and that of the
	// status. Default kube-system.
	Namespace string `yaml:"namespace"`
	// WriteStatusConfigmap writes cluster-autoscaler's ConfigMap with the status, in Namespace, under StatusConfigMapName.
	// Defaults true and cluster-autoscaler-status.
	WriteStatusConfigmap bool   `yaml:"writeStatusConfigmap"`
	StatusConfigMapName  string `yaml:"statusConfigMapName"`
	// MaxNodesTotal bounds the nodes of the cluster, those of no group included. Default 0, no bound.
	MaxNodesTotal int `yaml:"maxNodesTotal"`
	// CoresTotal and MemoryTotal (in GiB) bound what all nodes of the cluster have together, as MIN:MAX: nothing grows
	// above the one, no node goes below the other. Defaults 0:320000 and 0:6400000.
	CoresTotal  string `yaml:"coresTotal"`
	MemoryTotal string `yaml:"memoryTotal"`
	// GpuTotal bounds in the same way the GPUs (nvidia.com/gpu) of some types, as TYPE:MIN:MAX. The type is what GpuLabel
	// says of a node; empty, the default, for the labels of AWS, Google Cloud and Azure.
	GpuTotal []string `yaml:"gpuTotal"`
	GpuLabel string   `yaml:"gpuLabel"`
	// BalanceSimilarNodeGroups lets groups with similar nodes, such as those of several zones, grow evenly. Default false.
	BalanceSimilarNodeGroups bool `yaml:"balanceSimilarNodeGroups"`
	// BalancingIgnoreLabel are further labels in which similar groups may differ; BalancingLabel, if it has any, are
	// the only ones in which they must not. Defaults none.
	BalancingIgnoreLabel []string `yaml:"balancingIgnoreLabel"`
	BalancingLabel       []string `yaml:"balancingLabel"`
	// EnforceNodeGroupMinSize grows groups that are smaller than their min. Default false.
	EnforceNodeGroupMinSize bool `yaml:"enforceNodeGroupMinSize"`
	// MaxNodesPerScaleup bounds the growth of a group in one loop. Default 1000.
	MaxNodesPerScaleup int `yaml:"maxNodesPerScaleup"`
	// NewPodScaleUpDelay is the age before which a pod triggers nothing. Default 0.
	NewPodScaleUpDelay config.Duration `yaml:"newPodScaleUpDelay"`
	// NodeInfoCacheExpireTime is how long a group that has no good node any more is known by the last. Default 87600h.
	NodeInfoCacheExpireTime config.Duration `yaml:"nodeInfoCacheExpireTime"`
	// ForceDs counts on new nodes DaemonSets, too, that suit them and do not run on the group's present ones. Default false.
	ForceDs bool `yaml:"forceDs"`
	// Headroom is room that is kept for pods to come. Default none.
	Headroom []Headroom `yaml:"headroom"`
	// ExpendablePodsPriorityCutoff is the priority below which a pod counts for nothing: it triggers no growth, uses no room,
	// keeps no node, and ends with it. Default -10.
	ExpendablePodsPriorityCutoff int32 `yaml:"expendablePodsPriorityCutoff"`
	// OkTotalUnreadyCount (3) nodes, and MaxTotalUnreadyPercentage (45) of all, may be unready: when more are than both
	// allow, nothing is done; a group of which more are does not grow.
	OkTotalUnreadyCount       int     `yaml:"okTotalUnreadyCount"`
	MaxTotalUnreadyPercentage float64 `yaml:"maxTotalUnreadyPercentage"`
	// MaxNodeProvisionTime is how long a requested node is waited for. Default 15m.
	MaxNodeProvisionTime config.Duration `yaml:"maxNodeProvisionTime"`
	// ForceDeleteUnregisteredNodes deletes instances that do not register in that time even where the group then has less than
	// its min. Default false.
	ForceDeleteUnregisteredNodes bool `yaml:"forceDeleteUnregisteredNodes"`
	// MaxNodeStartupTime is how long a registered node may take to become ready. Default 15m.
	MaxNodeStartupTime config.Duration `yaml:"maxNodeStartupTime"`
	// StartupTaint are the keys of taints that a node has until it has started, and StartupTaintPrefix what further such
	// keys begin with: a node that has one is not ready, and a new node is taken to lose them. Those count always that begin
	// with startup-taint.cluster-autoscaler.kubernetes.io/ or ignore-taint.cluster-autoscaler.kubernetes.io/. Defaults none.
	StartupTaint       []string `yaml:"startupTaint"`
	StartupTaintPrefix []string `yaml:"startupTaintPrefix"`
	// StatusTaint are the keys of taints that come and go on ready nodes, and that a new node is taken not to have. Those
	// count always that begin with status-taint.cluster-autoscaler.kubernetes.io/. Default none.
	StatusTaint []string `yaml:"statusTaint"`
	// InitialNodeGroupBackoffDuration is how long a group rests after it failed to grow (5m), twice as long
	// each time up to MaxNodeGroupBackoffDuration (30m), forgotten after NodeGroupBackoffResetTimeout (3h).
	InitialNodeGroupBackoffDuration config.Duration `yaml:"initialNodeGroupBackoffDuration"`
	MaxNodeGroupBackoffDuration     config.Duration `yaml:"maxNodeGroupBackoffDuration"`
	NodeGroupBackoffResetTimeout    config.Duration `yaml:"nodeGroupBackoffResetTimeout"`

	// ScaleDownEnabled lets nodes be removed. Default true.
	ScaleDownEnabled bool `yaml:"scaleDownEnabled"`
	// ScaleDownUnreadyEnabled lets nodes be removed that are not ready. Default true.
	ScaleDownUnreadyEnabled bool `yaml:"scaleDownUnreadyEnabled"`
	// ScaleDownUtilizationThreshold is the share of CPU and of memory up to which a node may go. Default 0.5.
	ScaleDownUtilizationThreshold float64 `yaml:"scaleDownUtilizationThreshold"`
	// ScaleDownGpuUtilizationThreshold is the same for the GPUs of a node that has some, of which nothing else counts then.
	// Default 0.5.
	ScaleDownGpuUtilizationThreshold float64 `yaml:"scaleDownGpuUtilizationThreshold"`
	// ScaleDownUnneededTime is how long a node must be unneeded before it goes. Default 10m.
	ScaleDownUnneededTime config.Duration `yaml:"scaleDownUnneededTime"`
	// ScaleDownUnreadyTime is the same for a node that is not ready. Default 20m.
	ScaleDownUnreadyTime config.Duration `yaml:"scaleDownUnreadyTime"`
	// ScaleDownDelayAfterAdd, AfterDelete and AfterFailure hold removals back after a group has grown (10m), a
	// node has gone (0) and a removal has failed (3m).
	ScaleDownDelayAfterAdd     config.Duration `yaml:"scaleDownDelayAfterAdd"`
	ScaleDownDelayAfterDelete  config.Duration `yaml:"scaleDownDelayAfterDelete"`
	ScaleDownDelayAfterFailure config.Duration `yaml:"scaleDownDelayAfterFailure"`
	// ScaleDownDelayTypeLocal lets each of the three delays hold for the nodes of the group alone that it is after. Default
	// false, for all nodes.
	ScaleDownDelayTypeLocal bool `yaml:"scaleDownDelayTypeLocal"`
	// MaxScaleDownParallelism bounds the nodes being removed (10), MaxDrainParallelism those of them with pods (1).
	MaxScaleDownParallelism int `yaml:"maxScaleDownParallelism"`
	MaxDrainParallelism     int `yaml:"maxDrainParallelism"`
	// NodeDeleteDelayAfterTaint lets the scheduler see the taint before the node is judged again. Default 5s.
	NodeDeleteDelayAfterTaint config.Duration `yaml:"nodeDeleteDelayAfterTaint"`
	// NodeDeletionDelayTimeout is how long a node without pods is kept as long as annotations ask for it that begin with
	// delay-deletion.cluster-autoscaler.kubernetes.io/; then it goes all the same. Default 2m.
	NodeDeletionDelayTimeout config.Duration `yaml:"nodeDeletionDelayTimeout"`
	// NodeDeletionBatcherInterval is how long nodes of a group that are ready to be deleted are collected, to be deleted
	// together. Default 0, each at once.
	NodeDeletionBatcherInterval config.Duration `yaml:"nodeDeletionBatcherInterval"`
	// MaxPodEvictionTime is how long an eviction may be refused before the node is given back. Default 2m.
	MaxPodEvictionTime config.Duration `yaml:"maxPodEvictionTime"`
	// MaxGracefulTerminationSec caps the grace of an evicted pod, in seconds; 0 caps nothing. Default 600.
	MaxGracefulTerminationSec int `yaml:"maxGracefulTerminationSec"`
	// DrainPriorityConfig evicts the pods of a node by groups of priorities, the lowest first, each with a cap of its own
	// on the grace in the place of MaxGracefulTerminationSec: PRIORITY:SECONDS,... such as 10000:20,1000:100,0:60. Default
	// empty, all at once.
	DrainPriorityConfig string `yaml:"drainPriorityConfig"`
	// DaemonsetEvictionForOccupiedNodes (true) and DaemonsetEvictionForEmptyNodes (false) evict pods of DaemonSets from a
	// node that goes, one with other pods to move and one without, unless the annotation
	// cluster-autoscaler.kubernetes.io/enable-ds-eviction of the pod says otherwise.
	DaemonsetEvictionForOccupiedNodes bool `yaml:"daemonsetEvictionForOccupiedNodes"`
	DaemonsetEvictionForEmptyNodes    bool `yaml:"daemonsetEvictionForEmptyNodes"`

	// MaxBulkSoftTaintCount (10) and MaxBulkSoftTaintTime (3s) bound what a loop writes to mark nodes that could go, or to
	// take the mark off: the taint DeletionCandidateOfClusterAutoscaler with the effect PreferNoSchedule. With a count of 0
	// no node is marked.
	MaxBulkSoftTaintCount int             `yaml:"maxBulkSoftTaintCount"`
	MaxBulkSoftTaintTime  config.Duration `yaml:"maxBulkSoftTaintTime"`
	// NodeDeletionCandidateTtl is the age up to which such marks, found at the start, tell since when a node could go.
	// Default 0, all nodes begin anew.
	NodeDeletionCandidateTtl config.Duration `yaml:"nodeDeletionCandidateTtl"`
	// IgnoreDaemonsetsUtilization and IgnoreMirrorPodsUtilization leave those pods out of the utilization. Default false.
	IgnoreDaemonsetsUtilization bool `yaml:"ignoreDaemonsetsUtilization"`
	IgnoreMirrorPodsUtilization bool `yaml:"ignoreMirrorPodsUtilization"`
	// SkipNodesWithSystemPods keeps nodes with pods of kube-system that have no budget. Default true.
	SkipNodesWithSystemPods bool `yaml:"skipNodesWithSystemPods"`
	// SkipNodesWithLocalStorage keeps nodes with pods that have local volumes. Default true.
	SkipNodesWithLocalStorage bool `yaml:"skipNodesWithLocalStorage"`
	// SkipNodesWithCustomControllerPods keeps nodes with pods of controllers that Kubernetes does not know. Default true.
	SkipNodesWithCustomControllerPods bool `yaml:"skipNodesWithCustomControllerPods"`
	// MinReplicaCount keeps nodes with pods of ReplicaSets and ReplicationControllers that are to have fewer replicas, with
	// SkipNodesWithCustomControllerPods. Default 0.
	MinReplicaCount int `yaml:"minReplicaCount"`
	// BlockingSystemPodDistruptionTimeout is the age from which a pod of kube-system no longer keeps its
	// node (the spelling is the flag's). Default 1h.
	BlockingSystemPodDistruptionTimeout config.Duration `yaml:"blockingSystemPodDistruptionTimeout"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	p := plan.DefaultPolicy()
	*c = Config{
		Provider:                            ProviderKwok,
		ScanInterval:                        config.Duration(10 * time.Second),
		Expander:                            []string{string(plan.LeastWaste)},
		CoresTotal:                          "0:320000",
		MemoryTotal:                         "0:6400000",
		Namespace:                           "kube-system",
		WriteStatusConfigmap:                true,
		StatusConfigMapName:                 "cluster-autoscaler-status",
		MaxNodesPerScaleup:                  p.MaxNodesPerScaleUp,
		NodeInfoCacheExpireTime:             config.Duration(87600 * time.Hour),
		ExpendablePodsPriorityCutoff:        p.ExpendablePodsPriorityCutoff,
		OkTotalUnreadyCount:                 p.OkTotalUnreadyCount,
		MaxTotalUnreadyPercentage:           p.MaxTotalUnreadyPercentage,
		MaxNodeProvisionTime:                config.Duration(p.MaxNodeProvisionTime),
		MaxNodeStartupTime:                  config.Duration(p.MaxNodeStartupTime),
		InitialNodeGroupBackoffDuration:     config.Duration(p.InitialBackoff),
		MaxNodeGroupBackoffDuration:         config.Duration(p.MaxBackoff),
		NodeGroupBackoffResetTimeout:        config.Duration(p.BackoffResetTimeout),
		ScaleDownEnabled:                    p.ScaleDownEnabled,
		ScaleDownUnreadyEnabled:             p.UnreadyEnabled,
		ScaleDownUtilizationThreshold:       p.UtilizationThreshold,
		ScaleDownGpuUtilizationThreshold:    p.GPUUtilizationThreshold,
		ScaleDownUnneededTime:               config.Duration(p.UnneededTime),
		ScaleDownUnreadyTime:                config.Duration(p.UnreadyTime),
		ScaleDownDelayAfterAdd:              config.Duration(p.DelayAfterAdd),
		ScaleDownDelayAfterFailure:          config.Duration(p.DelayAfterFailure),
		MaxScaleDownParallelism:             p.MaxParallelism,
		MaxDrainParallelism:                 p.MaxDrainParallelism,
		NodeDeleteDelayAfterTaint:           config.Duration(5 * time.Second),
		MaxBulkSoftTaintCount:               10,
		MaxBulkSoftTaintTime:                config.Duration(3 * time.Second),
		NodeDeletionDelayTimeout:            config.Duration(2 * time.Minute),
		MaxPodEvictionTime:                  config.Duration(2 * time.Minute),
		MaxGracefulTerminationSec:           600,
		DaemonsetEvictionForOccupiedNodes:   true,
		SkipNodesWithSystemPods:             p.SkipSystemPods,
		SkipNodesWithLocalStorage:           p.SkipLocalStorage,
		SkipNodesWithCustomControllerPods:   p.SkipCustomControllers,
		BlockingSystemPodDistruptionTimeout: config.Duration(p.SystemPodTimeout),
	}
}

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	c.validateProvider(&ps)
	if problems := validation.IsDNS1123Label(c.Namespace); len(problems) > 0 {
		ps.Add("namespace", "%q is not the name of a namespace: %s", c.Namespace, problems[0])
	}
	if problems := validation.IsDNS1123Subdomain(c.StatusConfigMapName); len(problems) > 0 {
		ps.Add("statusConfigMapName", "%q is not the name of a ConfigMap: %s", c.StatusConfigMapName, problems[0])
	}
	if c.ScanInterval.Std() < time.Second {
		ps.Add("scanInterval", "%s is below 1s", c.ScanInterval)
	}
	for _, t := range []struct {
		path  string
		value float64
	}{{"scaleDownUtilizationThreshold", c.ScaleDownUtilizationThreshold}, {"scaleDownGpuUtilizationThreshold", c.ScaleDownGpuUtilizationThreshold}} {
		config.Between(&ps, t.path, t.value, 0, 1)
	}
	config.Between(&ps, "maxTotalUnreadyPercentage", c.MaxTotalUnreadyPercentage, 0, 100)
	for _, n := range []struct {
		path         string
		value, least int
	}{
		{"maxNodesTotal", c.MaxNodesTotal, 0},
		{"okTotalUnreadyCount", c.OkTotalUnreadyCount, 0},
		{"maxNodesPerScaleup", c.MaxNodesPerScaleup, 1},
		{"maxScaleDownParallelism", c.MaxScaleDownParallelism, 1},
		{"maxDrainParallelism", c.MaxDrainParallelism, 1},
		{"minReplicaCount", c.MinReplicaCount, 0},
		{"maxBulkSoftTaintCount", c.MaxBulkSoftTaintCount, 0},
		{"maxGracefulTerminationSec", c.MaxGracefulTerminationSec, 0},
	} {
		if n.value < n.least {
			ps.Add(n.path, "%d is below %d", n.value, n.least)
		}
	}
	c.validateExpander(&ps)
	c.validateLimits(&ps)
	c.validateHeadroom(&ps)
	c.validateGrpcExpander(&ps)
	if _, err := plan.ParseEvictionGroups(c.DrainPriorityConfig); err != nil {
		ps.Add("drainPriorityConfig", "%v", err)
	}
	c.validateTaints(&ps)
	return ps
}

// Policy is the configuration in the core's terms.
func (c *Config) Policy() plan.Policy {
	p := plan.Policy{
		ExpendablePodsPriorityCutoff: c.ExpendablePodsPriorityCutoff,
		NewPodScaleUpDelay:           c.NewPodScaleUpDelay.Std(),
		MaxNodesTotal:                c.MaxNodesTotal,
		EnforceMinSize:               c.EnforceNodeGroupMinSize,
		BalanceSimilar:               c.BalanceSimilarNodeGroups,
		BalancingIgnoreLabels:        c.BalancingIgnoreLabel,
		BalancingLabels:              c.BalancingLabel,
		MaxNodesPerScaleUp:           c.MaxNodesPerScaleup,
		ForceDaemonSets:              c.ForceDs,
		OkTotalUnreadyCount:          c.OkTotalUnreadyCount,
		MaxTotalUnreadyPercentage:    c.MaxTotalUnreadyPercentage,
		MaxNodeStartupTime:           c.MaxNodeStartupTime.Std(),
		Policy: fleet.Policy{
			MaxNodeProvisionTime:    c.MaxNodeProvisionTime.Std(),
			MaxNodeDeletionTime:     plan.DefaultPolicy().MaxNodeDeletionTime, // cluster-autoscaler has no flag for it
			ForceDeleteUnregistered: c.ForceDeleteUnregisteredNodes,
			InitialBackoff:          c.InitialNodeGroupBackoffDuration.Std(),
			MaxBackoff:              c.MaxNodeGroupBackoffDuration.Std(),
			BackoffResetTimeout:     c.NodeGroupBackoffResetTimeout.Std(),
		},
		ScaleDownEnabled:        c.ScaleDownEnabled,
		UnreadyEnabled:          c.ScaleDownUnreadyEnabled,
		UtilizationThreshold:    c.ScaleDownUtilizationThreshold,
		GPUUtilizationThreshold: c.ScaleDownGpuUtilizationThreshold,
		GPUs:                    c.gpus(),
		Headroom:                c.headroom(),
		GPULabel:                c.GpuLabel,
		UnneededTime:            c.ScaleDownUnneededTime.Std(),
		UnreadyTime:             c.ScaleDownUnreadyTime.Std(),
		DelayAfterAdd:           c.ScaleDownDelayAfterAdd.Std(),
		DelayAfterDelete:        c.ScaleDownDelayAfterDelete.Std(),
		DelayAfterFailure:       c.ScaleDownDelayAfterFailure.Std(),
		DelayTypeLocal:          c.ScaleDownDelayTypeLocal,
		MaxParallelism:          c.MaxScaleDownParallelism,
		MaxDrainParallelism:     c.MaxDrainParallelism,
		IgnoreDaemonSets:        c.IgnoreDaemonsetsUtilization,
		IgnoreMirrorPods:        c.IgnoreMirrorPodsUtilization,
		SkipSystemPods:          c.SkipNodesWithSystemPods,
		SkipLocalStorage:        c.SkipNodesWithLocalStorage,
		SkipCustomControllers:   c.SkipNodesWithCustomControllerPods,
		SystemPodTimeout:        c.BlockingSystemPodDistruptionTimeout.Std(),
	}
	for _, e := range c.Expander {
		p.Expanders = append(p.Expanders, plan.Expander(e))
	}
	p.MilliCores, _ = parseRange(c.CoresTotal, 1000) // the configuration is valid
	p.Memory, _ = parseRange(c.MemoryTotal, 1<<30)
	return p
}

// parseRange reads MIN:MAX in that unit. A maximum of 0 is none at all, as for cluster-autoscaler, and not taken.
func parseRange(text string, unit int64) (plan.Range, error) {
	const most = 1 << 32 // of any unit; more would not fit into bytes
	low, high, found := strings.Cut(text, ":")
	least, err := strconv.ParseInt(low, 10, 64)
	upper, err2 := strconv.ParseInt(high, 10, 64)
	if !found || err != nil || err2 != nil || least < 0 || upper <= 0 || upper < least || upper > most {
		return plan.Range{}, fmt.Errorf("%q is not MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as 0:1000", text)
	}
	return plan.Range{Min: least * unit, Max: upper * unit}, nil
}
