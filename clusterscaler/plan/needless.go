package plan

import (
	"maps"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// share is the pods of a class that were placed on a node.
type share struct {
	class scheduling.Class
	pods  []*Pod
}

// move is where pods of a class go.
type move struct {
	share
	to scheduling.NodeID
}

// needless looks for nodes of the plan that removal would take away at once: they are used little, and other nodes have room
// for their pods, most often because groups have grown after them.
type needless struct {
	*decision
	// full has, for classes that do not depend on other pods and found no place at all, the nodes that were to be left: only
	// there may be one.
	full map[scheduling.Class][]scheduling.NodeID
}

// dropNeedless takes such nodes out of the plan, and says whether there were any.
func (d *decision) dropNeedless() bool {
	n, before := needless{d, map[scheduling.Class][]scheduling.NodeID{}}, d.dropped
	for i := d.requested; i < len(d.upcoming); i++ {
		g, id := &d.groups[d.byGroup[d.upcoming[i]]], scheduling.NodeID(len(d.s.Nodes)+i)
		if g.Options.AllOrNothing || d.cluster.Hidden(id) || d.usedOf(id) > g.policy.UtilizationThreshold {
			continue
		}
		if moves, vacant := n.vacate(id); vacant {
			n.drop(g, id, moves)
		}
	}
	return d.dropped > before
}

// usedOf is the larger share of CPU and memory that is taken of a node of the plan.
func (d *decision) usedOf(id scheduling.NodeID) float64 {
	free, all := d.cluster.Free(id), d.cluster.Node(id).Allocatable
	return max(ratio(all.MilliCPU-free.MilliCPU, all.MilliCPU), ratio(all.Memory-free.Memory, all.Memory))
}

// vacate moves all pods of the node elsewhere, or leaves everything as it was.
func (n *needless) vacate(id scheduling.NodeID) (moves []move, vacant bool) {
	mark := n.cluster.Mark()
	n.cluster.Hide(id)
	for _, s := range n.added[id] {
		n.cluster.Take(s.class, id, len(s.pods))
	}
	for _, s := range n.added[id] {
		var left []*Pod
		if moves, left = n.place(s, moves); len(left) > 0 {
			if len(moves) == 0 && !n.cluster.Constrained(s.class) {
				n.full[s.class] = append(n.full[s.class], id)
			}
			n.cluster.Undo(mark)
			return nil, false
		}
	}
	if !n.even() {
		n.cluster.Undo(mark)
		return nil, false
	}
	return moves, true
}

// place finds other nodes for the pods, and returns the pods that are left.
func (n *needless) place(s share, moves []move) ([]move, []*Pod) {
	left := s.pods
	put := func(to scheduling.NodeID) {
		if k := n.cluster.Fill(s.class, to, len(left)); k > 0 {
			moves = append(moves, move{share{s.class, left[:k]}, to})
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
func (n *needless) drop(g *groupState, id scheduling.NodeID, moves []move) {
	n.dropped++
	delete(n.added, id)
	maps.DeleteFunc(n.onWay, func(_ spreadOn, on scheduling.NodeID) bool { return on == id })
	n.cluster.AssumeNodes(n.templateOf(g), -1)
	n.total = n.total.Plus(n.countedOf(g.Group), -1)
	if g.grows--; g.grows == 0 {
		g.verdict = verdict.Verdict{}
	}
	for _, m := range moves {
		for _, pod := range m.pods {
			if pod.spare() {
				pod.spareOf.adds--
				g.spares--
			}
			n.noteOn(pod, m.to)
		}
		n.noteAdded(m.to, m.share)
	}
}

// noteAdded notes the pods if the node is one that the plan adds.
func (d *decision) noteAdded(id scheduling.NodeID, s share) {
	if int(id)-len(d.s.Nodes) >= d.requested {
		d.added[id] = append(d.added[id], s)
	}
}
