package report

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// A group that the provider no longer names has no series, and comes back without its past.
func TestTheSeriesOfAGroupGoWithIt(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	m.observeGroups([]plan.Group{{Belief: fleet.Belief{Name: "a", Target: 2}}, {Belief: fleet.Belief{Name: "b", Target: 3}}})
	m.nodesAdded.WithLabelValues("a").Inc()
	m.scaleUpFailures.WithLabelValues("b").Inc()
	m.observeGroups([]plan.Group{{Belief: fleet.Belief{Name: "b", Target: 4}}})
	if n := testutil.CollectAndCount(m.size); n != 1 || testutil.ToFloat64(m.size.WithLabelValues("b")) != 4 {
		t.Errorf("%d groups have a size", n)
	}
	if added, failed := testutil.CollectAndCount(m.nodesAdded), testutil.CollectAndCount(m.scaleUpFailures); added != 0 || failed != 1 {
		t.Errorf("%d groups have added nodes, %d have failed", added, failed)
	}
}

// A loop that planned sets the sizes of its groups.
func TestALoopSetsTheSizes(t *testing.T) {
	d := newDesk(time.Now, "", nil)
	l := d.Begin()
	g := plan.Group{}
	g.Name, g.Target = "a", 2
	l.Decided(Outcome{Plan: &plan.Plan{}, Policy: &plan.Policy{}, Groups: []plan.Group{g}})
	l.End()
	if got := testutil.ToFloat64(d.metrics.size.WithLabelValues("a")); got != 2 {
		t.Errorf("size %v, want 2", got)
	}
}
