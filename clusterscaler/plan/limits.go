package plan

import (
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Range bounds an amount. Max 0 is no bound.
type Range struct{ Min, Max int64 }

// amount is a resource of the whole cluster that the policy bounds.
type amount struct {
	resource string
	of       func(scheduling.Resources) int64
	bounds   Range
	fact     func(name string, n int64) verdict.Fact
}

func amounts(p *Policy) []amount {
	out := []amount{
		{"cpu", func(r scheduling.Resources) int64 { return r.MilliCPU }, p.MilliCores, verdict.Milli},
		{"memory", func(r scheduling.Resources) int64 { return r.Memory }, p.Memory, verdict.Bytes},
	}
	for _, gpu := range p.GPUs {
		out = append(out, amount{gpu.Type, func(r scheduling.Resources) int64 { return r.Other(gpu.Type) }, gpu.Range,
			func(name string, n int64) verdict.Fact { return verdict.Number(name, n) }})
	}
	return out
}

// have sums up what the nodes of the cluster have: those that stand and do not go, and those on their way.
func (d *decision) have() scheduling.Resources {
	var sum scheduling.Resources
	for _, n := range d.s.Nodes {
		if !n.Deleting {
			sum = sum.Plus(d.counted(n), 1)
		}
	}
	for _, group := range d.upcoming {
		sum = sum.Plus(d.countedOf(d.groups[d.byGroup[group]].Group), 1)
	}
	return sum
}

// counted is what the limits count of a node. Its extended resources are its GPUs, by their type.
func (d *decision) counted(n *Node) scheduling.Resources {
	r := d.capacity(n)
	r.Extended = nil
	if len(d.policy.GPUs) == 0 {
		return r
	}
	kind, has := d.policy.accelerator(n.Labels)
	count := n.Allocatable.Other(gpuResource)
	if g, ours := d.byGroup[n.Group]; ours && count == 0 { // they do not show yet
		count = d.groups[g].Template.Allocatable.Other(gpuResource)
	}
	if has && count > 0 {
		r.Extended = []scheduling.Extended{{Name: kind, Amount: count}}
	}
	return r
}

// countedOf is what they count of a new node of the group.
func (d *decision) countedOf(g *Group) scheduling.Resources {
	r := g.Capacity
	r.Extended = nil
	if kind, has := d.policy.accelerator(g.Template.Labels); has && len(d.policy.GPUs) > 0 {
		r.Extended = []scheduling.Extended{{Name: kind, Amount: g.Template.Allocatable.Other(gpuResource)}}
	}
	return r
}

// capacity is what the node's machine has; as long as it has not said so itself, what its group's have.
func (d *decision) capacity(n *Node) scheduling.Resources {
	if n.Capacity.MilliCPU == 0 && n.Capacity.Memory == 0 {
		if g, ours := d.byGroup[n.Group]; ours {
			return d.groups[g].Capacity
		}
	}
	return n.Capacity
}

// withinLimits is how many of room more nodes of the group the cluster may have, and which limit says none.
func (d *decision) withinLimits(g *groupState, room int) (int, verdict.Verdict) {
	counted := d.countedOf(g.Group)
	for _, a := range amounts(&d.policy) {
		limit, each, now := a.bounds.Max, a.of(counted), a.of(d.total)
		if limit == 0 || each <= 0 {
			continue
		}
		left := max(limit-now, 0) / each
		if left == 0 {
			return 0, verdict.Because(groupSubject(g.Name), ResourceLimitReached, verdict.Text("resource", a.resource),
				a.fact("have", now), a.fact("node", each), a.fact("max", limit))
		}
		room = int(min(int64(room), left))
	}
	return room, verdict.Verdict{}
}

// keptByLimits is the lower limit that the cluster would fall below without the node, after the removals so far.
func (r *removals) keptByLimits(n *Node) []verdict.Fact {
	counted := r.counted(n)
	for _, a := range amounts(&r.policy) {
		least, each, now := a.bounds.Min, a.of(counted), a.of(r.total)
		if least > 0 && each > 0 && now-each < least {
			return []verdict.Fact{verdict.Text("resource", a.resource), a.fact("have", now), a.fact("node", each), a.fact("min", least)}
		}
	}
	return nil
}
