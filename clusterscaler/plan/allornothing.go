package plan

import (
	"maps"
	"slices"

	"github.com/trimtab/trimtab/internal/verdict"
)

// roomForAll is by how many nodes a group grows that has all of its nodes or none, and why it cannot when that is none:
// the limits of the cluster must allow all of them. How many one group may grow by in a loop does not matter.
func (d *decision) roomForAll(g *groupState) (int, verdict.Verdict) {
	all := g.Max - g.Target - g.grows
	left, why := d.leftFor(g)
	if left >= all {
		return all, verdict.Verdict{}
	}
	if why.Code == "" {
		why = d.whichLimit(g, all)
	}
	why.Facts = append(slices.Clone(why.Facts), verdict.Number("needed at once", all))
	return 0, why
}

// whichLimit is the one that does not allow so many more nodes of the group, when it allows some.
func (d *decision) whichLimit(g *groupState, nodes int) verdict.Verdict {
	subject, counted := groupSubject(g.Name), d.countedOf(g.Group)
	for _, a := range amounts(&d.policy) {
		if each, now := a.of(counted), a.of(d.total); a.bounds.Max > 0 && each > 0 && now+each*int64(nodes) > a.bounds.Max {
			return verdict.Because(subject, ResourceLimitReached, verdict.Text("resource", a.resource),
				a.fact("have", now), a.fact("node", each), a.fact("max", a.bounds.Max))
		}
	}
	return verdict.Because(subject, MaxNodesTotalReached, verdict.Number("nodes", d.cluster.Len()), verdict.Number("max", d.policy.MaxNodesTotal))
}

// allOrNothing is whether the group has all of its nodes or none.
func (d *decision) allOrNothing(group string) bool {
	g, ours := d.byGroup[group]
	return ours && d.groups[g].Options.AllOrNothing
}

// considerAllOrNothing removes all nodes of a group that has all or none, of which these are the candidates, or keeps them all.
func (r *removals) considerAllOrNothing(group string, candidates []candidate) {
	g := &r.groups[r.byGroup[group]]
	if all := g.Target - g.lost - g.deleting; len(candidates) != all {
		for _, c := range candidates {
			r.keep(c.id, AtomicScaleDownFailed, verdict.Number("could go", len(candidates)), verdict.Number("nodes", all))
		}
		return
	}
	mark, before := r.cluster.Mark(), *r
	before.from, before.receives = maps.Clone(r.from), maps.Clone(r.receives)
	before.left, before.drain.allowed = slices.Clone(r.left), slices.Clone(r.drain.allowed)
	total, unneeded := r.total, len(r.plan.Unneeded)
	for _, c := range candidates { // none takes the pods of another
		r.cluster.Hide(c.id)
	}
	for _, c := range candidates {
		n := len(r.plan.Unneeded)
		if r.consider(c); len(r.plan.Unneeded) > n {
			continue
		}
		r.cluster.Undo(mark)
		*r = before
		r.total, r.plan.Unneeded = total, r.plan.Unneeded[:unneeded]
		for _, other := range candidates {
			if other.id != c.id {
				r.keep(other.id, AtomicScaleDownFailed, verdict.Text("because of node", r.s.Nodes[c.id].Name))
			}
		}
		return
	}
}

// considerAll removes the candidates one after another, those of a group that has all of its nodes or none where the first of
// them is.
func (r *removals) considerAll(candidates []candidate) {
	all := map[string][]candidate{}
	for _, c := range candidates {
		if group := r.s.Nodes[c.id].Group; r.allOrNothing(group) {
			all[group] = append(all[group], c)
		}
	}
	for _, c := range candidates {
		group := r.s.Nodes[c.id].Group
		if candidates, is := all[group]; !is {
			r.consider(c)
		} else if len(candidates) > 0 {
			r.considerAllOrNothing(group, candidates)
			all[group] = nil
		}
	}
}

// allOfGroup are all removals of the group, where it has all of its nodes or none; else only this one.
func (d *decision) allOfGroup(r Removal) []Removal {
	if !d.allOrNothing(r.Group) {
		return []Removal{r}
	}
	var all []Removal
	for _, other := range d.plan.Unneeded {
		if other.Group == r.Group {
			all = append(all, other)
		}
	}
	return all
}

// waitsForOthers is the node of the removal's group that keeps all of them waiting, if one does.
func (d *decision) waitsForOthers(r Removal) (node string, waits bool) {
	if !d.allOrNothing(r.Group) {
		return "", false
	}
	next := d.plan.Next
	defer func() { d.plan.Next = next }() // each asks for itself
	for _, other := range d.allOfGroup(r) {
		if code, _ := d.mustWait(d.kept.ids[other.Node], other); code != "" {
			return other.Node, true
		}
	}
	return "", false
}

// parallel is what is being removed, and has been decided on in this loop.
type parallel struct {
	busy, draining int
	// admitted has for groups of all nodes or none whether their removals may begin.
	admitted map[string]bool
}

// admit is whether the removal may begin beside the others. A group that has all of its nodes or none may exceed the limits
// when nothing else is being removed: it could never go otherwise.
func (p *parallel) admit(d *decision, r Removal) bool {
	decided, known := p.admitted[r.Group]
	if known {
		return decided
	}
	all := d.allOfGroup(r)
	draining := 0
	for _, one := range all {
		if !one.Empty {
			draining++
		}
	}
	fits := p.busy+len(all) <= d.policy.MaxParallelism && (draining == 0 || p.draining+draining <= d.policy.MaxDrainParallelism)
	if d.allOrNothing(r.Group) {
		fits = fits || p.busy == 0
		p.admitted[r.Group] = fits
	}
	if fits {
		p.busy += len(all)
		p.draining += draining
	}
	return fits
}

// refuse drops the removal at that place of the plan, and all of its group where they go together.
func (d *decision) refuse(at int, pod string) {
	refused := d.plan.ScaleDown[at]
	all := d.allOrNothing(refused.Group)
	d.plan.ScaleDown = slices.DeleteFunc(d.plan.ScaleDown, func(r Removal) bool {
		if r.Node != refused.Node && !(all && r.Group == refused.Group) {
			return false
		}
		d.keep(d.kept.ids[r.Node], WouldBeAddedBack, verdict.Text("pod", pod))
		return true
	})
}

// fillUp adds to what an option places the nodes without pods that come all the same.
func (d *decision) fillUp(g *groupState, o *option) {
	if !g.Options.AllOrNothing || o.pods == 0 {
		return
	}
	for o.nodes < o.room {
		d.addTemplate(g)
		o.of = append(o.of, g)
		o.nodes++
	}
}
