package migrate

import "github.com/trimtab/trimtab/internal/migration"

func scaleDownFlags() []migration.Flag {
	const every = "Every node is judged in every loop, which takes milliseconds."
	return migration.InGroup(scaleDown, []migration.Flag{
		{Name: "scale-down-enabled", Default: "true", Setting: section + "scaleDownEnabled", Kind: migration.Bool, Remark: "cluster-autoscaler is to lose it; trimtab keeps it."},
		{Name: "scale-down-unready-enabled", Default: "true", Setting: section + "scaleDownUnreadyEnabled", Kind: migration.Bool},
		{Name: "scale-down-utilization-threshold", Default: "0.5", Setting: section + "scaleDownUtilizationThreshold", Kind: migration.Number, Convert: share},
		{Name: "scale-down-gpu-utilization-threshold", Default: "0.5", Setting: section + "scaleDownGpuUtilizationThreshold", Kind: migration.Number, Convert: share},
		{Name: "scale-down-unneeded-time", Default: "10m0s", Setting: section + "scaleDownUnneededTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "scale-down-unready-time", Default: "20m0s", Setting: section + "scaleDownUnreadyTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "scale-down-delay-after-add", Default: "10m0s", Setting: section + "scaleDownDelayAfterAdd", Kind: migration.Duration, Convert: span(0)},
		{Name: "scale-down-delay-after-delete", Default: "0s", Setting: section + "scaleDownDelayAfterDelete", Kind: migration.Duration, Convert: span(0)},
		{Name: "scale-down-delay-after-failure", Default: "3m0s", Setting: section + "scaleDownDelayAfterFailure", Kind: migration.Duration, Convert: span(0)},
		{Name: "scale-down-delay-type-local", Default: "false", Setting: section + "scaleDownDelayTypeLocal", Kind: migration.Bool},
		{Name: "max-scale-down-parallelism", Default: "10", Setting: section + "maxScaleDownParallelism", Kind: migration.Whole, Convert: count(1)},
		{Name: "max-empty-bulk-delete", Default: "10", Setting: section + "maxScaleDownParallelism", Kind: migration.Whole, Known: olderThan137, Convert: emptyBulk, Remark: "Unless `--max-scale-down-parallelism` is given."},
		{Name: "max-drain-parallelism", Default: "1", Setting: section + "maxDrainParallelism", Kind: migration.Whole, Convert: count(1)},
		{Name: "parallel-drain", Default: "true", Kind: migration.Bool, Known: olderThan137, Remark: "`maxDrainParallelism: 1`, the default, drains one node after the other."},
		{Name: "ignore-daemonsets-utilization", Default: "false", Setting: section + "ignoreDaemonsetsUtilization", Kind: migration.Bool},
		{Name: "ignore-mirror-pods-utilization", Default: "false", Setting: section + "ignoreMirrorPodsUtilization", Kind: migration.Bool},
		{Name: "unremovable-node-recheck-timeout", Default: "5m0s", Kind: migration.Duration, Remark: every},
		{Name: "scale-down-non-empty-candidates-count", Default: "30", Kind: migration.Whole, Remark: every},
		{Name: "scale-down-candidates-pool-ratio", Default: "0.1", Kind: migration.Number, Remark: every},
		{Name: "scale-down-candidates-pool-min-count", Default: "50", Kind: migration.Whole, Remark: every},
		{Name: "scale-down-simulation-timeout", Default: "30s", Kind: migration.Duration, Remark: every},
		{Name: "max-bulk-soft-taint-count", Default: "10", Setting: section + "maxBulkSoftTaintCount", Kind: migration.Whole, Convert: count(0)},
		{Name: "max-bulk-soft-taint-time", Default: "3s", Setting: section + "maxBulkSoftTaintTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "node-deletion-candidate-ttl", Default: "0s", Setting: section + "nodeDeletionCandidateTtl", Kind: migration.Duration, Convert: span(0)},
	})
}

func drainFlags() []migration.Flag {
	return migration.InGroup(drain, []migration.Flag{
		{Name: "skip-nodes-with-system-pods", Default: "true", Setting: section + "skipNodesWithSystemPods", Kind: migration.Bool},
		{Name: "skip-nodes-with-local-storage", Default: "true", Setting: section + "skipNodesWithLocalStorage", Kind: migration.Bool},
		{Name: "skip-nodes-with-custom-controller-pods", Default: "true", Setting: section + "skipNodesWithCustomControllerPods", Kind: migration.Bool},
		{Name: "blocking-system-pod-distruption-timeout", Default: "1h0m0s", Setting: section + "blockingSystemPodDistruptionTimeout", Kind: migration.Duration, Convert: span(0), Remark: "The spelling is the flag's."},
		{Name: "min-replica-count", Default: "0", Setting: section + "minReplicaCount", Kind: migration.Whole, Convert: replicas, Remark: "It counts with `--skip-nodes-with-custom-controller-pods` only, as in cluster-autoscaler. 0 and below keeps no node."},
		{Name: "max-graceful-termination-sec", Default: "600", Setting: section + "maxGracefulTerminationSec", Kind: migration.Whole, Convert: count(0)},
		{Name: "drain-priority-config", Setting: section + "drainPriorityConfig", Convert: evictionGroups, Remark: "`--max-graceful-termination-sec` does not count beside it, and cluster-autoscaler does not start with both."},
		{Name: "max-pod-eviction-time", Default: "2m0s", Setting: section + "maxPodEvictionTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "node-delete-delay-after-taint", Default: "5s", Setting: section + "nodeDeleteDelayAfterTaint", Kind: migration.Duration, Convert: span(0)},
		{Name: "dynamic-node-delete-delay-after-taint-enabled", Default: "false", Kind: migration.Bool, Remark: "The delay is what `nodeDeleteDelayAfterTaint` says, and the node is judged again after it."},
		{Name: "node-deletion-delay-timeout", Default: "2m0s", Setting: section + "nodeDeletionDelayTimeout", Kind: migration.Duration, Convert: span(0), Remark: "For the annotations `delay-deletion.cluster-autoscaler.kubernetes.io/`."},
		{Name: "node-deletion-batcher-interval", Default: "0s", Setting: section + "nodeDeletionBatcherInterval", Kind: migration.Duration, Convert: span(0), Remark: "When the nodes of a batch cannot be deleted together, each is tried alone."},
		{Name: "cordon-node-before-terminating", Default: "true", Kind: migration.Bool, Convert: migration.Nothing, Remark: "A node that goes is tainted, and not cordoned, whatever the flag says ([d-cordon](#d-cordon))."},
		{Name: "daemonset-eviction-for-occupied-nodes", Default: "true", Setting: section + "daemonsetEvictionForOccupiedNodes", Kind: migration.Bool, Remark: "The pods' annotation counts as well."},
		{Name: "daemonset-eviction-for-empty-nodes", Default: "false", Setting: section + "daemonsetEvictionForEmptyNodes", Kind: migration.Bool, Remark: "The pods' annotation counts as well."},
		{Name: "force-delete-unregistered-nodes", Default: "false", Setting: section + "forceDeleteUnregisteredNodes", Kind: migration.Bool},
		{Name: "force-delete-failed-nodes", Default: "false", Kind: migration.Bool, NotYet: true, Remark: "Instances that fail to start are given up whatever the minimum is; their group is backed off."},
	})
}

func failureFlags() []migration.Flag {
	return migration.InGroup(failures, []migration.Flag{
		{Name: "max-node-provision-time", Default: "15m0s", Setting: section + "maxNodeProvisionTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "max-node-startup-time", Default: "15m0s", Setting: section + "maxNodeStartupTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "initial-node-group-backoff-duration", Default: "5m0s", Setting: section + "initialNodeGroupBackoffDuration", Kind: migration.Duration, Convert: span(0)},
		{Name: "max-node-group-backoff-duration", Default: "30m0s", Setting: section + "maxNodeGroupBackoffDuration", Kind: migration.Duration, Convert: span(0)},
		{Name: "node-group-backoff-reset-timeout", Default: "3h0m0s", Setting: section + "nodeGroupBackoffResetTimeout", Kind: migration.Duration, Convert: span(0)},
		{Name: "node-group-remove-persistent-error-backoff-early", Default: "true", Kind: migration.Bool, Known: olderThan137, Remark: "A back-off ends when its time is over."},
		{Name: "ok-total-unready-count", Default: "3", Setting: section + "okTotalUnreadyCount", Kind: migration.Whole, Convert: count(0)},
		{Name: "max-total-unready-percentage", Default: "45", Setting: section + "maxTotalUnreadyPercentage", Kind: migration.Number, Convert: percentage},
		{Name: "unready-nodes-scope", Default: "cluster", Known: newerThan137, NotYet: true, Remark: "It is the cluster, and each group for its own growth."},
	})
}
