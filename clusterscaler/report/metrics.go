package report

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// metrics are the part's own; decisions are counted by the journal.
type metrics struct {
	original          *originalMetrics
	duration          prometheus.Histogram
	phases            *prometheus.HistogramVec
	failures          prometheus.Counter
	pending           prometheus.Gauge
	unneeded          prometheus.Gauge
	size              *prometheus.GaugeVec
	nodesAdded        *prometheus.CounterVec
	nodesRemoved      *prometheus.CounterVec
	nodesGivenUp      *prometheus.CounterVec
	scaleUpFailures   *prometheus.CounterVec
	scaleDownFailures *prometheus.CounterVec
	// known are the groups of the last loop.
	known map[string]bool
}

func newMetrics(reg prometheus.Registerer) *metrics {
	byGroup := []string{"group"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "trimtab_clusterscaler_" + name, Help: help}, byGroup)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "trimtab_clusterscaler_" + name, Help: help})
	}
	m := &metrics{
		original: newOriginalMetrics(reg),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trimtab_clusterscaler_loop_duration_seconds", Help: "Time of a loop, from observation to report.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trimtab_clusterscaler_loop_phase_duration_seconds", Help: "Time of a phase of a loop: observe, decide, act, report.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}, []string{"phase"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trimtab_clusterscaler_loop_failures_total", Help: "Loops that could not observe the cluster and changed nothing.",
		}),
		pending:  gauge("unschedulable_pods", "Pods that no node and no node on its way can take."),
		unneeded: gauge("unneeded_nodes", "Nodes that could be removed now or after a wait."),
		size: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trimtab_clusterscaler_group_size_nodes", Help: "Nodes of a group, those on their way included.",
		}, byGroup),
		nodesAdded:        counter("nodes_added_total", "Nodes requested from the provider."),
		nodesRemoved:      counter("nodes_removed_total", "Nodes drained and given back to the provider."),
		nodesGivenUp:      counter("nodes_given_up_total", "Nodes that were requested and failed or did not come in time."),
		scaleUpFailures:   counter("scale_up_failures_total", "Requests for nodes that the provider refused."),
		scaleDownFailures: counter("scale_down_failures_total", "Removals that failed, and that the provider accepted and did not carry out in time."),
	}
	reg.MustRegister(m.duration, m.phases, m.failures, m.pending, m.unneeded, m.size, m.nodesAdded, m.nodesRemoved, m.nodesGivenUp, m.scaleUpFailures, m.scaleDownFailures)
	return m
}

// observe sets the gauges after a loop.
func (m *metrics) observe(p *plan.Plan, groups []plan.Group) {
	m.observeGroups(groups)
	pending := 0
	for _, pod := range p.Pending {
		switch pod.Verdict.Code {
		case plan.TriggeredScaleUp, plan.NotTriggerScaleUp, plan.ConstraintNotModelled:
			pending++
		}
	}
	m.pending.Set(float64(pending))
	m.unneeded.Set(float64(len(p.Unneeded)))
}

// observeGroups sets the sizes of the groups. The series of groups that are gone are deleted, since the provider names groups.
func (m *metrics) observeGroups(groups []plan.Group) {
	gone := m.known
	m.known = make(map[string]bool, len(groups))
	for i := range groups {
		g := &groups[i]
		m.known[g.Name] = true
		delete(gone, g.Name)
		m.size.WithLabelValues(g.Name).Set(float64(g.Target))
	}
	for name := range gone {
		m.size.DeleteLabelValues(name)
		for _, c := range []*prometheus.CounterVec{m.nodesAdded, m.nodesRemoved, m.nodesGivenUp, m.scaleUpFailures, m.scaleDownFailures} {
			c.DeleteLabelValues(name)
		}
	}
}
