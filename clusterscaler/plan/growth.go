package plan

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// growth is by how much the groups grow, and for which pods: the outcome of the third stage. It is a value: trials of growth
// begin with copies of one, made by growingFrom.
type growth struct {
	// mark is the world with all that is placed.
	mark   mark
	placed placed
	// batches are the pods that no group grows for.
	batches []batch
	// groups are in the order of the snapshot.
	groups []groupGrowth
	// total is what the nodes of the cluster have together, and dropped how many nodes the plan has dropped again.
	total   scheduling.Resources
	dropped int
	// question is the first that has no answer.
	question Question
}

// groupGrowth is how a group grows.
type groupGrowth struct {
	*model
	// grows is by how much the plan grows the group.
	grows int
	// limited is whether pods wait for a later loop in which it can grow again, and shut that it must open no domain.
	limited, shut bool
	// blocked is why the group cannot grow; the zero value when it can.
	blocked verdict.Verdict
	verdict verdict.Verdict
}

// noGrowth is before any group grows.
func noGrowth(w *world, n *needs) growth {
	g := growth{mark: n.mark, placed: n.placed, batches: n.batches, total: w.plan.Capacity}
	g.groups = make([]groupGrowth, 0, len(w.models))
	for i := range w.models {
		g.groups = append(g.groups, groupGrowth{model: &w.models[i]})
	}
	return g
}

// grow grows groups until no pod without a node can be helped.
func grow(w *world, n *needs) growth {
	d := growForPods(w, noGrowth(w, n))
	d.growToMinimum()
	return d.until()
}

// growing is the work of grow.
type growing struct {
	*world
	growth
}

// growingFrom goes on from the growth, which stays as it is. All growth after it is taken back.
func growingFrom(w *world, g growth) *growing {
	w.goTo(g.mark)
	g.placed, g.batches, g.groups = g.placed.apart(), apart(g.batches), slices.Clone(g.groups)
	return &growing{w, g}
}

// until is the growth so far.
func (d *growing) until() growth {
	d.mark = d.here()
	return d.growth
}

// apart are the batches with lists of open nodes of their own.
func apart(batches []batch) []batch {
	out := slices.Clone(batches)
	for i := range out {
		out[i].open = slices.Clone(out[i].open)
	}
	return out
}

// rounds grow groups until no option is left: each round takes the best.
func (d *growing) rounds() {
	for {
		options := d.options()
		if len(options) == 0 {
			return
		}
		best := choose(d.policy.Expanders, options, d.ask)
		d.explainChoice(best, options)
		d.take(best)
	}
}

// options are those of all groups that can grow, by the name of the group.
func (d *growing) options() []option {
	var out []option
	alike := map[string]option{} // groups with equal nodes have equal options, as far as they may grow
	for i := range d.groups {
		g := &d.groups[i]
		members, room, why := d.members(g)
		if g.blocked = why; g.limited && why.Code == "" {
			g.blocked = d.limited(g)
		}
		if room == 0 {
			continue
		}
		o, known := alike[g.alike]
		// a known one does where it was not limited, and would not be now
		if !known || d.policy.BalanceSimilar || o.nodes >= min(room, o.room) {
			o = d.option(g, room, members)
			alike[g.alike] = o
		}
		if o.pods == 0 {
			continue
		}
		o.group, o.lot, o.later = g, lot(g.Name, d.now), why.Code != ""
		o.priority, o.prioritized = d.policy.priorityOf(g.Name)
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b option) int { return strings.Compare(a.group.Name, b.group.Name) })
	return out
}

// take takes the option: its nodes join the world and its pods leave the batches. Of one that comes in a later loop its
// pods wait for it.
func (d *growing) take(o *option) {
	if o.later {
		d.wait(o)
		return
	}
	g := o.group
	members, room, _ := d.members(g)
	done := d.pack(g, room, members, true)
	code, facts := g.verdict.Code, g.verdict.Facts
	if n := distinct(done.of); n > 1 {
		facts = append(facts, verdict.Number("shared by similar groups", n))
	}
	if g.grows == 0 && !slices.Contains(done.of, g) {
		g.verdict = notChosen(o, done.of[0], o, verdict.Text("tie broken by", "the sizes of similar groups"))
	}
	for _, member := range done.of {
		d.count(member)
		member.verdict = verdict.Because(groupSubject(member.Name), code, facts...)
	}
	for _, fill := range done.fill {
		d.placed.add(d.batches[fill.batch].take(fill.pods, fill.node))
	}
	d.waitForRest(&done)
	d.fillGaps(d.batches, &d.placed)
	d.batches = unplaced(d.batches)
}

// count counts a node of the group, which the world has already.
func (d *growing) count(g *groupGrowth) {
	g.grows++
	d.total = d.total.Plus(d.countedOf(g.Group), 1)
	d.placed.upcoming = append(d.placed.upcoming, g.Name)
}

func distinct(groups []*groupGrowth) int {
	seen := map[*groupGrowth]bool{}
	for _, g := range groups {
		seen[g] = true
	}
	return len(seen)
}

// growToMinimum grows groups that are smaller than they must be, whether pods need nodes or not, as far as the limits
// and back-offs of growth allow.
func (d *growing) growToMinimum() {
	if !d.policy.EnforceMinSize {
		return
	}
	for i := range d.groups {
		g := &d.groups[i]
		size := g.Target + g.grows
		if size >= g.Min {
			continue
		}
		room, why := d.room(g)
		if room > 0 {
			room, why = d.loopRoom(g, room)
		}
		if room == 0 {
			if g.verdict.Code == "" {
				g.verdict = why
			}
			continue
		}
		n := min(g.Min-size, room)
		if g.Options.AllOrNothing {
			n = room
		}
		for range n {
			d.addNew(g.model)
			d.count(g)
		}
		facts := []verdict.Fact{verdict.Number("min", g.Min)}
		if g.verdict.Code == ScaledUpGroup { // for pods, too
			facts = append(facts, g.verdict.Facts...)
		}
		g.verdict = verdict.Because(groupSubject(g.Name), ScaledUpGroup, facts...)
	}
}
