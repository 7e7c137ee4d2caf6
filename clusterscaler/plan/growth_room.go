package plan

import (
	"math"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// room is by how many nodes the group may grow at once, and why not when that is none.
func (d *growing) room(g *groupGrowth) (int, verdict.Verdict) {
	subject := groupSubject(g.Name)
	if g.Trouble != "" {
		return 0, g.inTrouble()
	}
	if b, rests := d.memory.Resting(g.Name, g.Places, d.now); rests {
		facts := []verdict.Fact{verdict.Duration("left", b.Until.Sub(d.now)), verdict.Text("after", b.Why)}
		if b.Class != fleet.Other {
			facts = append(facts, verdict.Text("class", b.Class.String()))
		}
		return 0, verdict.Because(subject, BackedOff, facts...)
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
		if key := d.cluster.NewDomain(d.templateOf(g.model)); key != "" {
			return 0, verdict.Because(subject, OpensDomain, verdict.Text("topologyKey", key))
		}
	}
	if g.Options.AllOrNothing {
		return d.whole(g)
	}
	left, why := d.leftFor(g)
	return min(room, left, d.policy.MaxNodesPerScaleUp), why
}

// loopRoom is the part of the room that is left in this loop, and which limit says none. Similar groups share the limit; a
// group that has all of its nodes or none has no such limit.
func (d *growing) loopRoom(g *groupGrowth, room int) (int, verdict.Verdict) {
	if g.Options.AllOrNothing {
		return room, verdict.Verdict{}
	}
	left := d.policy.MaxNodesPerScaleUp
	for _, i := range d.similarTo(g.model) {
		left -= d.groups[i].grows
	}
	if left <= 0 {
		return 0, d.limited(g)
	}
	return min(room, left), verdict.Verdict{}
}

func (d *growing) limited(g *groupGrowth) verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), MaxNodesPerScaleUpReached, verdict.Number("max", d.policy.MaxNodesPerScaleUp))
}

// inTrouble is what is decided on a group that the provider cannot let grow.
func (g *groupState) inTrouble() verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), GroupInTrouble, verdict.Text("trouble", g.Trouble), verdict.Number("size", g.Target))
}

// leftFor is by how many nodes like the group's the cluster may grow, and why not when that is none.
func (d *growing) leftFor(g *groupGrowth) (int, verdict.Verdict) {
	left := math.MaxInt
	if d.policy.MaxNodesTotal > 0 {
		if left = d.policy.MaxNodesTotal - d.nodes(); left <= 0 {
			return 0, d.tooManyNodes(g)
		}
	}
	return d.withinLimits(g, left)
}

// withinLimits is how many of room more nodes of the group the cluster may have, and which limit says none.
func (d *growing) withinLimits(g *groupGrowth, room int) (int, verdict.Verdict) {
	counted := d.countedOf(g.Group)
	for _, a := range amounts(&d.policy) {
		left, bounded := d.allows(a, counted)
		if bounded && left == 0 {
			return 0, a.reached(g.Name, a.of(d.total), a.of(counted))
		}
		if bounded {
			room = int(min(int64(room), left))
		}
	}
	return room, verdict.Verdict{}
}

// allows is how many more nodes that count as much the upper bound of an amount allows, if it bounds them.
func (d *growing) allows(a amount, counted scheduling.Resources) (nodes int64, bounded bool) {
	limit, each := a.bounds.Max, a.of(counted)
	if limit == 0 || each <= 0 {
		return 0, false
	}
	return max(limit-a.of(d.total), 0) / each, true
}

// nodes is how many there are, those of the plan included.
func (d *growing) nodes() int { return d.cluster.Len() - d.dropped }

func (d *growing) tooManyNodes(g *groupGrowth) verdict.Verdict {
	return verdict.Because(groupSubject(g.Name), MaxNodesTotalReached, verdict.Number("nodes", d.nodes()), verdict.Number("max", d.policy.MaxNodesTotal))
}

// whole is by how many nodes a group grows that has all of its nodes or none, and why it cannot when that is none:
// the limits of the cluster must allow all of them. How many one group may grow by in a loop does not matter.
func (d *growing) whole(g *groupGrowth) (int, verdict.Verdict) {
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
func (d *growing) whichLimit(g *groupGrowth, nodes int) verdict.Verdict {
	counted := d.countedOf(g.Group)
	for _, a := range amounts(&d.policy) {
		if left, bounded := d.allows(a, counted); bounded && left < int64(nodes) {
			return a.reached(g.Name, a.of(d.total), a.of(counted))
		}
	}
	return d.tooManyNodes(g)
}
