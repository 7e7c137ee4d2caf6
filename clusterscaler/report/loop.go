package report

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Phase is a part of a loop, and the value of the label of its metric.
type Phase string

// The phases of a loop, in their order.
const (
	Observe Phase = "observe" // reads objects from the cache, and asks the provider for its groups
	Decide  Phase = "decide"  // plans; a gRPC expander is asked here
	Act     Phase = "act"     // asks the provider for nodes, and begins removals
	Report  Phase = "report"  // the journal and metrics; hands marks, Events and the status to the writers
)

// Loop tells of one loop, and measures it. Make it with Reporter.Begin.
type Loop struct {
	r           *Reporter
	began, last time.Time
	laps        []lap
}

type lap struct {
	phase Phase
	took  time.Duration
}

// Begin is called when a loop begins.
func (r *Reporter) Begin() *Loop {
	now := r.deps.Now()
	return &Loop{r: r, began: now, last: now}
}

// Ends is called when a phase is over.
func (l *Loop) Ends(p Phase) {
	now := l.r.deps.Now()
	l.laps = append(l.laps, lap{p, now.Sub(l.last)})
	l.last = now
}

// Blind tells of a loop that could not observe the cluster.
func (l *Loop) Blind(err error) {
	l.r.deps.Log.Error("the cluster could not be observed; nothing is changed", "error", err)
	l.r.metrics.failures.Inc()
	l.r.metrics.original.errors.WithLabelValues(errorTransient).Inc()
}

// Outcome is what a loop decided and did.
type Outcome struct {
	Plan   *plan.Plan
	Policy *plan.Policy
	// Groups are the groups of the plan.
	Groups []plan.Group
	// Failed has the groups that could not grow.
	Failed map[string]bool
	// Pod gives the object of a pod of the plan.
	Pod func(name string) *corev1.Pod
}

// Decided tells of a loop that made a plan. What is written to the API server is written beside the loop.
func (l *Loop) Decided(o Outcome) {
	r := l.r
	r.deps.Journal.Record(partName, o.Plan.Verdicts()...)
	r.metrics.observe(o.Plan, o.Groups)
	r.metrics.original.observe(o.Plan, o.Policy, l.began)
	r.pods.write(o.Pod, o.Plan, o.Failed)
	r.status.write(o.Plan)
	r.status.tell(o.Plan)
}

// slowEvery is the least time between two warnings of slow loops.
const slowEvery = time.Minute

// slowLoops counts the loops that took longer than the scan interval since the last warning, and when that was.
type slowLoops struct {
	said  time.Time
	count int
}

// End is called when the loop is over. A loop that took longer than the scan interval is logged, at most once in slowEvery.
func (l *Loop) End() {
	r := l.r
	now := r.deps.Now()
	took := now.Sub(l.began)
	r.metrics.duration.Observe(took.Seconds())
	r.metrics.original.duration.WithLabelValues(functionMain).Observe(took.Seconds())
	attributes := []any{"took", took, "scanInterval", r.cfg.ScanInterval}
	for _, lap := range l.laps {
		r.metrics.phases.WithLabelValues(string(lap.phase)).Observe(lap.took.Seconds())
		if lap.phase == Observe {
			r.metrics.original.duration.WithLabelValues(functionUpdateState).Observe(lap.took.Seconds())
		}
		attributes = append(attributes, string(lap.phase), lap.took)
	}
	if took <= r.cfg.ScanInterval {
		return
	}
	r.slow.count++
	if now.Sub(r.slow.said) < slowEvery {
		return
	}
	r.deps.Log.Warn("a loop took longer than the scan interval", append(attributes, "slow loops since the last warning", r.slow.count)...)
	r.slow = slowLoops{said: now}
}
