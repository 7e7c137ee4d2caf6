package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Readiness counts nodes by how they take part.
type Readiness struct {
	Ready, Starting, Unready int
	// Deleting nodes are none of the others.
	Deleting int
	// LongUnregistered are the instances of a group that have had no node for MaxNodeProvisionTime.
	LongUnregistered int
}

func (r Readiness) nodes() int { return r.Ready + r.Starting + r.Unready + r.LongUnregistered }

func (r *Readiness) add(n *Node, s stage) {
	switch {
	case n.Deleting:
		r.Deleting++
	case s == stageStarting:
		r.Starting++
	case n.Ready:
		r.Ready++
	default:
		r.Unready++
	}
}

// GroupState is how a group stands at the beginning of a loop.
type GroupState struct {
	Name             string
	Min, Max, Target int
	Readiness        Readiness
	// Coming is how many nodes are on their way, and Lost how many were given up.
	Coming, Lost int
	Healthy      bool
	// Backoff is what the group rests after; its Until is zero for one that does not.
	Backoff fleet.Backoff
}

// tooManyUnready is whether so many nodes have broken that the cause is likely not theirs, and to answer with more
// nodes, or fewer, would make it worse.
func (p *Policy) tooManyUnready(r Readiness) bool {
	return r.Unready > p.OkTotalUnreadyCount && float64(r.Unready)*100 > p.MaxTotalUnreadyPercentage*float64(r.nodes())
}

func unreadyFacts(r Readiness) []verdict.Fact {
	return []verdict.Fact{verdict.Number("unready", r.Unready), verdict.Number("nodes", r.nodes())}
}

// judgeHealth counts the nodes of the cluster and of each group.
func (d *observing) judgeHealth() {
	for i, n := range d.s.Nodes {
		d.plan.Readiness.add(n, d.kept.stages[i])
		if g, ours := d.groupOf(scheduling.NodeID(i)); ours {
			d.groups[g].readiness.add(n, d.kept.stages[i])
		}
	}
	code := ClusterHealthy
	if d.policy.tooManyUnready(d.plan.Readiness) {
		code = ClusterUnhealthy
	}
	d.plan.States = d.states()
	d.plan.Cluster = verdict.Because(verdict.On("cluster", ""), code, unreadyFacts(d.plan.Readiness)...)
}

func (d *observing) states() []GroupState {
	coming := map[string]int{}
	for _, group := range d.upcoming {
		coming[group]++
	}
	out := make([]GroupState, len(d.groups))
	for i := range d.groups {
		g := &d.groups[i]
		out[i] = GroupState{
			Name: g.Name, Min: g.Min, Max: g.Max, Target: g.Target, Readiness: g.readiness,
			Coming: coming[g.Name], Lost: g.lost, Healthy: !d.policy.tooManyUnready(g.readiness),
		}
		if b, rests := d.memory.Resting(g.Name, g.Places, d.now); rests {
			out[i].Backoff = b
		}
	}
	return out
}
