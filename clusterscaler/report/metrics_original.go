package report

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// originalMetrics are those of cluster-autoscaler under its names, so that dashboards and alerts stay.
type originalMetrics struct {
	safe, maxNodes, unneeded, cooldown, deletions, cores, memory prometheus.Gauge

	nodes, groups, pods, coreLimits, memoryLimits, unremovable, lastActivity *prometheus.GaugeVec

	groupMin, groupMax, groupTarget, groupHealthy, groupBackoff *prometheus.GaugeVec

	duration *prometheus.HistogramVec

	added, unregisteredRemoved prometheus.Counter

	errors, removed, addFailures, removeFailures *prometheus.CounterVec
}

// The values of labels as cluster-autoscaler writes them.
const (
	activityMain                = "main"
	functionMain                = "main"
	functionUpdateState         = "updateClusterState"
	functionRefresh             = "cloudProviderRefresh"
	reasonAPICall, reasonFailed = "apiCallError", "cloudProviderError"
	reasonTimeout               = "timeout"
	reasonEmpty, reasonUnready  = "empty", "unready"
	reasonUnderutilized         = "underutilized"
	errorTransient              = "transientError"
	limitMinimum, limitMaximum  = "minimum", "maximum"
)

func newOriginalMetrics(reg prometheus.Registerer) *originalMetrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Name: "cluster_autoscaler_" + name, Help: help}
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts(opts(name, help)))
		reg.MustRegister(g)
		return g
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(name, help)), labels)
		reg.MustRegister(g)
		return g
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
		reg.MustRegister(c)
		return c
	}
	m := &originalMetrics{
		safe:      gauge("cluster_safe_to_autoscale", "1 while few enough nodes are unready for anything to be done, else 0."),
		maxNodes:  gauge("max_nodes_count", "Nodes that the cluster may have; 0 is no bound."),
		unneeded:  gauge("unneeded_nodes_count", "Nodes that could be removed now or after a wait."),
		cooldown:  gauge("scale_down_in_cooldown", "1 while removals wait for what was done before, else 0."),
		deletions: gauge("pending_node_deletions", "Nodes that are being removed."),
		cores:     gauge("cluster_cpu_current_cores", "Cores of all nodes but those that go."),
		memory:    gauge("cluster_memory_current_bytes", "Memory of all nodes but those that go."),

		nodes:        gauges("nodes_count", "Nodes by state.", "state"),
		groups:       gauges("node_groups_count", "Node groups.", "node_group_type"),
		pods:         gauges("unschedulable_pods_count", "Pods without a node, by what is known of them.", "type"),
		coreLimits:   gauges("cpu_limits_cores", "Cores that all nodes must and may have together.", "direction"),
		memoryLimits: gauges("memory_limits_bytes", "Memory that all nodes must and may have together.", "direction"),
		unremovable:  gauges("unremovable_nodes_count", "Nodes that stay, by reason.", "reason"),
		lastActivity: gauges("last_activity", "When something was done last, in seconds of the Unix time.", "activity"),

		groupMin:     gauges("node_group_min_count", "Least nodes of a group.", "node_group"),
		groupMax:     gauges("node_group_max_count", "Most nodes of a group.", "node_group"),
		groupTarget:  gauges("node_group_target_count", "Nodes that a group works towards.", "node_group"),
		groupHealthy: gauges("node_group_healthiness", "1 for a group of which few enough nodes are unready, else 0.", "node_group"),
		groupBackoff: gauges("node_group_backoff_status", "1 for a group that is left alone after it failed to grow, else 0.", "node_group", "reason"),

		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cluster_autoscaler_function_duration_seconds", Help: "Time of a loop (main), of its observation, and of what the provider has of that.",
			Buckets: prometheus.ExponentialBuckets(0.01, 1.5, 30),
		}, []string{"function"}),
		added:               prometheus.NewCounter(prometheus.CounterOpts(opts("scaled_up_nodes_total", "Nodes requested."))),
		unregisteredRemoved: prometheus.NewCounter(prometheus.CounterOpts(opts("old_unregistered_nodes_removed_count", "Instances deleted that had not registered in time."))),
		errors:              counters("errors_total", "Loops that failed.", "type"),
		removed:             counters("scaled_down_nodes_total", "Nodes removed.", "reason"),
		addFailures:         counters("failed_scale_ups_total", "Growths that failed.", "reason"),
		removeFailures:      counters("failed_scale_down_total", "Removals that failed.", "reason"),
	}
	reg.MustRegister(m.duration, m.added, m.unregisteredRemoved)
	return m
}

