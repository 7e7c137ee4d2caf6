package plan

import (
	"slices"

	"github.com/trimtab/trimtab/internal/verdict"
)

// considerWhole removes all nodes of a group that has all or none, of which these are the candidates, or keeps them all.
func (r *removals) considerWhole(group string, candidates []candidate) {
	g := &r.groups[r.byGroup[group]]
	if all := g.Target - g.lost - g.deleting; len(candidates) != all {
		for _, c := range candidates {
			r.keep(c.id, AtomicScaleDownFailed, verdict.Number("could go", len(candidates)), verdict.Number("nodes", all))
		}
		return
	}
	before := r.saved()
	for _, c := range candidates { // none takes the pods of another
		r.cluster.Hide(c.id)
	}
	for _, c := range candidates {
		n := len(r.gone)
		if r.consider(c); len(r.gone) > n {
			continue
		}
		r.back(before)
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
	whole := map[string][]candidate{}
	for _, c := range candidates {
		if group := r.s.Nodes[c.id].Group; r.allOrNothing(group) {
			whole[group] = append(whole[group], c)
		}
	}
	for _, c := range candidates {
		group := r.s.Nodes[c.id].Group
		if together, is := whole[group]; !is {
			r.consider(c)
		} else if len(together) > 0 {
			r.considerWhole(group, together)
			whole[group] = nil
		}
	}
}

// together are, for a removal of a group that has all of its nodes or none, all removals of the group; else it alone.
func (r *removals) together(n Removal) []Removal {
	if !n.AllOrNothing {
		return []Removal{n}
	}
	var all []Removal
	for _, other := range r.gone {
		if other.Group == n.Group {
			all = append(all, other)
		}
	}
	return all
}

// waitsForOthers is the node of the removal's group that keeps all of them waiting, if one does.
func (r *removals) waitsForOthers(n Removal, podsWait bool) (node string, waits bool) {
	if !n.AllOrNothing {
		return "", false
	}
	for _, other := range r.together(n) {
		if code, _, _ := r.mustWait(other, podsWait); code != "" { // it asks for itself when to look again
			return other.Node, true
		}
	}
	return "", false
}

// parallel is what is being removed, and has been decided on in this loop.
type parallel struct {
	busy, draining int
	// whole has the groups of which all nodes go, or none.
	whole map[string]bool
}

// admit is whether the removal may begin beside the others. A group that has all of its nodes or none may exceed the limits
// when nothing else is being removed: it could never go otherwise.
func (p *parallel) admit(r *removals, n Removal) bool {
	decided, known := p.whole[n.Group]
	if known {
		return decided
	}
	all := r.together(n)
	draining := 0
	for _, one := range all {
		if !one.Empty {
			draining++
		}
	}
	fits := p.busy+len(all) <= r.policy.MaxParallelism && (draining == 0 || p.draining+draining <= r.policy.MaxDrainParallelism)
	if n.AllOrNothing {
		fits = fits || p.busy == 0
		p.whole[n.Group] = fits
	}
	if fits {
		p.busy += len(all)
		p.draining += draining
	}
	return fits
}

// refuse drops the removal at that place of the list of removals that begin now. If the nodes of its group go together, it
// drops all of them.
func (r *removals) refuse(at int, pod string) {
	refused := r.begin[at]
	r.begin = slices.DeleteFunc(r.begin, func(n Removal) bool {
		if n.Node != refused.Node && !(refused.AllOrNothing && n.Group == refused.Group) {
			return false
		}
		r.keep(r.kept.ids[n.Node], WouldBeAddedBack, verdict.Text("pod", pod))
		return true
	})
}
