package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// addUpcoming adds the nodes that were requested, have not registered and are still waited for.
func (d *observing) addUpcoming() {
	waiting := make([]fleet.Awaiting, len(d.groups))
	for i := range d.groups {
		g := &d.groups[i]
		waiting[i] = fleet.Awaiting{
			Belief: &g.Belief, Deleting: g.deleting,
			MaxNodeProvisionTime: g.policy.MaxNodeProvisionTime, MaxNodeStartupTime: g.policy.MaxNodeStartupTime,
		}
	}
	for i, n := range d.s.Nodes {
		g, ours := d.groupOf(scheduling.NodeID(i))
		if !ours {
			continue
		}
		if !d.deleted(n) {
			waiting[g].Registered++
		}
		switch d.kept.stages[i] {
		case stageStarting:
			waiting[g].Starting++
		case stageClosed:
			if d.neverReady(n) {
				waiting[g].NeverReady = n.Name
			}
		}
	}
	awaited, memory := fleet.Await(waiting, d.memory.Memory, d.policy.Policy, d.now)
	d.memory.Memory = memory
	for i, a := range awaited {
		g := &d.groups[i]
		g.lost, g.readiness.LongUnregistered = a.Lost+a.Late, a.Late
		if a.Lost > 0 {
			d.plan.GiveUp = append(d.plan.GiveUp, Decrease{g.Name, g.Target, g.Target - a.Lost, a.Failed})
		}
		if len(a.Delete) > 0 {
			d.plan.Unregistered = append(d.plan.Unregistered, Deletion{Group: g.Name, Instances: a.Delete})
		}
		if !a.Next.IsZero() {
			d.plan.nextBy(a.Next)
		}
		for range a.Coming {
			d.upcoming = append(d.upcoming, g.Name)
		}
	}
}

// neverReady is whether a node, which does not count any more, came of a growth whose nodes have not all become ready yet:
// AwaitedSince lasts until they have. A node that broke later says nothing of the next one of its group. When a node was
// made is known to the second only.
func (d *observing) neverReady(n *Node) bool {
	since, awaited := d.memory.AwaitedSince[n.Group]
	return awaited && !n.Ready && !n.Deleting && !n.Created.Before(since.Truncate(time.Second))
}
