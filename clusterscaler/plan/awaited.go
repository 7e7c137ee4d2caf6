package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// addUpcoming adds the nodes that were requested and have not registered. A group whose nodes cannot be launched, or have
// not come for MaxNodeProvisionTime, is backed off, and they are given up: what the provider has launched is deleted. It is
// backed off too when they have come and are not ready in that time, or in MaxNodeStartupTime.
func (d *decision) addUpcoming() {
	registered, starting := make([]int, len(d.groups)), make([]int, len(d.groups))
	stuck := make([]*Node, len(d.groups))
	for i, n := range d.s.Nodes {
		g, ours := d.groupOf(scheduling.NodeID(i))
		if !ours {
			continue
		}
		if !d.deleted(n) {
			registered[g]++
		}
		switch d.kept.stages[i] {
		case stageStarting:
			starting[g]++
		case stageClosed:
			if d.neverReady(n) {
				stuck[g] = n
			}
		}
	}
	before := d.memory.UnregisteredSince
	d.memory.UnregisteredSince = make(map[string]map[string]time.Time, len(before))
	for i := range d.groups {
		g := &d.groups[i]
		missing := max(g.Target-registered[i], 0)
		failed := min(len(g.Failed), missing) // a size that stale counts made too low is not lowered further
		late := d.lateInstances(g, before[g.Name])
		launched := len(g.Unregistered) - len(late)
		absent := missing - failed - len(g.Unregistered)
		late = late[:min(len(late), missing-failed)]
		if len(g.Failed) > 0 {
			d.backOff(g, g.Failed[0].Message)
		}
		if stuck[i] != nil {
			d.backOff(g, fmt.Sprintf("its node %s has registered and not become ready for %s", stuck[i].Name, g.policy.MaxNodeStartupTime))
		}
		g.lost = failed + d.launches(g, absent, launched, starting[i])
		if g.lost > 0 {
			d.plan.GiveUp = append(d.plan.GiveUp, Decrease{g.Name, g.Target, g.Target - g.lost, failed})
		}
		d.deleteLate(g, late)
		for range missing - g.lost {
			d.addTemplate(g)
			d.upcoming = append(d.upcoming, g.Name)
		}
	}
	d.requested = len(d.upcoming)
}

// neverReady is whether a node, which does not count any more, came of a growth whose nodes have not all become ready yet:
// AwaitedSince lasts until they have. A node that broke later says nothing of the next one of its group. When a node was
// made is known to the second only.
func (d *decision) neverReady(n *Node) bool {
	since, awaited := d.memory.AwaitedSince[n.Group]
	return awaited && !n.Ready && !n.Deleting && !n.Created.Before(since.Truncate(time.Second))
}

// lateInstances are the group's instances without a node for MaxNodeProvisionTime, the longest first.
func (d *decision) lateInstances(g *groupState, before map[string]time.Time) []string {
	if len(g.Unregistered) == 0 {
		return nil
	}
	var late []string
	since := make(map[string]time.Time, len(g.Unregistered))
	for _, instance := range g.Unregistered {
		first, known := before[instance]
		if !known {
			first = d.now
		}
		since[instance] = first
		due := first.Add(g.policy.MaxNodeProvisionTime)
		if d.now.Before(due) {
			d.plan.nextBy(due)
			continue
		}
		late = append(late, instance)
		d.timedOut(g, due, "its instance "+instance+" has not registered for "+g.policy.MaxNodeProvisionTime.String())
	}
	d.memory.UnregisteredSince[g.Name] = since
	slices.SortStableFunc(late, func(a, b string) int { return since[a].Compare(since[b]) })
	return late
}

// deleteLate has instances deleted that no node will come of, as many as the group has above its minimum. The others are
// counted on no more either.
func (d *decision) deleteLate(g *groupState, late []string) {
	if len(late) == 0 {
		return
	}
	n := len(late)
	if !d.policy.ForceDeleteUnregistered {
		n = min(n, max(g.Target-g.lost-g.deleting-g.Min, 0))
	}
	if n > 0 {
		d.plan.Unregistered = append(d.plan.Unregistered, Deletion{Group: g.Name, Instances: late[:n]})
	}
	g.lost += len(late)
	g.readiness.LongUnregistered = len(late)
}

// launches is how many of so many nodes of the group that the provider has not even launched are waited for no more. The
// wait for them goes on until the launched ones are ready; an instance without a node has a time of its own.
func (d *decision) launches(g *groupState, missing, launched, starting int) (lost int) {
	missing = max(missing, 0)
	since, known := d.memory.AwaitedSince[g.Name]
	switch {
	case missing == 0 && (launched+starting == 0 || !known):
		delete(d.memory.AwaitedSince, g.Name)
		return 0
	case !known:
		since = d.now
		d.memory.AwaitedSince[g.Name] = since
	}
	due := since.Add(g.policy.MaxNodeProvisionTime)
	switch {
	case d.now.Before(due):
		d.plan.nextBy(due)
		return 0
	case missing+starting == 0:
		return 0
	case missing == 0:
		d.timedOut(g, due, fmt.Sprintf("its nodes have registered and not become ready for %s", g.policy.MaxNodeProvisionTime))
	default:
		d.timedOut(g, due, fmt.Sprintf("its nodes have not come for %s", g.policy.MaxNodeProvisionTime))
	}
	return missing
}

// timedOut backs the group off for nodes that were due then, unless that has been done.
func (d *decision) timedOut(g *groupState, due time.Time, why string) {
	if d.memory.Backoffs[g.Name].Failed.Before(due) {
		d.backOff(g, why)
	}
}

// backOff leaves the group alone for a while, if it is not yet.
func (d *decision) backOff(g *groupState, why string) {
	if !d.now.Before(d.memory.Backoffs[g.Name].Until) {
		d.memory = d.memory.ScaleUpFailed(g.Name, why, d.policy, d.now)
	}
}
