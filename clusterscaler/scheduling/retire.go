package scheduling

import (
	"iter"
	"slices"
)

// retirement is which views a node was part of before it was retired, and the pods that were on it.
type retirement struct {
	shown []bool
	stay  []Class
}

// Retire hides the node as one that has been given the taint: spread constraints that honour taints look at it no more. It
// still stands, and so it stays a domain of the others. stay are the classes of the pods that are on it.
func (c *Cluster) Retire(id NodeID, taint Taint, stay iter.Seq[Class]) {
	c.Hide(id)
	before := c.nodes[id].shown
	after := slices.Clone(before)
	for i, v := range c.where.book.views.all {
		after[i] = before[i] && !(v.taints && !tolerates(v.spec.Tolerations, taint))
	}
	if slices.Equal(before, after) {
		return
	}
	r := retirement{before, slices.Collect(stay)}
	c.show(id, after, r.stay)
	c.retired = append(c.retired, r)
	c.undo = append(c.undo, step{node: id, op: opRetire})
}

// show makes the node, on which there are these pods, part of other views.
func (c *Cluster) show(id NodeID, shown []bool, pods []Class) {
	b := &c.nodes[id]
	count := func(n int32) {
		for _, class := range pods {
			c.where.count(c.rules(class), b, n)
		}
	}
	count(-1)
	c.where.leave(b)
	b.shown = shown
	c.where.enter(b)
	count(1)
}
