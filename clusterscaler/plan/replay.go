package plan

import (
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
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
func (w *world) replay(pods []*Pod, p *placed) []*Pod {
	planned := w.before.Planned
	if len(planned) == 0 {
		return pods
	}
	again := replaying{world: w, placed: p, all: w.nodesOfGroups(), newer: map[Placement]*[]scheduling.NodeID{}, from: map[spot]int{}}
	var others []*Pod
	inOrder := make([]planAgain, len(planned)) // Order counts them
	for i, pod := range pods {
		then, was := planned[pod.Name]
		if was && then.Order >= 0 && then.Order < len(inOrder) && inOrder[then.Order].pods == nil {
			inOrder[then.Order] = planAgain{pods[i : i+1 : i+1], then}
		} else {
			others = append(others, pod)
		}
	}
	p.shares = slices.Grow(p.shares, len(inOrder))
	// Those that need no node any more are dropped. All nodes are domains now, so that a pod may have to wait for one behind it.
	inOrder = slices.DeleteFunc(inOrder, func(a planAgain) bool { return a.pods == nil })
	for before := -1; len(inOrder) != before; {
		before = len(inOrder)
		inOrder = slices.DeleteFunc(inOrder, again.place)
	}
	for _, a := range inOrder {
		others = append(others, a.pods...)
	}
	return others
}

// planAgain is a pod that was placed before, and where.
type planAgain struct {
	pods []*Pod // it alone
	then *Placement
}

// replaying is the work of replay.
type replaying struct {
	*world
	placed *placed
	// all has the nodes of each group, and newer those of them that are not older than a Placement.
	all   [][]scheduling.NodeID
	newer map[Placement]*[]scheduling.NodeID
	// from is before which node none can become a place any more: pods are only added.
	from map[spot]int
}

type spot struct {
	nodes *[]scheduling.NodeID
	class scheduling.Class
}

// place puts the pod where it was placed before, if it still can be.
func (r *replaying) place(a planAgain) bool {
	class := a.pods[0].Class
	if a.then.Node != "" {
		id, stands := r.kept.ids[a.then.Node]
		if !stands || r.cluster.Fill(class, id, 1) == 0 {
			return false
		}
		r.placed.add(share{class, id, a.pods, a.then})
		return true
	}
	key := spot{r.since(a.then), class}
	list, next := *key.nodes, r.from[key]
	for next < len(list) && !r.cluster.MayFit(class, list[next]) {
		next++
	}
	r.from[key] = next
	for next < len(list) && r.cluster.Fill(class, list[next], 1) == 0 {
		next++
	}
	if next == len(list) {
		return false
	}
	r.placed.add(share{class, list[next], a.pods, a.then})
	return true
}

// nodesOfGroups lists the nodes of each group, those on their way last.
func (w *world) nodesOfGroups() [][]scheduling.NodeID {
	out := make([][]scheduling.NodeID, len(w.models))
	for i := range w.s.Nodes {
		if g, ours := w.groupOf(scheduling.NodeID(i)); ours {
			out[g] = append(out[g], scheduling.NodeID(i))
		}
	}
	for i, group := range w.upcoming {
		g := w.byGroup[group]
		out[g] = append(out[g], scheduling.NodeID(len(w.s.Nodes)+i))
	}
	return out
}

// since are the nodes of the placement's group that are not older than it.
func (r *replaying) since(p *Placement) *[]scheduling.NodeID {
	key := Placement{Group: p.Group, Since: p.Since}
	list, known := r.newer[key]
	if !known {
		list = new([]scheduling.NodeID)
		if i, stands := r.byGroup[p.Group]; stands {
			for _, id := range r.all[i] {
				if !r.stands(id) || !r.s.Nodes[id].Created.Before(p.Since) {
					*list = append(*list, id)
				}
			}
		}
		r.newer[key] = list
	}
	return list
}
