package plan

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// option is what growing a group would bring.
type option struct {
	group *groupGrowth
	nodes int
	// room is how many nodes there could have been, and first the first of them.
	room  int
	first scheduling.NodeID
	pods  int
	// placed has the number of pods placed of each batch, and fill in which order and on which of the new nodes.
	placed []int
	fill   []fill
	// requested is the sum of what the placed pods request.
	requested scheduling.Resources
	// lot is what was drawn for the group; priority is its own, if it has one.
	lot         float64
	priority    int
	prioritized bool
	// preferred is what the expander grpc answered.
	preferred bool
	// of has the group of each node, and later says that none of them can come in this loop.
	of    []*groupGrowth
	later bool
	facts []verdict.Fact
}

// fill is that pods of a batch were placed on a node.
type fill struct {
	batch int
	node  scheduling.NodeID
	pods  int
}

// fills places up to want pods of the batch on the node, and returns and notes how many.
func (d *growing) fills(o *option, batch int, node scheduling.NodeID, want int) int {
	n := d.cluster.Fill(d.batches[batch].class, node, want)
	if n > 0 {
		o.fill = append(o.fill, fill{batch, node, n})
	}
	return n
}

// option packs the batches onto up to room new nodes of the members, the largest pods first, each onto
// the first of the new nodes with room. The world is left as it was.
func (d *growing) option(g *groupGrowth, room int, members []member) (o option) {
	d.try(func() bool {
		o = d.pack(g, room, members, false)
		return false
	})
	return o
}

// pack leaves the pods and nodes in the world. The members are similar to g. With gaps, nodes that were there before take
// pods too, once they have become a place for them by what is placed on the new ones.
func (d *growing) pack(g *groupGrowth, room int, members []member, gaps bool) option {
	first := scheduling.NodeID(d.cluster.Len())
	o := option{group: g, room: room, first: first, placed: make([]int, len(d.batches))}
	for _, b := range d.largestFirst(g) {
		class, want := d.batches[b].class, len(d.batches[b].pods)
		constrained := d.cluster.Constrained(class)
		if d.batches[b].later || !constrained && !d.misfit(g.model, class).OK() || constrained && len(members) > 1 && !d.open(g.model, class) {
			continue
		}
		n := d.packOn(&o, b, first, want)
		for n < want && o.nodes < room {
			more := d.packNew(&o, b, members, want-n)
			if more == 0 { // one more would not help either
				break
			}
			n += more
			if gaps || len(members) > 1 {
				n += d.packAgain(&o, b, want-n, gaps)
			}
		}
		o.placed[b] = n
		o.pods += n
		o.requested = o.requested.Plus(d.s.Classes.Spec(class).Requests, int64(n))
	}
	d.fillUp(g, &o)
	return o
}

// packOn places up to want pods of the batch on the new nodes, of which first is the first.
func (d *growing) packOn(o *option, b int, first scheduling.NodeID, want int) (n int) {
	for id := first; int(id) < d.cluster.Len() && n < want; id++ {
		n += d.fills(o, b, id, want-n)
	}
	return n
}

// packAgain places up to want pods of the batch where others have made a place for them: on the new nodes and, with gaps, on
// the ones that were there before.
func (d *growing) packAgain(o *option, b int, want int, gaps bool) (n int) {
	if !d.cluster.PodsMayHelp(d.batches[b].class) {
		return 0
	}
	for before := -1; n > before && n < want; {
		before = n
		if gaps {
			for _, id := range d.batches[b].open {
				n += d.fills(o, b, id, want-n)
			}
		}
		n += d.packOn(o, b, o.first, want-n)
	}
	return n
}

// packNew places up to want pods of the batch on one more node. Of the members whose node takes the most of them it is the
// smallest's.
func (d *growing) packNew(o *option, b int, members []member, want int) int {
	next := &members[0]
	if len(members) > 1 {
		next = d.smallest(members, d.batches[b].class, want)
	}
	if next == nil || next.added >= next.room {
		return 0
	}
	n := 0
	if !d.try(func() bool { n = d.fills(o, b, d.addNew(next.model), want); return n > 0 }) {
		return 0
	}
	o.of = append(o.of, next.groupGrowth)
	o.nodes++
	next.added++
	return n
}

// largestFirst orders the batches by their share of the group's node, CPU plus memory; headroom comes behind all pods.
func (d *growing) largestFirst(g *groupGrowth) []int {
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

// fillUp adds to what an option places the nodes without pods that come all the same, in a group that has all or none.
func (d *growing) fillUp(g *groupGrowth, o *option) {
	if !g.Options.AllOrNothing || o.pods == 0 {
		return
	}
	for o.nodes < o.room {
		d.addNew(g.model)
		o.of = append(o.of, g)
		o.nodes++
	}
}
