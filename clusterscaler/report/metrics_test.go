package report

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// What a dashboard of cluster-autoscaler reads says what the plan does, and no longer tells of what is gone.
func TestOriginalMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := newOriginalMetrics(reg)
	policy := plan.DefaultPolicy()
	policy.MaxNodesTotal = 50
	pod := func(code verdict.Code) plan.PendingPod {
		return plan.PendingPod{Verdict: verdict.Because(verdict.On("pod", ""), code)}
	}
	node := func(code verdict.Code) plan.NodeVerdict {
		return plan.NodeVerdict{Verdict: verdict.Because(verdict.On("node", ""), code)}
	}
	before := plan.Plan{
		Cluster: verdict.Because(verdict.On("cluster", ""), plan.ClusterUnhealthy),
		States:  []plan.GroupState{{Name: "gone", Max: 3}},
		Nodes:   []plan.NodeVerdict{node(plan.ClusterUnhealthy)},
	}
	now := plan.Plan{
		Cluster:   verdict.Because(verdict.On("cluster", ""), plan.ClusterHealthy),
		Readiness: plan.Readiness{Ready: 4, Starting: 1, Unready: 2, Deleting: 3},
		Capacity:  scheduling.Resources{MilliCPU: 12500, Memory: 1 << 35},
		States: []plan.GroupState{
			{Name: "a", Min: 1, Max: 9, Target: 5, Coming: 2, Lost: 1, Healthy: true},
			{Name: "b", Max: 4, Backoff: fleet.Backoff{Until: time.Unix(1, 0)}},
		},
		Pending:  []plan.PendingPod{pod(plan.TriggeredScaleUp), pod(plan.NotTriggerScaleUp), pod(plan.FitsNow), pod(plan.Unprocessed), pod(plan.SchedulingGated)},
		Nodes:    []plan.NodeVerdict{node(plan.Unneeded), node(plan.InCooldown), node(plan.NotUnderutilized), node(plan.NotUnderutilized)},
		Unneeded: make([]plan.Removal, 2),
	}
	m.observe(&before, &policy, time.Unix(1000, 0))
	m.observe(&now, &policy, time.Unix(2000, 0))
	want := `
cluster_autoscaler_cluster_cpu_current_cores 12.5
cluster_autoscaler_cluster_memory_current_bytes 3.4359738368e+10
cluster_autoscaler_cluster_safe_to_autoscale 1
cluster_autoscaler_cpu_limits_cores{direction="maximum"} 320000
cluster_autoscaler_cpu_limits_cores{direction="minimum"} 0
cluster_autoscaler_last_activity{activity="main"} 2000
cluster_autoscaler_max_nodes_count 50
cluster_autoscaler_node_group_backoff_status{node_group="a",reason=""} 0
cluster_autoscaler_node_group_backoff_status{node_group="b",reason="cloudProviderError"} 1
cluster_autoscaler_node_group_healthiness{node_group="a"} 1
cluster_autoscaler_node_group_healthiness{node_group="b"} 0
cluster_autoscaler_node_group_max_count{node_group="a"} 9
cluster_autoscaler_node_group_max_count{node_group="b"} 4
cluster_autoscaler_node_group_min_count{node_group="a"} 1
cluster_autoscaler_node_group_min_count{node_group="b"} 0
cluster_autoscaler_node_group_target_count{node_group="a"} 5
cluster_autoscaler_node_group_target_count{node_group="b"} 0
cluster_autoscaler_node_groups_count{node_group_type="autoscaled"} 2
cluster_autoscaler_nodes_count{state="longUnregistered"} 1
cluster_autoscaler_nodes_count{state="notStarted"} 1
cluster_autoscaler_nodes_count{state="ready"} 4
cluster_autoscaler_nodes_count{state="unready"} 2
cluster_autoscaler_nodes_count{state="unregistered"} 2
cluster_autoscaler_pending_node_deletions 3
cluster_autoscaler_scale_down_in_cooldown 1
cluster_autoscaler_unneeded_nodes_count 2
cluster_autoscaler_unremovable_nodes_count{reason="InCooldown"} 1
cluster_autoscaler_unremovable_nodes_count{reason="NotUnderutilized"} 2
cluster_autoscaler_unschedulable_pods_count{type="scheduler_unprocessed"} 1
cluster_autoscaler_unschedulable_pods_count{type="unschedulable"} 3
`
	var names []string
	for line := range strings.Lines(want) {
		if name, _, _ := strings.Cut(line, "{"); strings.TrimSpace(line) != "" {
			names = append(names, strings.Fields(name)[0])
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	for _, f := range families {
		help.WriteString("# HELP " + f.GetName() + " " + f.GetHelp() + "\n# TYPE " + f.GetName() + " gauge\n")
		for line := range strings.Lines(want) {
			if strings.HasPrefix(line, f.GetName()+"{") || strings.HasPrefix(line, f.GetName()+" ") {
				help.WriteString(line)
			}
		}
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(help.String()), names...); err != nil {
		t.Error(err)
	}
}

func TestRemovalReason(t *testing.T) {
	for want, o := range map[string]kube.Outcome{
		"empty": {Empty: true}, "unready": {Empty: true, Unready: true}, "underutilized": {},
	} {
		if got := removalReason(o); got != want {
			t.Errorf("%+v: %s, want %s", o, got, want)
		}
	}
}
