package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// option is what growing a group would bring.
type option struct {
	group *groupState
	nodes int
	// room is how many nodes there could have been.
	room int
	pods int
	// placed has the number of pods placed of each batch.
	placed []int
	// requested is the sum of what the placed pods request.
	requested simulate.Resources
	// lot is what was drawn for the group; priority is its own, if it has one.
	lot         float64
	priority    int
	prioritized bool
	facts       []verdict.Fact
}

// scaleUp grows groups until no pod without a node can be helped: each round takes the best option.
func (d *decision) scaleUp() {
	d.wanted = len(d.batches) > 0
	for round := 0; ; round++ {
		options := d.options()
		if round == 0 && d.policy.Explain {
			d.explainBatches()
		}
		if len(options) == 0 {
			break
		}
		best := choose(d.policy.Expanders, options)
		d.explainChoice(best, options)
		d.grow(best)
	}
	d.growToMinimum()
	d.reportGroups()
	d.reportPods()
}

// options are those of all groups that can grow, by the name of the group.
func (d *decision) options() []option {
	var out []option
	alike := map[string]option{} // groups with equal nodes have equal options, as far as they may grow
	for i := range d.groups {
		g := &d.groups[i]
		room, why := d.room(g)
		if g.blocked = why; room == 0 {
			continue
		}
		o, known := alike[g.nodes]
		if !known || o.nodes >= min(room, o.room) { // else the limit did not matter then, and does not now
			o = d.option(g, room)
			alike[g.nodes] = o
		}
		if o.pods == 0 {
			continue
		}
		o.group, o.lot = g, lot(g.Name, d.now)
		o.priority, o.prioritized = d.policy.priorityOf(g.Name)
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b option) int { return strings.Compare(a.group.Name, b.group.Name) })
	return out
}

// room is by how many nodes the group may grow in this loop, and why not when that is none.
func (d *decision) room(g *groupState) (int, verdict.Verdict) {
	subject := groupSubject(g.Name)
	if b, failed := d.memory.Backoffs[g.Name]; failed && d.now.Before(b.Until) {
		d.plan.nextBy(b.Until)
		return 0, verdict.Because(subject, BackedOff, verdict.Duration("left", b.Until.Sub(d.now)))
	}
	size := g.Target + g.grows
	room := g.Max - size
	if room <= 0 {
		return 0, verdict.Because(subject, MaxGroupSizeReached, verdict.Number("size", size), verdict.Number("max", g.Max))
	}
	if left := d.policy.MaxNodesPerScaleUp - g.grows; left <= 0 {
		return 0, verdict.Because(subject, MaxNodesPerScaleUpReached, verdict.Number("max", d.policy.MaxNodesPerScaleUp))
	} else {
		room = min(room, left)
	}
	if d.policy.MaxNodesTotal > 0 {
		left := d.policy.MaxNodesTotal - d.cluster.Len()
		if left <= 0 {
			return 0, verdict.Because(subject, MaxNodesTotalReached, verdict.Number("nodes", d.cluster.Len()), verdict.Number("max", d.policy.MaxNodesTotal))
		}
		room = min(room, left)
	}
	return d.withinLimits(g, room)
}

// option packs the batches onto up to room new nodes of the group, the largest pods first, each onto
// the first of the new nodes with room. The cluster is left as it was.
func (d *decision) option(g *groupState, room int) option {
	mark := d.cluster.Mark()
	defer d.cluster.Undo(mark)
	return d.pack(g, room)
}

func (d *decision) pack(g *groupState, room int) option {
	o := option{group: g, room: room, placed: make([]int, len(d.batches))}
	first := simulate.NodeID(d.cluster.Len())
	for _, b := range d.largestFirst(g) {
		class, want := d.batches[b].class, len(d.batches[b].pods)
		if !d.cluster.Constrained(class) && !d.misfit(g, class).OK() {
			continue
		}
		n := 0
		for id := first; int(id) < d.cluster.Len() && n < want; id++ {
			n += d.cluster.Fill(class, id, want-n)
		}
		for n < want && o.nodes < room {
			mark := d.cluster.Mark()
			more := d.cluster.Fill(class, d.addTemplate(g), want-n)
			if more == 0 { // one more would not help either
				d.cluster.Undo(mark)
				break
			}
			o.nodes++
			n += more
		}
		o.placed[b] = n
		o.pods += n
		o.requested = o.requested.Plus(d.s.Classes.Spec(class).Requests, int64(n))
	}
	return o
}

