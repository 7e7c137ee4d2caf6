package migrate

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/migration"
)

// The groups of flags, which are headings of the page.
const (
	nodeGroups   migration.Group = "Node groups"
	theLoop      migration.Group = "The loop"
	scaleUp      migration.Group = "Scale up"
	limits       migration.Group = "Limits"
	balancing    migration.Group = "Balancing"
	templates    migration.Group = "Templates and taints"
	scaleDown    migration.Group = "Scale down"
	drain        migration.Group = "Drain"
	failures     migration.Group = "Failures"
	requests     migration.Group = "Provisioning requests and buffers"
	kubernetes   migration.Group = "Kubernetes API"
	observation  migration.Group = "Status and metrics"
	logging      migration.Group = "Logging"
	section                      = "clusterScaler."
	olderThan137                 = "before 1.37"
	newerThan137                 = "after 1.37"
)

func flags() []migration.Flag {
	return slices.Concat(nodeGroupFlags(), loopFlags(), scaleUpFlags(), limitFlags(), balancingFlags(), templateFlags(),
		scaleDownFlags(), drainFlags(), failureFlags(), requestFlags(), kubernetesFlags(), observationFlags(), loggingFlags())
}

func nodeGroupFlags() []migration.Flag {
	const other = "Only for a provider that trimtab does not have."
	return migration.InGroup(nodeGroups, []migration.Flag{
		{Name: "cloud-provider", Default: "gce", Setting: section + "provider", Always: true, Secretive: true, Convert: provider,
			Remark: "Works with `externalgrpc` and `kwok`. Another one is written too, and refused by `trimtab check` and `run`. The default depends on how cluster-autoscaler was built."},
		{Name: "nodes", Setting: section + "kwok.groups", Kind: migration.Repeated, Secretive: true, Convert: nodes,
			Remark: "Name, min and max of a group; you add its `template`. Not read with `externalgrpc`. A name that cannot be part of a node's name is changed, and told."},
		{Name: "node-group-auto-discovery", Kind: migration.Repeated, NotYet: true, Convert: discovery,
			Remark: "Only the cloud knows which groups these are; write each in `clusterScaler.kwok.groups` ([how](#write-the-groups))."},
		{Name: "cloud-config", Setting: section + "externalGrpc", Convert: cloudConfig,
			Remark: "With `externalgrpc` alone: its settings where the ConfigMap is among the manifests, else the path as `cloudConfig`, for trimtab to read the file."},
		{Name: "cluster-name", Remark: other},
		{Name: "regional", Default: "false", Kind: migration.Bool, Remark: other},
		{Name: "async-node-groups", Default: "false", Kind: migration.Bool, NotYet: true, Remark: "trimtab makes and deletes no groups."},
		{Name: "aws-use-static-instance-list", Default: "false", Kind: migration.Bool, Remark: "trimtab has the EC2 types built in, and asks no cloud."},
		{Name: "gce-concurrent-refreshes", Default: "1", Kind: migration.Whole, Remark: other},
		{Name: "gce-mig-instances-min-refresh-wait-time", Default: "5s", Kind: migration.Duration, Remark: other},
		{Name: "bulk-mig-instances-listing-enabled", Default: "false", Kind: migration.Bool, Remark: other},
		{Name: "clusterapi-cloud-config-authoritative", Default: "false", Kind: migration.Bool, Remark: other},
		{Name: "user-agent", Default: "cluster-autoscaler", Remark: "trimtab names itself to the API server."},
		{Name: "gce-expander-ephemeral-storage-support", Default: "true", Kind: migration.Bool, Known: olderThan137, Remark: other},
		{Name: "node-autoprovisioning-enabled", Default: "false", Kind: migration.Bool, Known: olderThan137, Refused: true, Remark: "trimtab makes and deletes no groups; cluster-autoscaler no longer does either."},
		{Name: "max-autoprovisioned-node-group-count", Default: "15", Kind: migration.Whole, Known: olderThan137, Remark: "As `--node-autoprovisioning-enabled`."},
	})
}

