package clusterscaler

import (
	"time"
)

// phase is a part of a loop, and the value of the label of its metric.
type phase string

// The phases of a loop, in their order.
const (
	phaseObserve phase = "observe" // reads objects from the cache, and asks the provider for its groups
	phaseDecide  phase = "decide"  // plans; a gRPC expander is asked here
	phaseAct     phase = "act"     // asks the provider for nodes, and begins removals
	phaseReport  phase = "report"  // the journal and metrics; hands marks, Events and the status to who writes them
)

// stopwatch measures a loop.
type stopwatch struct {
	now         func() time.Time
	began, last time.Time
	laps        []lap
}

type lap struct {
	phase phase
	took  time.Duration
}

func newStopwatch(now func() time.Time) *stopwatch {
	t := now()
	return &stopwatch{now: now, began: t, last: t}
}

// ends says that a phase is over.
func (w *stopwatch) ends(p phase) {
	now := w.now()
	w.laps = append(w.laps, lap{p, now.Sub(w.last)})
	w.last = now
}

// slowEvery is the least time between two warnings of slow loops.
const slowEvery = time.Minute

// slowLoops says when a loop takes longer than the pause between two, and in which phase.
type slowLoops struct {
	said  time.Time
	count int
}

// measure keeps how long the loop took. One that is slow is said, but not each of many.
func (c *ClusterScaler) measure(w *stopwatch) {
	now := c.deps.Now()
	took := now.Sub(w.began)
	c.metrics.duration.Observe(took.Seconds())
	c.metrics.original.duration.WithLabelValues(functionMain).Observe(took.Seconds())
	attributes := []any{"took", took, "scanInterval", c.cfg.ScanInterval.Std()}
	for _, l := range w.laps {
		c.metrics.phases.WithLabelValues(string(l.phase)).Observe(l.took.Seconds())
		if l.phase == phaseObserve {
			c.metrics.original.duration.WithLabelValues(functionUpdateState).Observe(l.took.Seconds())
		}
		attributes = append(attributes, string(l.phase), l.took)
	}
	if took <= c.cfg.ScanInterval.Std() {
		return
	}
	c.slow.count++
	if now.Sub(c.slow.said) < slowEvery {
		return
	}
	c.deps.Log.Warn("a loop took longer than the scan interval", append(attributes, "slow loops since the last warning", c.slow.count)...)
	c.slow = slowLoops{said: now}
}
