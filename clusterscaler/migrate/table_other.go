package migrate

import "github.com/trimtab/trimtab/internal/migration"

func requestFlags() []migration.Flag {
	const none = "ProvisioningRequests are not read."
	const buffers = "CapacityBuffers are not read; write what room is to be kept in `headroom`."
	return migration.InGroup(requests, []migration.Flag{
		{Name: "enable-provisioning-requests", Default: "false", Kind: migration.Bool, NotYet: true, Remark: none},
		{Name: "provisioning-request-initial-backoff-time", Default: "1m0s", Kind: migration.Duration, Remark: none},
		{Name: "provisioning-request-max-backoff-time", Default: "10m0s", Kind: migration.Duration, Remark: none},
		{Name: "provisioning-request-max-backoff-cache-size", Default: "1000", Kind: migration.Whole, Remark: none},
		{Name: "check-capacity-batch-processing", Default: "false", Kind: migration.Bool, Remark: none},
		{Name: "check-capacity-provisioning-request-max-batch-size", Default: "10", Kind: migration.Whole, Remark: none},
		{Name: "check-capacity-provisioning-request-batch-timebox", Default: "10s", Kind: migration.Duration, Remark: none},
		{Name: "check-capacity-processor-instance", Remark: none},
		{Name: "enable-proactive-scaleup", Default: "false", Kind: migration.Bool, NotYet: true, Remark: "Groups grow for pods that are there."},
		{Name: "pod-injection-limit", Default: "5000", Kind: migration.Whole, Remark: "Tunes `--enable-proactive-scaleup`."},
		{Name: "capacity-buffer-controller-enabled", Default: "false", Kind: migration.Bool, NotYet: true, Remark: buffers},
		{Name: "capacity-buffer-pod-injection-enabled", Default: "false", Kind: migration.Bool, NotYet: true, Remark: buffers},
		{Name: "capacity-buffer-pod-dry-run-enabled", Default: "true", Kind: migration.Bool, Remark: buffers},
		{Name: "capacity-buffer-ready-replicas-enabled", Default: "true", Kind: migration.Bool, Known: newerThan137, Remark: buffers},
		{Name: "capacity-quotas-enabled", Default: "false", Kind: migration.Bool, NotYet: true, Remark: "CapacityQuotas are not read; `coresTotal`, `memoryTotal` and `maxNodesTotal` bound the cluster."},
	})
}

func kubernetesFlags() []migration.Flag {
	const lease = "trimtab has a Lease of its own, trimtab in its namespace: it does not wait for cluster-autoscaler. Never run both on the same groups."
	return migration.InGroup(kubernetes, []migration.Flag{
		{Name: "kubeconfig", Setting: "kubernetes.kubeconfig", Convert: migration.Mounted, Remark: "All parts of trimtab use it."},
		{Name: "kubernetes", Refused: true, Remark: "Without a kubeconfig trimtab takes the pod's service account; write a kubeconfig for another API server."},
		{Name: "kube-client-qps", Default: "5", Setting: "kubernetes.kubeClientQps", Kind: migration.Number, Convert: migration.ClientLimit,
			Remark: "Reads come from watches and do not count. Without it trimtab's own default stays: 50. 0 is the default, and a negative number no limit, which trimtab has not: it is not taken."},
		{Name: "kube-client-burst", Default: "10", Setting: "kubernetes.kubeClientBurst", Kind: migration.Whole, Convert: migration.ClientLimit, Remark: "As `--kube-client-qps`; trimtab's default is 100."},
		{Name: "kube-api-content-type", Default: "application/vnd.kubernetes.protobuf", Remark: "trimtab chooses it itself."},
		{Name: "namespace", Default: "kube-system", Setting: section + "namespace", Convert: namespace,
			Remark: "Where the ConfigMaps are: that of the expander `priority`, and that of the status. trimtab's own namespace is that of its pod."},
		{Name: "leader-elect", Default: "true", Setting: "leaderElection.leaderElect", Kind: migration.Bool, Remark: "For all parts of trimtab that write."},
		{Name: "leader-elect-lease-duration", Default: "15s", Setting: "leaderElection.leaderElectLeaseDuration", Kind: migration.Duration, Convert: span(0)},
		{Name: "leader-elect-renew-deadline", Default: "10s", Setting: "leaderElection.leaderElectRenewDeadline", Kind: migration.Duration, Convert: span(0)},
		{Name: "leader-elect-retry-period", Default: "2s", Setting: "leaderElection.leaderElectRetryPeriod", Kind: migration.Duration, Convert: span(0)},
		{Name: "leader-elect-resource-lock", Default: "leases", Remark: "It is always a Lease."},
		{Name: "leader-elect-resource-name", Default: "cluster-autoscaler", Remark: lease},
		{Name: "leader-elect-resource-namespace", Remark: lease},
		{Name: "feature-gates", Refused: true, Remark: "trimtab has no feature gates; it places pods as the scheduler of Kubernetes 1.37 does by default."},
	})
}

