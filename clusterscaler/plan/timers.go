package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// remember keeps since when each node is unneeded, and forgets those that are needed again or are gone.
func (d *decision) remember() {
	since := make(map[string]time.Time, len(d.plan.Unneeded))
	for _, r := range d.plan.Unneeded {
		since[r.Node] = d.now
		if t, before := d.memory.UnneededSince[r.Node]; before {
			since[r.Node] = t
		}
	}
	d.memory.UnneededSince = since
	for name, b := range d.memory.Backoffs {
		if d.now.Sub(b.Failed) > d.policy.BackoffResetTimeout {
			delete(d.memory.Backoffs, name)
		}
	}
}

// chooseNow picks from the unneeded nodes those whose removal begins now, and says what the others wait for.
func (d *decision) chooseNow() {
	if d.policy.IgnoreTimers {
		d.plan.ScaleDown = slices.Clone(d.plan.Unneeded)
		for _, r := range d.plan.Unneeded {
			d.keep(d.kept.ids[r.Node], Unneeded, verdict.Ratio("utilization", r.Utilization))
		}
		return
	}
	busy, draining := d.deleting()
	beside := parallel{busy, draining, map[string]bool{}}
	for _, r := range d.plan.Unneeded {
		id := d.kept.ids[r.Node]
		if code, facts := d.mustWait(id, r); code != "" {
			d.keep(id, code, facts...)
			continue
		}
		if node, waits := d.waitsForOthers(r); waits {
			d.keep(id, AtomicScaleDownFailed, verdict.Text("waits for node", node))
			continue
		}
		if !beside.admit(d, r) {
			d.keep(id, MaxParallelismReached, verdict.Number("deleting", beside.busy), verdict.Number("draining", beside.draining))
			continue
		}
		d.plan.ScaleDown = append(d.plan.ScaleDown, r)
		d.keep(id, Unneeded, verdict.Ratio("utilization", r.Utilization), verdict.Number("pods to move", len(r.Moves)),
			verdict.Duration("unneeded for", d.now.Sub(d.memory.UnneededSince[r.Node])))
	}
}

// deleting counts the nodes of our groups that are being removed, and those of them that still have pods to move. What the
// provider has accepted to delete is its affair, and takes no part in the limits.
func (d *decision) deleting() (busy, draining int) {
	for i, n := range d.s.Nodes {
		if _, accepted := d.memory.Deletions[n.Name]; accepted || !n.Deleting {
			continue
		}
		if _, ours := d.byGroup[n.Group]; !ours {
			continue
		}
		busy++
		if !d.empty(scheduling.NodeID(i)) {
			draining++
		}
	}
	return busy, draining
}

// mustWait is what an unneeded node waits for, or an empty code.
func (d *decision) mustWait(id scheduling.NodeID, r Removal) (verdict.Code, []verdict.Fact) {
	n := d.s.Nodes[id]
	p, _ := d.policyOf(id)
	code, wait := NotUnneededLongEnough, p.UnneededTime
	if !n.Ready {
		code, wait = NotUnreadyLongEnough, p.UnreadyTime
	}
	since := d.memory.UnneededSince[r.Node]
	if waited := d.now.Sub(since); waited < wait {
		d.plan.nextBy(since.Add(wait))
		return code, []verdict.Fact{verdict.Duration("unneeded for", waited), verdict.Duration("wait", wait), verdict.Ratio("utilization", r.Utilization)}
	}
	if after, until := d.cooldown(n.Group); d.now.Before(until) {
		d.plan.nextBy(until)
		return InCooldown, []verdict.Fact{verdict.Text("after", after), verdict.Duration("left", until.Sub(d.now))}
	}
	if len(d.plan.ScaleUp) > 0 || d.settling {
		return InCooldown, []verdict.Fact{verdict.Text("after", "pods that need nodes")}
	}
	return "", nil
}

// cooldown is the last of the waits after what was done before, to any group or to this one, and what that was.
func (d *decision) cooldown(group string) (after string, until time.Time) {
	last := Last{ScaleUp: d.memory.LastScaleUp, Delete: d.memory.LastDelete, Failure: d.memory.LastFailure}
	if d.policy.DelayTypeLocal {
		last = d.memory.LastOf[group]
	}
	for _, w := range []struct {
		after string
		last  time.Time
		wait  time.Duration
	}{
		{"scale-up", last.ScaleUp, d.policy.DelayAfterAdd},
		{"deletion", last.Delete, d.policy.DelayAfterDelete},
		{"failed deletion", last.Failure, d.policy.DelayAfterFailure},
	} {
		if end := w.last.Add(w.wait); !w.last.IsZero() && end.After(until) {
			after, until = w.after, end
		}
	}
	return after, until
}
