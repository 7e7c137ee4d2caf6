package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
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
func (d *decision) replay(wanting []*Pod) []*Pod {
	planned := d.planned
	if len(planned) == 0 {
		return wanting
	}
	again := replaying{decision: d, nodes: d.nodesOfGroups(), from: map[spot]int{}}
	var others []*Pod
	inOrder := make([]planAgain, len(planned)) // Order counts them
	for _, pod := range wanting {
		if then, was := planned[pod.Name]; was && inOrder[then.Order].pod == nil {
			inOrder[then.Order] = planAgain{pod, then}
		} else {
			others = append(others, pod)
		}
	}
	// Those that need no node any more are dropped. All nodes are domains now, so that a pod may have to wait for one behind it.
	inOrder = slices.DeleteFunc(inOrder, func(p planAgain) bool { return p.pod == nil })
	for before := -1; len(inOrder) != before; {
		before = len(inOrder)
		inOrder = slices.DeleteFunc(inOrder, again.place)
	}
	for _, p := range inOrder {
		others = append(others, p.pod)
	}
	return others
}

// replaying is what replay knows of the nodes.
type replaying struct {
	*decision
	nodes nodesOfGroups
	// from is before which node none can become a place any more: pods are only added.
	from map[spot]int
}

type spot struct {
	nodes *[]scheduling.NodeID
	class scheduling.Class
}

// place puts the pod where it was placed before, if it still can be.
func (r *replaying) place(p planAgain) bool {
	pod, then := p.pod, p.then
	if then.Node != "" {
		id, stands := r.kept.ids[then.Node]
		if !stands || r.cluster.Fill(pod.Class, id, 1) == 0 {
			return false
		}
		r.settleOn(pod, id)
		r.planAs(pod, then)
		return true
	}
	key := spot{r.nodes.since(then), pod.Class}
	list, next := *key.nodes, r.from[key]
	for next < len(list) && !r.cluster.MayFit(pod.Class, list[next]) {
		next++
	}
	r.from[key] = next
	for next < len(list) && r.cluster.Fill(pod.Class, list[next], 1) == 0 {
		next++
	}
	if next == len(list) {
		return false
	}
	r.settleOn(pod, list[next])
	r.planAs(pod, then)
	return true
}

// planAgain is a pod that was placed before, and where.
type planAgain struct {
	pod  *Pod
	then *Placement
}

// nodesOfGroups lists the nodes of each group, those on their way last.
func (d *decision) nodesOfGroups() nodesOfGroups {
	out := nodesOfGroups{d, make([][]scheduling.NodeID, len(d.groups)), map[Placement]*[]scheduling.NodeID{}}
	for i := range d.s.Nodes {
		if g, ours := d.groupOf(scheduling.NodeID(i)); ours {
			out.all[g] = append(out.all[g], scheduling.NodeID(i))
		}
	}
	for i, group := range d.upcoming {
		g := d.byGroup[group]
		out.all[g] = append(out.all[g], scheduling.NodeID(len(d.s.Nodes)+i))
	}
	return out
}

type nodesOfGroups struct {
	*decision
	all   [][]scheduling.NodeID
	newer map[Placement]*[]scheduling.NodeID
}

// since are the nodes of the placement's group that are not older than it.
func (g *nodesOfGroups) since(p *Placement) *[]scheduling.NodeID {
	key := Placement{Group: p.Group, Since: p.Since}
	list, known := g.newer[key]
	if !known {
		list = new([]scheduling.NodeID)
		if i, stands := g.byGroup[p.Group]; stands {
			for _, id := range g.all[i] {
				if !g.older(id, p.Since) {
					*list = append(*list, id)
				}
			}
		}
		g.newer[key] = list
	}
	return list
}

// planAs remembers that the pod counts on what it did before.
func (d *decision) planAs(pod *Pod, then *Placement) {
	if order := len(d.memory.Planned); order != then.Order {
		d.planNext(pod, Placement{Node: then.Node, Group: then.Group, Since: then.Since})
		return
	}
	d.memory.Planned[pod.Name] = then
}

// planFor remembers that the pod counts on a node of the group that is on its way.
func (d *decision) planFor(pod *Pod, group string, since time.Time) {
	d.planNext(pod, Placement{Group: group, Since: since.Truncate(time.Second)})
}

// planOn remembers that the pod counts on a node that stands.
func (d *decision) planOn(pod *Pod, node string) { d.planNext(pod, Placement{Node: node}) }

// planNext remembers a placement as the next in order, in memory that many of them share.
func (d *decision) planNext(pod *Pod, p Placement) {
	p.Order = len(d.memory.Planned)
	if d.memory.Planned[pod.Name] != nil { // it moves
		p.Order += d.moved
		d.moved++
	}
	if len(d.placements) == cap(d.placements) {
		d.placements = make([]Placement, 0, 256)
	}
	d.placements = append(d.placements, p)
	d.memory.Planned[pod.Name] = &d.placements[len(d.placements)-1]
}

// renumber makes Order count again, once pods that were placed have moved.
func (d *decision) renumber() {
	if d.moved == 0 {
		return
	}
	d.moved = 0
	names := slices.Collect(maps.Keys(d.memory.Planned))
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(d.memory.Planned[a].Order, d.memory.Planned[b].Order) })
	for i, name := range names {
		if then := *d.memory.Planned[name]; then.Order != i { // the Memory before may have the same Placement
			then.Order = i
			d.memory.Planned[name] = &then
		}
	}
}

// older is whether the node was there before that time.
func (d *decision) older(id scheduling.NodeID, since time.Time) bool {
	return int(id) < len(d.s.Nodes) && d.s.Nodes[id].Created.Before(since)
}

// settleOn notes that a pod without a node fits on this one, where it has been placed.
func (d *decision) settleOn(pod *Pod, id scheduling.NodeID) {
	if int(id) < len(d.s.Nodes) {
		if d.starting(id) || d.growing {
			d.waitsFor(pod.Class, d.s.Nodes[id].Name, id)
		}
		d.settled[id] = append(d.settled[id], pod)
		d.say(pod, FitsNow, d.keepFacts(verdict.Text("node", d.s.Nodes[id].Name))...)
		return
	}
	group := d.upcoming[int(id)-len(d.s.Nodes)]
	d.waitsFor(pod.Class, group, id)
	d.say(pod, FitsUpcomingNode, d.keepFacts(verdict.Text("group", group))...)
}
