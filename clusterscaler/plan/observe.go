package plan

import (
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// observed is what there is: the outcome of the first stage. It asks no simulator.
type observed struct {
	// plan has what follows from it alone: Cluster, Readiness, Capacity, States, GiveUp, Unregistered, Resume, and Next.
	plan Plan
	// memory is that of before, with what has been learned of nodes on their way, of deletions and of back-offs.
	memory Memory
	// groups are in the order of the snapshot.
	groups []groupState
	// upcoming has the group of each node that was requested and is expected to come.
	upcoming []string
}

// groupState is how a group stands.
type groupState struct {
	*Group
	// policy is that of this group.
	policy *Policy
	// deleting is how many nodes are going that the size still counts, and lost how many were requested, have not come and are given up.
	deleting, lost int
	readiness      Readiness
}

// observe says what there is: what was requested and may still come, what is being deleted, and how healthy it all is.
func observe(l *loop) observed {
	d := &observing{loop: l, observed: observed{memory: l.before.clone()}}
	d.groups = make([]groupState, 0, len(l.s.Groups))
	for i := range l.s.Groups {
		d.groups = append(d.groups, groupState{Group: &l.s.Groups[i], policy: l.policies[i]})
	}
	for _, id := range l.kept.going {
		if g, ours := l.groupOf(id); ours && !l.deleted(l.kept.nodes[id]) {
			d.groups[g].deleting++
		}
	}
	d.resumeDeletions()
	d.addUpcoming()
	d.plan.Capacity = d.have()
	d.judgeHealth()
	return d.observed
}

// observing is the work of observe.
type observing struct {
	*loop
	observed
}

// have sums up what the nodes of the cluster have, nodes on their way included. Nodes that are deleting do not count.
func (d *observing) have() scheduling.Resources {
	var sum scheduling.Resources
	for _, n := range d.s.Nodes {
		if !n.Deleting {
			sum = sum.Plus(d.counted(n), 1)
		}
	}
	for _, group := range d.upcoming {
		sum = sum.Plus(d.countedOf(&d.s.Groups[d.byGroup[group]]), 1)
	}
	return sum
}

// rested is when the first of the groups that rest after a failure may grow again.
func (o *observed) rested(now time.Time) (until time.Time) {
	for i := range o.groups {
		g := &o.groups[i]
		if b, rests := o.memory.Resting(g.Name, g.Places, now); rests && g.Trouble == "" {
			until = sooner(until, b.Until)
		}
	}
	return until
}

func (o *observed) unhealthy() bool { return o.plan.Cluster.Code == ClusterUnhealthy }
