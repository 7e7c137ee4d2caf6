package plan

import (
	"maps"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// needless looks for nodes of the plan that removal would take away at once: they are used little, and other nodes have room
// for their pods, most often because groups have grown after them.
type needless struct {
	*growing
	// full has, for classes that do not depend on other pods and found no place at all, the nodes that were to be left: only
	// there may be one.
	full map[scheduling.Class][]scheduling.NodeID
	// added has the pods of each node that the plan adds, and waitedFor what has to stay even.
	added     map[scheduling.NodeID][]share
	waitedFor map[spreadOn]scheduling.NodeID
}

// dropNeedless takes such nodes out of the plan, and says whether there were any.
func (d *growing) dropNeedless() bool {
	n, before := needless{d, map[scheduling.Class][]scheduling.NodeID{}, d.placed.onAdded(), d.placed.waitedFor()}, d.dropped
	for i := d.placed.requested; i < len(d.placed.upcoming); i++ {
		g, id := &d.groups[d.byGroup[d.placed.upcoming[i]]], scheduling.NodeID(len(d.s.Nodes)+i)
		if g.Options.AllOrNothing || d.cluster.Hidden(id) || d.usedOf(id) > g.policy.UtilizationThreshold {
			continue
		}
		if moves, vacant := n.vacate(id); vacant {
			n.drop(g, id, moves)
		}
	}
	d.placed.shares = slices.DeleteFunc(d.placed.shares, func(s share) bool { return d.placed.added(s.node) && d.cluster.Hidden(s.node) })
	return d.dropped > before
}

// usedOf is the larger share of CPU and memory that is taken of a node of the plan.
func (d *growing) usedOf(id scheduling.NodeID) float64 {
	free, all := d.cluster.Free(id), d.cluster.Node(id).Allocatable
	return max(ratio(all.MilliCPU-free.MilliCPU, all.MilliCPU), ratio(all.Memory-free.Memory, all.Memory))
}

// vacate moves all pods of the node elsewhere, or leaves everything as it was.
func (n *needless) vacate(id scheduling.NodeID) (moves []share, vacant bool) {
	vacant = n.try(func() bool {
		n.cluster.Hide(id)
		for _, s := range n.added[id] {
			n.cluster.Take(s.class, id, len(s.pods))
		}
		for _, s := range n.added[id] {
			var left []*Pod
			if moves, left = n.moveTo(s, moves); len(left) > 0 {
				if len(moves) == 0 && !n.cluster.Constrained(s.class) {
					n.full[s.class] = append(n.full[s.class], id)
				}
				return false
			}
		}
		return n.even(n.waitedFor)
	})
	return moves, vacant
}

// moveTo finds other nodes for the pods, and returns the pods that are left.
func (n *needless) moveTo(s share, moves []share) ([]share, []*Pod) {
	left := s.pods
	put := func(to scheduling.NodeID) {
		if k := n.cluster.Fill(s.class, to, len(left)); k > 0 {
			moves = append(moves, share{class: s.class, node: to, pods: left[:k:k]})
			left = left[k:]
		}
	}
	if nodes, known := n.full[s.class]; known {
		for _, to := range nodes {
			put(to)
		}
		return moves, left
	}
	for to := n.cluster.NextWithRoom(s.class, 0); len(left) > 0 && int(to) < n.cluster.Len(); to = n.cluster.NextWithRoom(s.class, to+1) {
		put(to)
	}
	return moves, left
}

// drop takes the node out of the plan, whose pods have gone elsewhere.
func (n *needless) drop(g *groupGrowth, id scheduling.NodeID, moves []share) {
	n.dropped++
	delete(n.added, id)
	maps.DeleteFunc(n.waitedFor, func(_ spreadOn, on scheduling.NodeID) bool { return on == id })
	n.expect([]int{g.index}, -1)
	n.total = n.total.Plus(n.countedOf(g.Group), -1)
	if g.grows--; g.grows == 0 {
		g.verdict = verdict.Verdict{}
	}
	for _, s := range moves {
		n.placed.add(s)
		if n.placed.added(s.node) {
			n.added[s.node] = append(n.added[s.node], s)
		}
		if on, waits := n.placed.waitsOn(len(n.placed.shares), &s); waits {
			n.waitedFor[on] = s.node
		}
	}
}
