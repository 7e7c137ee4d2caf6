package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Placement is where a pod without a node was placed: on a node that stands, or on one on its way, as far as those
// can be told apart: the group, and the order in which its nodes were filled.
type Placement struct {
	// Node is the name of one that stands; empty for one of the Group that is on its way.
	Node  string
	Group string
	// Order is that in which the pods were placed: what one pod is for or against another depends on it.
	Order int
	// Since tells these nodes from older ones of the group: they were created then or later.
	Since time.Time
}

// replay places the pods that earlier loops have found a place for, or have requested nodes for, as they were
// then: each on its node or in its group, in the same order. Placed in another order they might leave one over, and a
// group would grow once more for it. It returns the other pods.
func (d *decision) replay(wanting []int32) []int32 {
	planned := d.memory.Planned
	d.memory.Planned = map[string]Placement{}
	if len(planned) == 0 {
		return wanting
	}
	nodes := d.nodesOfGroups()
	type place struct {
		group string
		class simulate.Class
		since time.Time
	}
	from := map[place]int{} // nodes only fill up
	order := func(pod int32) int { return planned[d.s.Pods[pod].Name].Order }
	sorted := slices.SortedStableFunc(slices.Values(wanting), func(a, b int32) int { return cmp.Compare(order(a), order(b)) })
	var others []int32
	for _, i := range sorted {
		pod := &d.s.Pods[i]
		then, was := planned[pod.Name]
		if !was {
			others = append(others, i)
			continue
		}
		if then.Node != "" {
			if id, stands := d.ids[then.Node]; stands && d.cluster.Fill(pod.Class, id, 1) == 1 {
				d.settleOn(i, id)
				d.planOn(i, then.Node)
			} else {
				others = append(others, i)
			}
			continue
		}
		key := place{then.Group, pod.Class, then.Since}
		list := nodes[then.Group]
		if d.cluster.Constrained(pod.Class) { // a node that was no place for it may have become one
			from[key] = 0
		}
		for from[key] < len(list) && (d.older(list[from[key]], then.Since) || d.cluster.Fill(pod.Class, list[from[key]], 1) == 0) {
			from[key]++
		}
		if from[key] == len(list) {
			others = append(others, i)
			continue
		}
		d.settleOn(i, list[from[key]])
		d.planFor(i, then.Group, then.Since)
	}
	return others
}

// nodesOfGroups lists the nodes of each group, those on their way last.
func (d *decision) nodesOfGroups() map[string][]simulate.NodeID {
	out := map[string][]simulate.NodeID{}
	for i := range d.s.Nodes {
		out[d.s.Nodes[i].Group] = append(out[d.s.Nodes[i].Group], simulate.NodeID(i))
	}
	for i, group := range d.upcoming {
		out[group] = append(out[group], simulate.NodeID(len(d.s.Nodes)+i))
	}
	return out
}

// planFor remembers that the pod counts on a node of the group that is on its way.
func (d *decision) planFor(pod int32, group string, since time.Time) {
	d.memory.Planned[d.s.Pods[pod].Name] = Placement{Group: group, Order: len(d.memory.Planned), Since: since.Truncate(time.Second)}
}

// planOn remembers that the pod counts on a node that stands.
func (d *decision) planOn(pod int32, node string) {
	d.memory.Planned[d.s.Pods[pod].Name] = Placement{Node: node, Order: len(d.memory.Planned)}
}

// older is whether the node was there before that time.
func (d *decision) older(id simulate.NodeID, since time.Time) bool {
	return int(id) < len(d.s.Nodes) && d.s.Nodes[id].Created.Before(since)
}

// settleOn notes that a pod without a node fits on this one, where it has been placed.
func (d *decision) settleOn(pod int32, id simulate.NodeID) {
	if int(id) < len(d.s.Nodes) {
		d.on[id] = append(d.on[id], pod)
		d.say(pod, FitsNow, verdict.Text("node", d.s.Nodes[id].Name))
		return
	}
	d.say(pod, FitsUpcomingNode, verdict.Text("group", d.upcoming[int(id)-len(d.s.Nodes)]))
}
