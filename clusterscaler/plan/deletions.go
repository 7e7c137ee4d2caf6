package plan

import (
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// resumeDeletions finds the nodes whose removal nobody may be at work on. A deletion that the provider has accepted is due
// again after MaxNodeDeletionTime. A removal that another process began is due at once. But where no pods are left to move,
// and the provider does not say whether it is deleting the node, it may have accepted that already: then the removal is due
// when the taint is that old.
func (d *observing) resumeDeletions() {
	before := d.memory.Deletions
	d.memory.Deletions = make(map[string]fleet.Accepted, len(before))
	for _, id := range d.kept.going {
		n := d.kept.nodes[id]
		accepted, known := before[n.Name]
		if known {
			d.memory.Deletions[n.Name] = accepted
		}
		g, ours := d.byGroup[n.Group]
		if !ours {
			continue // the provider says that it is deleting the node, or does not know it
		}
		since := accepted.At
		if !known && slices.Contains(d.groups[g].Silent, n.Name) && !n.DeletingSince.After(d.now) && d.emptied(id) {
			since = n.DeletingSince
		}
		if due := since.Add(d.policy.MaxNodeDeletionTime); d.now.Before(due) {
			d.plan.nextBy(due)
			continue
		}
		d.plan.Resume = append(d.plan.Resume, Removal{Node: n.Name, Group: n.Group, AllOrNothing: d.allOrNothing(n.Group)})
	}
}

// emptied is whether a node that is being deleted has no pods left to move, nor any that goes together with it.
func (d *loop) emptied(id scheduling.NodeID) bool {
	group := d.kept.nodes[id].Group
	if !d.allOrNothing(group) {
		return d.empty(id)
	}
	return !slices.ContainsFunc(d.kept.going, func(other scheduling.NodeID) bool {
		return d.kept.nodes[other].Group == group && !d.empty(other)
	})
}

// deleted is whether the provider has accepted to delete the node and may still do so: the size of its group counts it no
// more.
func (d *loop) deleted(n *Node) bool {
	return n.Deleting && d.before.Gone(n.Name, &d.policy.Policy, d.now)
}

// ofDeletion is what is said of a node that is being deleted.
func (d *loop) ofDeletion(n *Node) (verdict.Code, []verdict.Fact) {
	accepted, known := d.before.Deletions[n.Name]
	if !known || accepted.Times == 1 && d.deleted(n) {
		return CurrentlyBeingDeleted, nil
	}
	return DeletionOverdue, []verdict.Fact{verdict.Number("asked", accepted.Times), verdict.Duration("last accepted", d.now.Sub(accepted.At))}
}
