package plan

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// growForPods grows groups for the pods that need a node, so that the next loop finds nothing to add for them and nothing
// to remove.
//
// To the scheduler a domain exists once a node is in it, and the domain with the fewest pods bounds how many the others may
// have. So a group that opens a domain late in a plan takes the place away from pods that were planned for other domains.
// Such a plan is made anew with the domain counted from the beginning. Where that leaves pods without a node, the smallest
// group in their way stays shut until the others run.
func (d *decision) growForPods() {
	d.growing = true
	if d.anySpread() {
		d.attempts()
	} else {
		d.rounds()
	}
	for d.dropNeedless() { // which leaves room for others, but opens no domain late
		for _, g := range d.closed() {
			g.shut = true
		}
		d.rounds()
	}
	d.renumber()
	for i := range d.groups {
		d.groups[i].shut = false
	}
}

// attempts plans the growth until no other attempt is worth it, and leaves the best.
func (d *decision) attempts() {
	before := d.checkpoint()
	var best, last attempt
	for n := 1; n <= maxAttempts; n++ {
		if n > 1 {
			d.restore(before)
		}
		d.try(&last)
		if n == 1 || last.better(&best) {
			best = last
		}
		next, other := d.nextAttempt(last)
		if !other {
			break
		}
		next.number = last.number + 1
		last = next
	}
	if last.number != best.number {
		d.restore(before)
		d.try(&best)
	}
}

// maxAttempts bounds how often growth is planned in one loop.
const maxAttempts = 8

// attempt is a plan of growth, and how it turned out.
type attempt struct {
	number int
	// expected are the groups whose domains count from the beginning; those in shut may open none.
	expected, shut []*groupState
	// late are the groups that opened a domain which was not expected.
	late []*groupState
	// even is whether all pods that wait for nodes keep their spread constraints, left how many have none, and nodes
	// how many come.
	even        bool
	left, nodes int
}

// better prefers plans that keep the spread constraints, then plans that help more pods, then plans with fewer nodes.
func (a *attempt) better(other *attempt) bool {
	return a.even && (!other.even || cmp.Or(cmp.Compare(a.left, other.left), cmp.Compare(a.nodes, other.nodes)) < 0)
}

// try plans the growth.
func (d *decision) try(a *attempt) {
	for _, g := range a.shut {
		g.shut = true
	}
	d.expect(a.expected, 1)
	closed := d.closed()
	d.rounds()
	d.expect(a.expected, -1)
	a.late = slices.DeleteFunc(closed, func(g *groupState) bool { return g.grows == 0 })
	a.left, a.nodes, a.even = d.unhelped(), len(d.upcoming)-d.requested, d.even()
}

// even is whether all pods that wait for nodes keep their spread constraints.
func (d *decision) even() bool {
	for at, id := range d.onWay {
		if !d.cluster.SatisfiesTopologySpread(at.class, id) {
			return false
		}
	}
	return true
}

// nextAttempt is what to plan after this one, if it is worth it.
func (d *decision) nextAttempt(a attempt) (attempt, bool) {
	if !a.even && len(a.late) > 0 {
		a.expected = slices.Concat(a.expected, a.late)
		return a, true
	}
	if !a.even || d.uneven() {
		if in := d.inTheWay(a); in != nil {
			a.expected = slices.DeleteFunc(slices.Clone(a.expected), func(g *groupState) bool { return g == in })
			a.shut = append(slices.Clone(a.shut), in)
			return a, true
		}
	}
	return a, false
}

// inTheWay is, of the groups that have opened a domain and cannot grow further in it, the one that has grown least.
func (d *decision) inTheWay(a attempt) (smallest *groupState) {
	for _, g := range slices.Concat(a.expected, a.late) {
		if room, _ := d.room(g); (room == 0 || !a.even) && g.grows > 0 && (smallest == nil || g.grows < smallest.grows) {
			smallest = g
		}
	}
	return smallest
}

// anySpread is whether pods that need a node, or wait for one, have spread constraints.
func (d *decision) anySpread() bool {
	return len(d.onWay) > 0 && len(d.batches) > 0 || slices.ContainsFunc(d.batches, func(b batch) bool { return len(d.s.Classes.Spec(b.class).TopologySpread) > 0 })
}

// uneven is whether some pods find no node because there are too few in another domain.
func (d *decision) uneven() bool {
	for i := range d.groups {
		g := &d.groups[i]
		if room, _ := d.room(g); room > 0 && slices.ContainsFunc(d.batches, func(b batch) bool {
			return !b.later && d.misfit(g, b.class).Code == scheduling.TopologySpreadExceeded
		}) {
			return true
		}
	}
	return false
}

// expect counts a node of each of the groups as if it stood, or takes that back.
func (d *decision) expect(groups []*groupState, n int) {
	for _, g := range groups {
		d.cluster.AssumeNodes(d.templateOf(g), n)
	}
}

// closed are the groups whose first node opens a domain.
func (d *decision) closed() []*groupState {
	var out []*groupState
	for i := range d.groups {
		if g := &d.groups[i]; g.Trouble == "" && d.cluster.NewDomain(d.templateOf(g)) != "" {
			out = append(out, g)
		}
	}
	return out
}

// unhelped is the number of pods for which no group grows, neither now nor later.
func (d *decision) unhelped() (n int) {
	for _, b := range d.batches {
		if !b.later {
			n += len(b.pods)
		}
	}
	return n
}

// spreadOn is a class with spread constraints, and the node that pods of it wait for, or the group of such nodes.
type spreadOn struct {
	class scheduling.Class
	on    string
}

// waitsFor notes that pods of the class wait for the node.
func (d *decision) waitsFor(class scheduling.Class, on string, id scheduling.NodeID) {
	if len(d.s.Classes.Spec(class).TopologySpread) > 0 {
		d.onWay[spreadOn{class, on}] = id
	}
}
