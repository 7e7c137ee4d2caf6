package plan

import (
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/verdict"
)

// scaleUp grows groups until no pod without a node can be helped.
func (d *decision) scaleUp() {
	d.wanted = len(d.batches) > 0
	d.growForPods()
	d.growToMinimum()
	d.reportGroups()
	d.reportPods()
}

// rounds grow groups until no option is left: each round takes the best.
func (d *decision) rounds() {
	for {
		options := d.options()
		if len(options) == 0 {
			return
		}
		best := choose(d.policy.Expanders, options, d.ask)
		d.explainChoice(best, options)
		d.grow(best)
	}
}

// options are those of all groups that can grow, by the name of the group.
func (d *decision) options() []option {
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
		o, known := alike[g.nodes]
		// a known one does where it was not limited, and would not be now
		if !known || d.policy.BalanceSimilar || o.nodes >= min(room, o.room) {
			o = d.option(g, room, members)
			alike[g.nodes] = o
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

// room is by how many nodes the group may grow at once, and why not when that is none.
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
	if g.shut {
		if key := d.cluster.NewDomain(d.templateOf(g)); key != "" {
			return 0, verdict.Because(subject, OpensDomain, verdict.Text("topologyKey", key))
		}
	}
	if g.Options.AllOrNothing {
		return d.roomForAll(g)
	}
	left, why := d.leftFor(g)
	return min(room, left, d.policy.MaxNodesPerScaleUp), why
}

// loopRoom is the part of the room that is left in this loop, and which limit says none. Similar groups share the limit; a
// group that has all of its nodes or none has no such limit.
func (d *decision) loopRoom(g *groupState, room int) (int, verdict.Verdict) {
	if g.Options.AllOrNothing {
		return room, verdict.Verdict{}
	}
	left := d.policy.MaxNodesPerScaleUp
	for _, similar := range d.kin(g) {
		left -= similar.grows
	}
	if left <= 0 {
		return 0, d.limited(g)
	}
	return min(room, left), verdict.Verdict{}
}

func (d *decision) limited(g *groupState) verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), MaxNodesPerScaleUpReached, verdict.Number("max", d.policy.MaxNodesPerScaleUp))
}

// inTrouble is what is decided on a group that the provider cannot let grow.
func (g *groupState) inTrouble() verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), GroupInTrouble, verdict.Text("trouble", g.Trouble), verdict.Number("size", g.Target))
}

// leftFor is by how many nodes like the group's the cluster may grow, and why not when that is none.
func (d *decision) leftFor(g *groupState) (int, verdict.Verdict) {
	left := math.MaxInt
	if d.policy.MaxNodesTotal > 0 {
		nodes := d.cluster.Len() - d.dropped
		if left = d.policy.MaxNodesTotal - nodes; left <= 0 {
			return 0, verdict.Because(groupSubject(g.Name), MaxNodesTotalReached, verdict.Number("nodes", nodes), verdict.Number("max", d.policy.MaxNodesTotal))
		}
	}
	return d.withinLimits(g, left)
}

// grow takes the option: its nodes join the cluster and its pods leave the batches. Of one that comes in a later loop its
// pods wait for it.
func (d *decision) grow(o *option) {
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
		member.grows++
		member.verdict = verdict.Because(groupSubject(member.Name), code, facts...)
		d.total = d.total.Plus(d.countedOf(member.Group), 1)
		d.upcoming = append(d.upcoming, member.Name)
	}
	for _, fill := range done.fill {
		b := &d.batches[fill.batch]
		d.noteAdded(fill.node, share{b.class, b.pods[:fill.pods]})
		if fill.node >= done.first {
			d.waitsFor(b.class, done.of[fill.node-done.first].Name, fill.node)
		}
		for _, pod := range b.pods[:fill.pods] {
			if fill.node < done.first {
				d.noteOn(pod, fill.node)
			} else {
				d.growFor(done.of[fill.node-done.first].Name, pod)
			}
		}
		b.pods = b.pods[fill.pods:]
	}
	d.waitForRest(&done)
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
func (d *decision) growFor(group string, pod *Pod) {
	if pod.spare() {
		d.growForSpare(group, pod.spareOf)
		return
	}
	d.planFor(pod, group, d.now)
	if at, is := d.kept.asked[pod]; is {
		d.verdicts[at] = podVerdict{group: group}
	}
}

// fillGaps places pods for which a node has become a place by what was placed on others: the pods that they
// must be near have one, or a domain no longer holds too many more than another.
func (d *decision) fillGaps() {
	for progress := true; progress; {
		progress = false
		for i := range d.batches {
			if b := &d.batches[i]; d.cluster.PodsMayHelp(b.class) {
				before := len(b.pods)
				d.placeOnExisting(b)
				progress = progress || len(b.pods) < before
			}
		}
	}
}

// explainChoice notes why the best option was preferred to each other one.
func (d *decision) explainChoice(best *option, options []option) {
	for i := range options {
		o := &options[i]
		g := o.group
		if o.later && o == best {
			continue // it does not grow
		}
		if o == best {
			facts := append(slices.Clone(o.facts), verdict.Number("options", len(options)))
			g.verdict = verdict.Because(groupSubject(g.Name), ScaledUpGroup, facts...)
		} else if g.verdict.Code == "" {
			g.verdict = notChosen(o, best.group, best, d.policy.tieBreak(o, best)...)
		}
	}
}

// notChosen says of o which group was chosen in its place, and how the expander valued both.
func notChosen(o *option, chosen *groupState, by *option, tie ...verdict.Fact) verdict.Verdict {
	facts := append(slices.Clone(o.facts), verdict.Text("chosen", chosen.Name), verdict.Text("with", verdict.Facts(by.facts).String()))
	return verdict.Because(groupSubject(o.group.Name), NotChosen, append(facts, tie...)...)
}
