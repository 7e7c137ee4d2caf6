package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// unneededSince is since when each unneeded node has been so. Those that are needed again or are gone are forgotten.
func (r *removals) unneededSince() map[string]time.Time {
	since := make(map[string]time.Time, len(r.gone))
	for _, n := range r.gone {
		since[n.Node] = r.now
		if t, before := r.before.UnneededSince[n.Node]; before {
			since[n.Node] = t
		}
	}
	return since
}

// chooseNow picks from the unneeded nodes those whose removal begins now, and says what the others wait for. Growth, and pods
// that have only just come, hold all of them back.
func (r *removals) chooseNow(podsWait bool) {
	if r.policy.IgnoreTimers {
		r.begin = slices.Clone(r.gone)
		for _, n := range r.gone {
			r.keep(r.kept.ids[n.Node], Unneeded, verdict.Ratio("utilization", n.Utilization))
		}
		return
	}
	busy, draining := r.deleting()
	beside := parallel{busy, draining, map[string]bool{}}
	for _, n := range r.gone {
		id := r.kept.ids[n.Node]
		code, facts, until := r.mustWait(n, podsWait)
		r.next = sooner(r.next, until)
		if code != "" {
			r.keep(id, code, facts...)
			continue
		}
		if node, waits := r.waitsForOthers(n, podsWait); waits {
			r.keep(id, AtomicScaleDownFailed, verdict.Text("waits for node", node))
			continue
		}
		if !beside.admit(r, n) {
			r.keep(id, MaxParallelismReached, verdict.Number("deleting", beside.busy), verdict.Number("draining", beside.draining))
			continue
		}
		r.begin = append(r.begin, n)
		r.keep(id, Unneeded, verdict.Ratio("utilization", n.Utilization), verdict.Number("pods to move", len(n.Moves)),
			verdict.Duration("unneeded for", r.now.Sub(r.since[n.Node])))
	}
}

// deleting counts the nodes of our groups that are being removed, and those of them that still have pods to move. What the
// provider has accepted to delete is its affair, and takes no part in the limits.
func (r *removals) deleting() (busy, draining int) {
	for i, n := range r.s.Nodes {
		if _, accepted := r.before.Deletions[n.Name]; accepted || !n.Deleting {
			continue
		}
		if _, ours := r.byGroup[n.Group]; !ours {
			continue
		}
		busy++
		if !r.empty(scheduling.NodeID(i)) {
			draining++
		}
	}
	return busy, draining
}

// mustWait is what an unneeded node waits for, and until when where it is time; or an empty code.
func (r *removals) mustWait(n Removal, podsWait bool) (code verdict.Code, facts []verdict.Fact, until time.Time) {
	p, _ := r.policyOf(r.kept.ids[n.Node])
	wait := p.UnneededTime
	if code = NotUnneededLongEnough; n.Unready {
		code, wait = NotUnreadyLongEnough, p.UnreadyTime
	}
	since := r.since[n.Node]
	if waited := r.now.Sub(since); waited < wait {
		return code, []verdict.Fact{verdict.Duration("unneeded for", waited), verdict.Duration("wait", wait), verdict.Ratio("utilization", n.Utilization)}, since.Add(wait)
	}
	if after, until := r.cooldown(n.Group); r.now.Before(until) {
		return InCooldown, []verdict.Fact{verdict.Text("after", after), verdict.Duration("left", until.Sub(r.now))}, until
	}
	if podsWait {
		return InCooldown, []verdict.Fact{verdict.Text("after", "pods that need nodes")}, time.Time{}
	}
	return "", nil, time.Time{}
}

// cooldown is the last of the waits after what was done before, to any group or to this one, and what that was.
func (l *loop) cooldown(group string) (after string, until time.Time) {
	last := Last{ScaleUp: l.before.LastScaleUp, Delete: l.before.LastDelete, Failure: l.before.LastFailure}
	if l.policy.DelayTypeLocal {
		last = l.before.LastOf[group]
	}
	for _, w := range []struct {
		after string
		last  time.Time
		wait  time.Duration
	}{
		{"scale-up", last.ScaleUp, l.policy.DelayAfterAdd},
		{"deletion", last.Delete, l.policy.DelayAfterDelete},
		{"failed deletion", last.Failure, l.policy.DelayAfterFailure},
	} {
		if end := w.last.Add(w.wait); !w.last.IsZero() && end.After(until) {
			after, until = w.after, end
		}
	}
	return after, until
}