// observe sets what a loop has found.
func (m *originalMetrics) observe(p *plan.Plan, policy *plan.Policy, at time.Time) {
	m.lastActivity.WithLabelValues(activityMain).Set(float64(at.Unix()))
	m.safe.Set(one(p.Cluster.Code == plan.ClusterHealthy))
	m.maxNodes.Set(float64(policy.MaxNodesTotal))
	m.unneeded.Set(float64(len(p.Unneeded)))
	m.cores.Set(float64(p.Capacity.MilliCPU) / 1000)
	m.memory.Set(float64(p.Capacity.Memory))
	m.coreLimits.WithLabelValues(limitMinimum).Set(float64(policy.MilliCores.Min) / 1000)
	m.coreLimits.WithLabelValues(limitMaximum).Set(float64(policy.MilliCores.Max) / 1000)
	m.memoryLimits.WithLabelValues(limitMinimum).Set(float64(policy.Memory.Min))
	m.memoryLimits.WithLabelValues(limitMaximum).Set(float64(policy.Memory.Max))
	m.observePods(p)
	m.observeNodes(p)
	m.observeGroups(p)
}

func (m *originalMetrics) observePods(p *plan.Plan) {
	unschedulable, unprocessed := 0, 0
	for i := range p.Pending {
		switch p.Pending[i].Verdict.Code {
		case plan.Unprocessed:
			unprocessed++
		case plan.SchedulingGated, plan.DaemonSetPod, plan.Expendable, plan.WaitsForNode:
		default:
			unschedulable++
		}
	}
	m.pods.WithLabelValues("unschedulable").Set(float64(unschedulable))
	m.pods.WithLabelValues("scheduler_unprocessed").Set(float64(unprocessed))
}

func (m *originalMetrics) observeNodes(p *plan.Plan) {
	coming, lost := 0, 0
	for _, g := range p.States {
		coming += g.Coming
		lost += g.Lost
	}
	for state, n := range map[string]int{
		"ready": p.Readiness.Ready, "unready": p.Readiness.Unready, "notStarted": p.Readiness.Starting,
		"unregistered": coming, "longUnregistered": lost,
	} {
		m.nodes.WithLabelValues(state).Set(float64(n))
	}
	m.deletions.Set(float64(p.Readiness.Deleting))
	stays := map[verdict.Code]int{}
	waits := false
	for i := range p.Nodes {
		code := p.Nodes[i].Verdict.Code
		waits = waits || code == plan.InCooldown
		if code != plan.Unneeded {
			stays[code]++
		}
	}
	m.cooldown.Set(one(waits))
	m.unremovable.Reset()
	for code, n := range stays {
		m.unremovable.WithLabelValues(string(code)).Set(float64(n))
	}
}

func (m *originalMetrics) observeGroups(p *plan.Plan) {
	m.groups.WithLabelValues("autoscaled").Set(float64(len(p.States)))
	for _, v := range []*prometheus.GaugeVec{m.groupMin, m.groupMax, m.groupTarget, m.groupHealthy, m.groupBackoff} {
		v.Reset() // of groups that are gone
	}
	for i := range p.States {
		g := &p.States[i]
		m.groupMin.WithLabelValues(g.Name).Set(float64(g.Min))
		m.groupMax.WithLabelValues(g.Name).Set(float64(g.Max))
		m.groupTarget.WithLabelValues(g.Name).Set(float64(g.Target))
		m.groupHealthy.WithLabelValues(g.Name).Set(one(g.Healthy))
		reason := "" // as long as there is none
		if !g.Backoff.Until.IsZero() {
			reason = reasonFailed
		}
		m.groupBackoff.WithLabelValues(g.Name, reason).Set(one(reason != ""))
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
