package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Range bounds an amount. Max 0 is no bound.
type Range struct{ Min, Max int64 }

// amount is a resource of the whole cluster that the policy bounds.
type amount struct {
	resource string
	of       func(simulate.Resources) int64
	bounds   func(*Policy) Range
	fact     func(name string, n int64) verdict.Fact
}

func amounts() []amount {
	return []amount{
		{"cpu", func(r simulate.Resources) int64 { return r.MilliCPU }, func(p *Policy) Range { return p.MilliCores },
			func(name string, n int64) verdict.Fact { return verdict.Milli(name, n) }},
		{"memory", func(r simulate.Resources) int64 { return r.Memory }, func(p *Policy) Range { return p.Memory },
			func(name string, n int64) verdict.Fact { return verdict.Bytes(name, n) }},
	}
}

// have sums up what the nodes of the cluster have: those that stand and do not go, and those on their way.
func (d *decision) have() simulate.Resources {
	var sum simulate.Resources
	for _, n := range d.s.Nodes {
		if !n.Deleting {
			sum = sum.Plus(d.capacity(n), 1)
		}
	}
	for _, group := range d.upcoming {
		sum = sum.Plus(d.groups[d.byGroup[group]].Capacity, 1)
	}
	return sum
}

// capacity is what the node's machine has; as long as it has not said so itself, what its group's have.
func (d *decision) capacity(n *Node) simulate.Resources {
	if g, ours := d.byGroup[n.Group]; ours && n.Capacity.MilliCPU == 0 && n.Capacity.Memory == 0 {
		return d.groups[g].Capacity
	}
	return n.Capacity
}

// withinLimits is how many of room more nodes of the group the cluster may have, and which limit says none.
func (d *decision) withinLimits(g *groupState, room int) (int, verdict.Verdict) {
	for _, a := range amounts() {
		limit, each, now := a.bounds(&d.policy).Max, a.of(g.Capacity), a.of(d.total)
		if limit == 0 || each <= 0 {
			continue
		}
		left := max(limit-now, 0) / each
		if left == 0 {
			return 0, verdict.Because("group "+g.Name, ResourceLimitReached, verdict.Text("resource", a.resource),
				a.fact("have", now), a.fact("node", each), a.fact("max", limit))
		}
		room = int(min(int64(room), left))
	}
	return room, verdict.Verdict{}
}

// keptByLimits is the lower limit that the cluster would fall below without the node, after the removals so far.
func (r *removals) keptByLimits(n *Node) []verdict.Fact {
	for _, a := range amounts() {
		least, each, now := a.bounds(&r.policy).Min, a.of(r.capacity(n)), a.of(r.total)
		if least > 0 && each > 0 && now-each < least {
			return []verdict.Fact{verdict.Text("resource", a.resource), a.fact("have", now), a.fact("node", each), a.fact("min", least)}
		}
	}
	return nil
}