// largestFirst orders the batches by their share of the group's node, CPU plus memory.
func (d *decision) largestFirst(g *groupState) []int {
	order := make([]int, len(d.batches))
	share := make([]float64, len(d.batches))
	for i, b := range d.batches {
		r := &d.s.Classes.Spec(b.class).Requests
		order[i] = i
		share[i] = ratio(r.MilliCPU, g.Template.Allocatable.MilliCPU) + ratio(r.Memory, g.Template.Allocatable.Memory)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(share[b], share[a]) })
	return order
}

func ratio(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// misfit is why a pod of the class does not fit on an empty new node of the group, as the others stand now.
func (d *decision) misfit(g *groupState, class simulate.Class) simulate.Misfit {
	if m, known := g.misfits[class]; known {
		return m
	}
	mark := d.cluster.Mark()
	m := d.cluster.Fits(class, d.addTemplate(g))
	d.cluster.Undo(mark)
	if !d.cluster.Constrained(class) {
		g.misfits[class] = m
	}
	return m
}

// grow takes the option: its nodes join the cluster and its pods leave the batches.
func (d *decision) grow(o *option) {
	g := o.group
	d.pack(g, o.nodes)
	g.grows += o.nodes
	d.total = d.total.Plus(g.Capacity, int64(o.nodes))
	for range o.nodes {
		d.upcoming = append(d.upcoming, g.Name)
	}
	for _, i := range d.largestFirst(g) {
		b := &d.batches[i]
		for _, pod := range b.pods[:o.placed[i]] {
			d.growFor(g, pod)
		}
		b.pods = b.pods[o.placed[i]:]
	}
	d.fillGaps()
	d.batches = slices.DeleteFunc(d.batches, func(b batch) bool { return len(b.pods) == 0 })
}

// growFor notes that the group grows for the pod.
func (d *decision) growFor(g *groupState, pod int32) {
	g.pods = append(g.pods, d.s.Pods[pod].Name)
	d.planFor(pod, g.Name, d.now)
	if d.s.Pods[pod].State != Bound {
		v := podVerdict{group: g.Name}
		for _, no := range d.before[d.s.Pods[pod].Class] {
			if no.Subject != groupSubject(g.Name) { // what grew first may have made it a place
				v.why = append(v.why, no)
			}
		}
		d.verdicts[pod] = v
	}
}

// explainBatches keeps why each group cannot take the pods that need a node, as the groups stand now.
func (d *decision) explainBatches() {
	d.before = make(map[simulate.Class][]verdict.Verdict, len(d.batches))
	for _, b := range d.batches {
		if _, known := d.before[b.class]; !known {
			d.before[b.class] = d.whyNot(b.class)
		}
	}
}

// fillGaps places pods for which a node has become a place by what was placed on others: the pods that they
// must be near have one, or a domain no longer holds too many more than another.
func (d *decision) fillGaps() {
	for i := range d.batches {
		if b := &d.batches[i]; d.cluster.Constrained(b.class) {
			d.placeOnExisting(b)
		}
	}
}

// explainChoice notes why the best option was preferred to each other one.
func (d *decision) explainChoice(best *option, options []option) {
	for i := range options {
		o := &options[i]
		g := o.group
		if o == best {
			facts := append(slices.Clone(o.facts), verdict.Number("options", len(options)))
			g.verdict = verdict.Because(groupSubject(g.Name), ScaledUpGroup, facts...)
		} else if g.verdict.Code == "" {
			facts := append(slices.Clone(o.facts), verdict.Text("chosen", best.group.Name+" with "+verdict.Facts(best.facts).String()))
			g.verdict = verdict.Because(groupSubject(g.Name), NotChosen, facts...)
		}
	}
}