func observationFlags() []migration.Flag {
	return migration.InGroup(observation, []migration.Flag{
		{Name: "address", Default: ":8085", Remark: "Metrics are on `server.address`, :8080, the port `http` of trimtab's pods, which is not on its Service; let Prometheus scrape the pods."},
		{Name: "write-status-configmap", Default: "true", Setting: section + "writeStatusConfigmap", Kind: migration.Bool, Remark: "A status in which nothing but times is new is written once a minute, not in every loop."},
		{Name: "status-config-map-name", Default: "cluster-autoscaler-status", Setting: section + "statusConfigMapName", Convert: configMapName, Remark: "Another name needs a rule of its own in `deploy/rbac.yaml`."},
		{Name: "emit-per-nodegroup-metrics", Default: "false", Kind: migration.Bool, Remark: "They are always there, under the same names."},
		{Name: "node-removal-latency-tracking-enabled", Default: "false", Kind: migration.Bool, Remark: "Since when a node is unneeded is in its verdict."},
		{Name: "max-node-skip-eval-time-tracker-enabled", Default: "false", Kind: migration.Bool, Remark: "No node is skipped: each has a verdict in every loop."},
		{Name: "record-duplicated-events", Default: "false", Kind: migration.Bool, Remark: "An Event is written again when its reason changes."},
		{Name: "debugging-snapshot-enabled", Default: "false", Kind: migration.Bool, Remark: "`/debug/decisions` has the last decisions; `trimtab simulate cluster` computes one from a dump."},
		{Name: "profiling", Default: "false", Kind: migration.Bool, Remark: "The debug pages always have `/debug/pprof/heap` and `/debug/pprof/profile`."},
	})
}

func loggingFlags() []migration.Flag {
	const stderr = "trimtab logs to standard error, and each line at once."
	const one = "trimtab's log has one level and one stream."
	return migration.InGroup(logging, []migration.Flag{
		{Name: "v", Default: "0", Setting: "log.level", Kind: migration.Whole, Convert: verbosity,
			Remark: "5 and above is `debug`; below it is `info`, the default. The reasons of decisions, for which manifests have 4, are at `/debug/decisions` at any level."},
		{Name: "logging-format", Default: "text", Setting: "log.format", Convert: logFormat},
		{Name: "vmodule", Remark: one},
		{Name: "scheduler-verbosity", Default: "-1", Kind: migration.Whole, Remark: one},
		{Name: "log-flush-frequency", Default: "5s", Kind: migration.Duration, Remark: stderr},
		{Name: "log-text-split-stream", Default: "false", Kind: migration.Bool, Remark: one},
		{Name: "log-text-info-buffer-size", Default: "0", Remark: stderr},
		{Name: "log-json-split-stream", Default: "false", Kind: migration.Bool, Remark: one},
		{Name: "log-json-info-buffer-size", Default: "0", Remark: stderr},
		{Name: "logtostderr", Default: "true", Kind: migration.Bool, Remark: stderr},
		{Name: "alsologtostderr", Default: "false", Kind: migration.Bool, Remark: stderr},
		{Name: "stderrthreshold", Default: "INFO", Convert: threshold, Remark: stderr},
		{Name: "alsologtostderrthreshold", Remark: stderr},
		{Name: "legacy-stderr-threshold-behavior", Default: "false", Kind: migration.Bool, Remark: stderr},
		{Name: "log-dir", Remark: stderr},
		{Name: "log-file", Remark: stderr},
		{Name: "log-file-max-size", Default: "1800", Kind: migration.Whole, Remark: stderr},
		{Name: "log-backtrace-at", Default: ":0", Remark: one},
		{Name: "add-dir-header", Default: "false", Kind: migration.Bool, Remark: one},
		{Name: "skip-headers", Default: "false", Kind: migration.Bool, Remark: one},
		{Name: "skip-log-headers", Default: "false", Kind: migration.Bool, Remark: stderr},
		{Name: "one-output", Default: "false", Kind: migration.Bool, Remark: stderr},
	})
}