func loopFlags() []migration.Flag {
	const restart = "A loop that fails is logged and tried again; it restarts no process. The probes are those of trimtab's own Deployment."
	const fast = "A loop packs classes of equal pods, which takes milliseconds; there is nothing to bound or to share out."
	return migration.InGroup(theLoop, []migration.Flag{
		{Name: "scan-interval", Default: "10s", Setting: section + "scanInterval", Kind: migration.Duration, Convert: span(time.Second), Remark: "1s at least."},
		{Name: "frequent-loops-enabled", Default: "true", Kind: migration.Bool, Remark: "trimtab always starts a loop at once for a pod that becomes unschedulable."},
		{Name: "max-inactivity", Default: "10m0s", Kind: migration.Duration, Remark: restart},
		{Name: "max-failing-time", Default: "15m0s", Kind: migration.Duration, Remark: restart},
		{Name: "max-startup-time", Default: "20m0s", Kind: migration.Duration, Remark: restart},
		{Name: "predicate-parallelism", Default: "4", Kind: migration.Whole, Remark: fast},
		{Name: "cluster-snapshot-parallelism", Default: "16", Kind: migration.Whole, Remark: fast},
		{Name: "max-binpacking-time", Default: "5m0s", Kind: migration.Duration, Remark: fast},
		{Name: "max-nodegroup-binpacking-duration", Default: "10s", Kind: migration.Duration, Remark: fast},
		{Name: "fastpath-binpacking-enabled", Default: "false", Kind: migration.Bool, Remark: fast},
		{Name: "enable-graceful-degradation", Default: "false", Kind: migration.Bool, Remark: fast},
		{Name: "pending-pods-batching-timeout", Default: "4m0s", Kind: migration.Duration, Remark: fast},
		{Name: "enable-inter-pod-affinity-hostname-fast-path", Default: "false", Kind: migration.Bool, Known: newerThan137, Remark: fast},
	})
}

func scaleUpFlags() []migration.Flag {
	const schedulers = "Each pod that a scheduler has called unschedulable counts, whatever the scheduler is called, and no other."
	return migration.InGroup(scaleUp, []migration.Flag{
		{Name: "expander", Default: "least-waste", Setting: section + "expander", Kind: migration.Words, Convert: expanders,
			Remark: "`grpc` needs `--grpc-expander-url`, HOST:PORT, and `--grpc-expander-cert`. `price` takes the prices from the groups. Older versions had the default `random`: write that if you want to keep it."},
		{Name: "grpc-expander-url", Setting: section + "grpcExpanderUrl"},
		{Name: "grpc-expander-cert", Setting: section + "grpcExpanderCert", Convert: migration.Mounted},
		{Name: "estimator", Default: "binpacking", Remark: "There is one, in both programs."},
		{Name: "parallel-scale-up", Default: "false", Kind: migration.Bool, Remark: "A plan of trimtab has the growth of several groups."},
		{Name: "salvo-scale-up", Default: "false", Kind: migration.Bool, Remark: "A plan of trimtab places all pending pods, on several groups where it takes them."},
		{Name: "salvo-scale-up-budget", Default: "1m0s", Kind: migration.Duration, Remark: "As `--salvo-scale-up`."},
		{Name: "scale-up-from-zero", Default: "true", Kind: migration.Bool, NotYet: true, Remark: "Groups grow in a cluster without nodes, too."},
		{Name: "new-pod-scale-up-delay", Default: "0s", Setting: section + "newPodScaleUpDelay", Kind: migration.Duration, Convert: span(0), Remark: "The pods' annotation counts as well."},
		{Name: "expendable-pods-priority-cutoff", Default: "-10", Setting: section + "expendablePodsPriorityCutoff", Kind: migration.Whole, Convert: whole(-1<<31, 1<<31-1)},
		{Name: "enforce-node-group-min-size", Default: "false", Setting: section + "enforceNodeGroupMinSize", Kind: migration.Bool},
		{Name: "scheduler-config-file", NotYet: true, Remark: "Pods are placed as the scheduler's default profile places them."},
		{Name: "bypassed-scheduler-names", Kind: migration.List, NotYet: true, Remark: schedulers},
		{Name: "allowed-scheduler-names", Kind: migration.List, NotYet: true, Remark: schedulers},
		{Name: "scaleup-simulation-for-skipped-node-groups-enabled", Default: "false", Kind: migration.Bool, Remark: "A pod that gets nothing has the reason of each group at `/debug/decisions`, of one that is left alone too."},
		{Name: "enable-dynamic-resource-allocation", Default: "true", Kind: migration.Bool, Remark: "Device claims count where the API server has `resource.k8s.io/v1`; cluster-autoscaler does not start with false."},
		{Name: "enable-csi-node-aware-scheduling", Default: "false", Kind: migration.Bool, Remark: "The limits of CSINodes always count; a new node has those of a node of its group."},
	})
}

