package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// candidate is a node whose removal is considered.
type candidate struct {
	id          scheduling.NodeID
	utilization float64
	// empty says that no pod needs to move, waits that the node was unneeded in the loop before.
	empty, waits bool
}

// scaleDown finds the nodes that are not needed, and those of them that go now.
func (d *decision) scaleDown() {
	r := &removals{
		decision: d,
		drain:    newDrain(d.policy, d.now, d.s.Budgets, make([]int, len(d.s.Budgets))),
		receives: map[scheduling.NodeID]string{},
		from:     map[scheduling.Class]int{},
		left:     make([]int, len(d.groups)),
		closest:  closest{to: map[scheduling.Class]scheduling.NodeID{}},
	}
	for i, b := range d.s.Budgets {
		r.drain.allowed[i] = b.Allowed
	}
	for i := range d.groups {
		g := &d.groups[i]
		r.left[i] = g.Target - g.lost - g.deleting - g.Min
	}
	d.plan.Nodes = make([]NodeVerdict, len(d.s.Nodes))
	candidates := d.eligible()
	if len(candidates) > 0 { // else nothing moves
		r.order(candidates)
	}
	r.considerAll(candidates)
	d.remember()
	d.chooseNow()
	d.refuseComebacks()
}

// eligible gives each node that cannot go a verdict, and returns the others: empty ones first, then
// those that were unneeded before, then the least used.
func (d *decision) eligible() []candidate {
	var out []candidate
	for i, n := range d.s.Nodes {
		id := scheduling.NodeID(i)
		p, ours := d.policyOf(id)
		used := d.utilization(id, p)
		d.plan.Nodes[i] = NodeVerdict{Node: n.Name, Group: n.Group, Utilization: used.share}
		if code, facts := d.notEligible(id, p, ours, &used); code != "" {
			d.keep(id, code, facts...)
			continue
		}
		_, waits := d.memory.UnneededSince[n.Name]
		out = append(out, candidate{id: id, utilization: used.share, empty: d.empty(id), waits: waits})
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(first(a.empty, b.empty), first(a.waits, b.waits), cmp.Compare(a.utilization, b.utilization),
			strings.Compare(d.s.Nodes[a.id].Name, d.s.Nodes[b.id].Name))
	})
	return out
}

// first orders true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// notEligible is why a node is not even considered, or an empty code.
func (d *decision) notEligible(id scheduling.NodeID, p *Policy, ours bool, used *use) (verdict.Code, []verdict.Fact) {
	n := d.s.Nodes[id]
	switch {
	case !d.policy.ScaleDownEnabled:
		return ScaleDownDisabled, nil
	case n.Deleting:
		return d.ofDeletion(n)
	case n.Keep:
		return ScaleDownDisabledAnnotation, nil
	case !ours:
		return NotAutoscaled, nil
	case d.starting(id):
		return Starting, []verdict.Fact{verdict.Duration("age", d.now.Sub(n.Created))}
	case !used.known && used.unknown != "":
		return UnexpectedError, []verdict.Fact{verdict.Text("why", used.unknown)}
	case !used.known:
		return UnexpectedError, nil
	case !n.Ready && !d.policy.UnreadyEnabled:
		return ScaleDownUnreadyDisabled, nil
	}
	return d.tooUsed(n, p, used)
}

// keep gives a node its verdict.
func (d *decision) keep(id scheduling.NodeID, code verdict.Code, facts ...verdict.Fact) {
	d.plan.Nodes[id].Verdict = verdict.Because(verdict.On("node", d.kept.nodes[id].Name), code, facts...)
}
