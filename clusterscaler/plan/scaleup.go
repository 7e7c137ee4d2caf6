package plan

import (
	"cmp"
	"math"
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
	// placed has the number of pods placed of each batch, and fill in which order and on which of the new nodes.
	placed []int
	fill   []fill
	// requested is the sum of what the placed pods request.
	requested simulate.Resources
	// lot is what was drawn for the group; priority is its own, if it has one.
	lot         float64
	priority    int
	prioritized bool
	// preferred is what the expander grpc answered.
	preferred bool
	facts     []verdict.Fact
}

// fill is that pods of a batch were placed on a new node.
type fill struct{ batch, node, pods int }

// fills notes it, if there were any, and returns their number.
func (o *option) fills(batch, node, pods int) int {
	if pods > 0 {
		o.fill = append(o.fill, fill{batch, node, pods})
	}
	return pods
}

// scaleUp grows groups until no pod without a node can be helped: each round takes the best option.
func (d *decision) scaleUp() {
	d.wanted = len(d.batches) > 0
	for {
		options := d.options()
		if len(options) == 0 {
			break
		}
		best := choose(d.policy.Expanders, options, d.ask)
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
		if d.policy.BalanceSimilar {
			o = d.balanced(g, room)
		} else if !known || o.nodes >= min(room, o.room) { // else the limit did not matter then, and does not now
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
	if g.Trouble != "" {
		return 0, g.inTrouble()
	}
	if b, failed := d.memory.Backoffs[g.Name]; failed && d.now.Before(b.Until) {
		d.plan.nextBy(b.Until)
		return 0, verdict.Because(subject, BackedOff, verdict.Duration("left", b.Until.Sub(d.now)), verdict.Text("after", b.Why))
	}
	if d.policy.tooManyUnready(g.readiness) {
		return 0, verdict.Because(subject, GroupUnhealthy, unreadyFacts(g.readiness)...)
	}
	size := g.Target + g.grows
	room := g.Max - size
	if room <= 0 {
		return 0, verdict.Because(subject, MaxGroupSizeReached, verdict.Number("size", size), verdict.Number("max", g.Max))
	}
	if g.Options.ZeroOrMax {
		return d.whole(g)
	}
	if left := d.policy.MaxNodesPerScaleUp - g.grows; left <= 0 {
		return 0, verdict.Because(subject, MaxNodesPerScaleUpReached, verdict.Number("max", d.policy.MaxNodesPerScaleUp))
	} else {
		room = min(room, left)
	}
	left, why := d.leftFor(g)
	return min(room, left), why
}

// inTrouble is what is decided on a group that the provider cannot let grow.
func (g *groupState) inTrouble() verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), GroupInTrouble, verdict.Text("trouble", g.Trouble), verdict.Number("size", g.Target))
}

// leftFor is by how many nodes like the group's the cluster may grow, and why not when that is none.
func (d *decision) leftFor(g *groupState) (int, verdict.Verdict) {
	left := math.MaxInt
	if d.policy.MaxNodesTotal > 0 {
		if left = d.policy.MaxNodesTotal - d.cluster.Len(); left <= 0 {
			return 0, verdict.Because(groupSubject(g.Name), MaxNodesTotalReached, verdict.Number("nodes", d.cluster.Len()), verdict.Number("max", d.policy.MaxNodesTotal))
		}
	}
	return d.withinLimits(g, left)
}

// option packs the batches onto up to room new nodes of the group, the largest pods first, each onto
// the first of the new nodes with room. The cluster is left as it was.
func (d *decision) option(g *groupState, room int) option {
	mark := d.cluster.Mark()
	defer d.cluster.Undo(mark)
	return d.pack(g, room, nil)
}

// pack leaves the pods and nodes in the cluster. of, if it is not nil, has the group of each new node; they are like
// those of g, whose nodes all are otherwise.
func (d *decision) pack(g *groupState, room int, of []*groupState) option {
	o := option{group: g, room: room, placed: make([]int, len(d.batches))}
	first := simulate.NodeID(d.cluster.Len())
	for _, b := range d.largestFirst(g) {
		class, want := d.batches[b].class, len(d.batches[b].pods)
		if !d.cluster.Constrained(class) && !d.misfit(g, class).OK() {
			continue
		}
		n := 0
		for id := first; int(id) < d.cluster.Len() && n < want; id++ {
			n += o.fills(b, int(id-first), d.cluster.Fill(class, id, want-n))
		}
		for n < want && o.nodes < room {
			mark := d.cluster.Mark()
			next := g
			if of != nil {
				next = of[o.nodes]
			}
			more := o.fills(b, o.nodes, d.cluster.Fill(class, d.addTemplate(next), want-n))
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
	d.fillUp(g, &o)
	return o
}

// balanced is the option of a group that shares its growth with similar ones: together they have more room. Where pods
// depend on the domain of the nodes it does not.
func (d *decision) balanced(g *groupState, room int) option {
	together := 0
	for _, member := range d.kin(g) {
		more, _ := d.room(member)
		together += more
	}
	left, _ := d.leftFor(g)
	if together = min(together, left); together > room {
		if o := d.option(g, together); !d.alone(&o) {
			return o
		}
	}
	return d.option(g, room)
}

// largestFirst orders the batches by their share of the group's node, CPU plus memory; headroom comes behind all pods.
func (d *decision) largestFirst(g *groupState) []int {
	order := make([]int, len(d.batches))
	share := make([]float64, len(d.batches))
	for i, b := range d.batches {
		r := &d.s.Classes.Spec(b.class).Requests
		order[i] = i
		share[i] = ratio(r.MilliCPU, g.Template.Allocatable.MilliCPU) + ratio(r.Memory, g.Template.Allocatable.Memory)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(d.batches[a].before(&d.batches[b]), cmp.Compare(share[b], share[a]))
	})
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
	if !d.cluster.Constrained(class) && !d.cluster.Judged(class) { // else it changes with what is placed
		g.misfits[class] = m
	}
	return m
}

// grow takes the option: its nodes join the cluster and its pods leave the batches.
func (d *decision) grow(o *option) {
	g := o.group
	of := d.shared(o)
	done := d.pack(g, len(of), of)
	code, facts := g.verdict.Code, g.verdict.Facts
	if n := distinct(of[:done.nodes]); n > 1 {
		facts = append(facts, verdict.Number("shared by similar groups", n))
	}
	for _, member := range of[:done.nodes] {
		member.grows++
		member.verdict = verdict.Because(groupSubject(member.Name), code, facts...)
		d.total = d.total.Plus(d.countedOf(member.Group), 1)
		d.upcoming = append(d.upcoming, member.Name)
	}
	for _, fill := range done.fill {
		b := &d.batches[fill.batch]
		for _, pod := range b.pods[:fill.pods] {
			d.growFor(of[fill.node], pod)
		}
		b.pods = b.pods[fill.pods:]
	}
	d.fillGaps()
	d.batches = slices.DeleteFunc(d.batches, func(b batch) bool { return len(b.pods) == 0 })
}

func distinct(groups []*groupState) int {
	seen := map[*groupState]bool{}
	for _, g := range groups {
		seen[g] = true
	}
	return len(seen)
}

// growFor notes that the group grows for the pod.
func (d *decision) growFor(g *groupState, pod *Pod) {
	if pod.spare() {
		d.growForSpare(g.Name, pod.spareOf)
		return
	}
	g.pods = append(g.pods, pod.Name)
	d.planFor(pod, g.Name, d.now)
	if at, is := d.kept.asked[pod]; is {
		d.verdicts[at] = podVerdict{group: g.Name}
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
