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

// counted is what the limits count of a node. Its extended resources are its GPUs, by their type.
func (l *loop) counted(n *Node) scheduling.Resources {
	r := l.capacity(n)
	r.Extended = nil
	if len(l.policy.GPUs) == 0 {
		return r
	}
	kind, has := l.policy.accelerator(n.Labels)
	count := n.Allocatable.Other(gpuResource)
	if g, ours := l.byGroup[n.Group]; ours && count == 0 { // they do not show yet
		count = l.s.Groups[g].Template.Allocatable.Other(gpuResource)
	}
	if has && count > 0 {
		r.Extended = []scheduling.Extended{{Name: kind, Amount: count}}
	}
	return r
}

// countedOf is what they count of a new node of the group.
func (l *loop) countedOf(g *Group) scheduling.Resources {
	r := g.Capacity
	r.Extended = nil
	if kind, has := l.policy.accelerator(g.Template.Labels); has && len(l.policy.GPUs) > 0 {
		r.Extended = []scheduling.Extended{{Name: kind, Amount: g.Template.Allocatable.Other(gpuResource)}}
	}
	return r
}

// capacity is what the node's machine has; as long as it has not said so itself, what its group's have.
func (l *loop) capacity(n *Node) scheduling.Resources {
	if n.Capacity.MilliCPU == 0 && n.Capacity.Memory == 0 {
		if g, ours := l.byGroup[n.Group]; ours {
			return l.s.Groups[g].Capacity
		}
	}
	return n.Capacity
}

// reached says that so much is there, and that each node of the group would exceed the upper bound.
func (a *amount) reached(group string, now, each int64) verdict.Verdict {
	return verdict.Because(groupSubject(group), ResourceLimitReached, verdict.Text("resource", a.resource),
		a.fact("have", now), a.fact("node", each), a.fact("max", a.bounds.Max))
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
