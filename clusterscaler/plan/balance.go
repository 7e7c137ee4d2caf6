package plan

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// The shares by which the nodes of similar groups may differ, those of cluster-autoscaler.
const (
	memoryDifference      = 0.015 // of the capacity; its other resources must be equal
	allocatableDifference = 0.05
	freeDifference        = 0.05 // of what DaemonSets leave
)

// uncomparedLabels differ between groups that are similar: they name the node, its place, or the group.
func uncomparedLabels() []string {
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

// kin are the groups whose nodes are like those of g, g first and then by name. Without BalanceSimilar,
// and for one that has all of its nodes or none, it is g alone.
func (d *decision) kin(g *groupState) []*groupState {
	if !d.policy.BalanceSimilar || g.Options.ZeroOrMax {
		return []*groupState{g}
	}
	if g.kin == nil {
		g.kin = []*groupState{g}
		var others []*groupState
		for i := range d.groups {
			if other := &d.groups[i]; other != g && !other.Options.ZeroOrMax && d.similar(g, other) {
				others = append(others, other)
			}
		}
		slices.SortFunc(others, func(a, b *groupState) int { return strings.Compare(a.Name, b.Name) })
		g.kin = append(g.kin, others...)
	}
	return g.kin
}

// similar is whether the scheduler would take the nodes of one group for those of the other.
func (d *decision) similar(a, b *groupState) bool {
	return near(a.Capacity, b.Capacity, 0, memoryDifference) &&
		near(a.Template.Allocatable, b.Template.Allocatable, allocatableDifference, allocatableDifference) &&
		near(d.freeOf(a), d.freeOf(b), freeDifference, freeDifference) &&
		maps.Equal(d.compared(a.Template.Labels), d.compared(b.Template.Labels))
}

// compared are the labels in which similar groups must agree.
func (d *decision) compared(labels map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range labels {
		switch {
		case len(d.policy.BalancingLabels) > 0 && !slices.Contains(d.policy.BalancingLabels, key),
			len(d.policy.BalancingLabels) == 0 && slices.Contains(uncomparedLabels(), key),
			slices.Contains(d.policy.BalancingIgnoreLabels, key):
		default:
			out[key] = value
		}
	}
	return out
}

// freeOf is what the DaemonSets leave of a new node.
func (d *decision) freeOf(g *groupState) simulate.Resources {
	mark := d.cluster.Mark()
	defer d.cluster.Undo(mark)
	return d.cluster.Free(d.addTemplate(g))
}

// near is whether no resource differs by more than that share of the larger amount, the memory by that of its own.
func near(a, b simulate.Resources, share, memoryShare float64) bool {
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

// alone is whether the option's pods depend on the domain that its nodes are in, so that no other group's will do.
func (d *decision) alone(o *option) bool {
	for i, n := range o.placed {
		if n > 0 && d.cluster.Constrained(d.batches[i].class) {
			return true
		}
	}
	return false
}

// shared has the group that each of the option's nodes is of: always the smallest of those that are similar, can take
// each of its pods, and may still grow.
func (d *decision) shared(o *option) []*groupState {
	type member struct {
		*groupState
		added, room int
	}
	var members []*member
	for _, g := range d.kin(o.group) {
		room, _ := d.room(g)
		fits := true
		for i, n := range o.placed {
			fits = fits && (n == 0 || g == o.group || d.misfit(g, d.batches[i].class).OK())
		}
		if room > 0 && fits && (g == o.group || !d.alone(o)) {
			members = append(members, &member{groupState: g, room: room})
		}
	}
	var out []*groupState
	for range o.nodes {
		open := slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m.added >= m.room })
		if len(open) == 0 {
			break
		}
		smallest := slices.MinFunc(open, func(a, b *member) int {
			return cmp.Or(cmp.Compare(a.Target+a.grows+a.added, b.Target+b.grows+b.added), strings.Compare(a.Name, b.Name))
		})
		smallest.added++
		out = append(out, smallest.groupState)
	}
	return out
}