func limitFlags() []migration.Flag {
	return migration.InGroup(limits, []migration.Flag{
		{Name: "max-nodes-total", Default: "0", Setting: section + "maxNodesTotal", Kind: migration.Whole, Convert: maxNodesTotal, Remark: "0 and below is no bound."},
		{Name: "max-nodes-per-scaleup", Default: "1000", Setting: section + "maxNodesPerScaleup", Kind: migration.Whole, Convert: count(1), Remark: "Of one group, or of similar groups together, in one loop."},
		{Name: "cores-total", Default: "0:320000", Setting: section + "coresTotal", Convert: totals, Remark: "A maximum of 0 is not taken."},
		{Name: "memory-total", Default: "0:6400000", Setting: section + "memoryTotal", Convert: totals, Remark: "In GiB. A maximum of 0 is not taken."},
		{Name: "gpu-total", Setting: section + "gpuTotal", Kind: migration.Repeated, Convert: gpuTotals, Remark: "The type is the value of the label of AWS, Google Cloud or Azure, or of `gpuLabel`. A maximum of 0 is not taken."},
	})
}

func balancingFlags() []migration.Flag {
	const fixed = "Groups are similar by the default of this flag."
	return migration.InGroup(balancing, []migration.Flag{
		{Name: "balance-similar-node-groups", Default: "false", Setting: section + "balanceSimilarNodeGroups", Kind: migration.Bool},
		{Name: "balancing-ignore-label", Setting: section + "balancingIgnoreLabel", Kind: migration.Repeated},
		{Name: "balancing-label", Setting: section + "balancingLabel", Kind: migration.Repeated, Remark: "Where it is set nothing else is compared, as in cluster-autoscaler."},
		{Name: "memory-difference-ratio", Default: "0.015", Kind: migration.Number, NotYet: true, Remark: fixed},
		{Name: "max-free-difference-ratio", Default: "0.05", Kind: migration.Number, NotYet: true, Remark: fixed},
		{Name: "max-allocatable-difference-ratio", Default: "0.05", Kind: migration.Number, NotYet: true, Remark: fixed},
	})
}

func templateFlags() []migration.Flag {
	return migration.InGroup(templates, []migration.Flag{
		{Name: "startup-taint", Setting: section + "startupTaint", Kind: migration.Repeated, Convert: taintKeys},
		{Name: "startup-taint-prefix", Setting: section + "startupTaintPrefix", Kind: migration.Repeated, Convert: taintPrefixes},
		{Name: "ignore-taint", Setting: section + "startupTaint", Kind: migration.Repeated, Convert: taintKeys, Remark: "The old name of `--startup-taint`."},
		{Name: "status-taint", Setting: section + "statusTaint", Kind: migration.Repeated, Convert: taintKeys},
		{Name: "scale-from-unschedulable", Default: "false", Kind: migration.Bool, Remark: "A cordoned node is never the example that a group's template is taken from."},
		{Name: "node-info-cache-expire-time", Default: "87600h0m0s", Setting: section + "nodeInfoCacheExpireTime", Kind: migration.Duration, Convert: span(0)},
		{Name: "force-ds", Default: "false", Setting: section + "forceDs", Kind: migration.Bool, Remark: "A group without a node to take its template from counts the DaemonSets that suit it in any case."},
	})
}
