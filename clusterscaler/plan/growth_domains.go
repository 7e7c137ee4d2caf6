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
func growForPods(w *world, start growth) *growing {
	d := growingFrom(w, start)
	if d.anySpread() {
		d = attempts(w, start)
	} else {
		d.rounds()
	}
	for d.dropNeedless() { // which leaves room for others, but opens no domain late
		for _, g := range d.closed() {
			d.groups[g].shut = true
		}
		d.rounds()
	}
	for i := range d.groups {
		d.groups[i].shut = false
	}
	return d
}

// attempts plans the growth until no other attempt is worth it, and returns the best.
func attempts(w *world, start growth) *growing {
	var best, last attempt
	for last.number = range maxAttempts {
		d := last.try(w, start)
		start.question = d.question
		if last.number == 0 || last.better(&best) {
			best = last
		}
		next, other := d.nextAttempt(last)
		if other = other && last.number < maxAttempts-1; !other && best.number == last.number {
			return d
		} else if !other {
			break
		}
		last = next
	}
	return best.try(w, start)
}

// maxAttempts bounds how often growth is planned in one loop.
const maxAttempts = 8

// attempt is a plan of growth, and how it turned out.
type attempt struct {
	number int
	// expected are the groups whose domains count from the beginning; those in shut may open none.
	expected, shut []int
	// late are the groups that opened a domain which was not expected.
	late []int
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
func (a *attempt) try(w *world, start growth) *growing {
	d := growingFrom(w, start)
	for _, g := range a.shut {
		d.groups[g].shut = true
	}
	d.expect(a.expected, 1)
	closed := d.closed()
	d.rounds()
	d.expect(a.expected, -1)
	a.late = slices.DeleteFunc(closed, func(g int) bool { return d.groups[g].grows == 0 })
	a.left, a.nodes, a.even = d.unhelped(), len(d.placed.upcoming)-d.placed.requested, d.even(d.placed.waitedFor())
	return d
}

// even is whether all pods that wait for these nodes keep their spread constraints.
func (w *world) even(waitedFor map[spreadOn]scheduling.NodeID) bool {
	for at, id := range waitedFor {
		if !w.cluster.SatisfiesTopologySpread(at.class, id) {
			return false
		}
	}
	return true
}

// nextAttempt is what to plan after this one, if it is worth it.
func (d *growing) nextAttempt(a attempt) (attempt, bool) {
	if !a.even && len(a.late) > 0 {
		a.expected = slices.Concat(a.expected, a.late)
		return a, true
	}
	if !a.even || d.uneven() {
		if in, found := d.inTheWay(a); found {
			a.expected = slices.DeleteFunc(slices.Clone(a.expected), func(g int) bool { return g == in })
			a.shut = append(slices.Clone(a.shut), in)
			return a, true
		}
	}
	return a, false
}

// inTheWay is, of the groups that have opened a domain and cannot grow further in it, the one that has grown least.
func (d *growing) inTheWay(a attempt) (smallest int, found bool) {
	for _, i := range slices.Concat(a.expected, a.late) {
		g := &d.groups[i]
		if room, _ := d.room(g); (room == 0 || !a.even) && g.grows > 0 && (!found || g.grows < d.groups[smallest].grows) {
			smallest, found = i, true
		}
	}
	return smallest, found
}

// anySpread is whether pods that need a node, or wait for one, have spread constraints.
func (d *growing) anySpread() bool {
	return len(d.batches) > 0 && len(d.placed.waitedFor()) > 0 || slices.ContainsFunc(d.batches, func(b batch) bool { return len(d.s.Classes.Spec(b.class).TopologySpread) > 0 })
}

// uneven is whether some pods find no node because there are too few in another domain.
func (d *growing) uneven() bool {
	for i := range d.groups {
		g := &d.groups[i]
		if room, _ := d.room(g); room > 0 && slices.ContainsFunc(d.batches, func(b batch) bool {
			return !b.later && d.misfit(g.model, b.class).Code == scheduling.TopologySpreadExceeded
		}) {
			return true
		}
	}
	return false
}

// expect counts a node of each of the groups as if it stood, or takes that back.
func (w *world) expect(groups []int, n int) {
	for _, g := range groups {
		w.cluster.AssumeNodes(w.templateOf(&w.models[g]), n)
	}
}

// closed are the groups whose first node opens a domain.
func (w *world) closed() []int {
	var out []int
	for i := range w.models {
		if g := &w.models[i]; g.Trouble == "" && w.cluster.NewDomain(w.templateOf(g)) != "" {
			out = append(out, i)
		}
	}
	return out
}

// unhelped is the number of pods for which no group grows, neither now nor later.
func (d *growing) unhelped() (n int) {
	for _, b := range d.batches {
		if !b.later {
			n += len(b.pods)
		}
	}
	return n
}
