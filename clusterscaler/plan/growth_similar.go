package plan

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// The shares by which the nodes of similar groups may differ, those of cluster-autoscaler.
const (
	memoryDifference      = 0.015 // of the capacity; its other resources must be equal
	allocatableDifference = 0.05
	freeDifference        = 0.05 // of what DaemonSets leave
)

// UncomparedLabels differ between groups that are similar: they name the node, its place, or the group.
func UncomparedLabels() []string {
	return []string{
		"kubernetes.io/hostname",
		"topology.kubernetes.io/zone", "topology.kubernetes.io/region",
		"failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
		"beta.kubernetes.io/fluentd-ds-ready", "kops.k8s.io/instancegroup",
		"alpha.eksctl.io/instance-id", "alpha.eksctl.io/nodegroup-name", "eks.amazonaws.com/nodegroup", "k8s.amazonaws.com/eniConfig",
		"lifecycle", "topology.ebs.csi.aws.com/zone", "topology.k8s.aws/zone-id",
		"trimtab.dev/node-group",
	}
}

// similarTo are the groups whose nodes are like those of g, g first and then by name. Without BalanceSimilar,
// and for one that has all of its nodes or none, it is g alone.
func (w *world) similarTo(g *model) []int {
	if g.similar != nil {
		return g.similar
	}
	g.similar = []int{g.index}
	if !w.policy.BalanceSimilar || g.Options.AllOrNothing {
		return g.similar
	}
	for i := range w.models {
		if other := &w.models[i]; other != g && !other.Options.AllOrNothing && w.similar(g, other) {
			g.similar = append(g.similar, i)
		}
	}
	slices.SortFunc(g.similar[1:], func(a, b int) int { return strings.Compare(w.models[a].Name, w.models[b].Name) })
	return g.similar
}

// similar is whether the scheduler would take the nodes of one group for those of the other.
func (w *world) similar(a, b *model) bool {
	return near(a.Capacity, b.Capacity, 0, memoryDifference) &&
		near(a.Template.Allocatable, b.Template.Allocatable, allocatableDifference, allocatableDifference) &&
		near(w.freeOf(a), w.freeOf(b), freeDifference, freeDifference) &&
		maps.Equal(w.policy.compared(a.Template.Labels), w.policy.compared(b.Template.Labels))
}

// compared are the labels in which similar groups must agree.
func (p *Policy) compared(labels map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range labels {
		switch {
		case len(p.BalancingLabels) > 0 && !slices.Contains(p.BalancingLabels, key),
			len(p.BalancingLabels) == 0 && slices.Contains(UncomparedLabels(), key),
			slices.Contains(p.BalancingIgnoreLabels, key):
		default:
			out[key] = value
		}
	}
	return out
}

// near is whether no resource differs by more than that share of the larger amount, the memory by that of its own.
func near(a, b scheduling.Resources, share, memoryShare float64) bool {
	if len(a.Extended) != len(b.Extended) {
		return false
	}
	for i := range a.Extended {
		if a.Extended[i].Name != b.Extended[i].Name || !within(a.Extended[i].Amount, b.Extended[i].Amount, share) {
			return false
		}
	}
	return within(a.MilliCPU, b.MilliCPU, share) && within(a.Memory, b.Memory, memoryShare) &&
		within(a.EphemeralStorage, b.EphemeralStorage, share) && within(a.Pods, b.Pods, share)
}

func within(a, b int64, share float64) bool {
	return math.Abs(float64(a)-float64(b)) <= share*float64(max(a, b))
}

// member is a group that nodes of an option may be of.
type member struct {
	*groupGrowth
	// added is how many of the nodes are, of which there may be room.
	added, room int
}

// members are the groups that share a growth of g, and room is by how many nodes they may grow together. Where a limit
// says that g cannot grow, why names it; where it can in a later loop, it is alone, and room is what it will have.
func (d *growing) members(g *groupGrowth) (members []member, room int, why verdict.Verdict) {
	if room, why = d.room(g); room == 0 {
		return nil, 0, why
	}
	now, why := d.loopRoom(g, room)
	if now > 0 {
		room = now
	}
	if now == 0 || !d.policy.BalanceSimilar {
		return []member{{groupGrowth: g, room: room}}, room, why
	}
	together := 0
	for _, i := range d.similarTo(g.model) {
		similar := &d.groups[i]
		if most, _ := d.room(similar); most > 0 {
			members = append(members, member{groupGrowth: similar, room: most})
			together += most
		}
	}
	left, _ := d.leftFor(g)
	together, _ = d.loopRoom(g, min(together, left))
	return members, together, verdict.Verdict{}
}

// smallest is, of the members that have room and whose next node takes the most of so many pods of the class, the one with
// the fewest nodes, and of those equal the first by name; nil where none takes any.
func (d *growing) smallest(members []member, class scheduling.Class, want int) (best *member) {
	most := 0
	for i := range members {
		m := &members[i]
		if m.added >= m.room {
			continue
		}
		n := onNew(d.world, m.model, func(id scheduling.NodeID) int { return d.cluster.Fill(class, id, want) })
		if n > most || n > 0 && n == most && m.before(best) {
			best, most = m, n
		}
	}
	return best
}

func (m *member) before(other *member) bool {
	return cmp.Or(cmp.Compare(m.Target+m.grows+m.added, other.Target+other.grows+other.added), strings.Compare(m.Name, other.Name)) < 0
}

// wait leaves the batches of which the option places pods for a later loop.
func (d *growing) wait(o *option) {
	o.group.limited = true
	for i, n := range o.placed {
		if n > 0 {
			d.batches[i].later = true
		}
	}
}

// waitForRest leaves pods for a later loop that the option would have taken too, had it not been for the limit of one
// growth. The group that the expander has chosen for them then can grow again.
func (d *growing) waitForRest(done *option) {
	if done.nodes < done.room {
		return
	}
	for _, i := range d.similarTo(done.group.model) {
		g := &d.groups[i]
		most, _ := d.room(g)
		if now, _ := d.loopRoom(g, most); most == 0 || now > 0 { // it cannot grow at all, or still in this loop
			continue
		}
		for i, n := range done.placed {
			if b := &d.batches[i]; n > 0 && len(b.pods) > 0 && d.misfit(g.model, b.class).OK() {
				b.later, g.limited = true, true
			}
		}
	}
}
