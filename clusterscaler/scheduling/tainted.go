package scheduling

import (
	"iter"
	"slices"
)

// taintedNode is what Undo needs of a node that was tainted: the node sets that it was in, and the pods on it.
type taintedNode struct {
	inSets []bool
	pods   []Class
}

// HideTainted hides the node, which has been given the taint. Topology spread constraints that honour taints no longer
// count it; for the others it stays a domain. pods are the classes of the pods that are on it.
func (c *Cluster) HideTainted(id NodeID, taint Taint, pods iter.Seq[Class]) {
	c.Hide(id)
	before := c.nodes[id].inSets
	after := slices.Clone(before)
	for i, set := range c.where.book.nodeSets.all {
		after[i] = before[i] && !(set.taints && !tolerates(set.spec.Tolerations, taint))
	}
	if slices.Equal(before, after) {
		return
	}
	r := taintedNode{before, slices.Collect(pods)}
	c.moveToSets(id, after, r.pods)
	c.tainted = append(c.tainted, r)
	c.undo = append(c.undo, step{node: id, op: opHideTainted})
}

// moveToSets puts the node, which has these pods, into other node sets.
func (c *Cluster) moveToSets(id NodeID, inSets []bool, pods []Class) {
	b := &c.nodes[id]
	count := func(n int32) {
		for _, class := range pods {
			c.where.countPods(c.domainRules(class), b, n)
		}
	}
	count(-1)
	c.where.removeNode(b)
	b.inSets = inSets
	c.where.addNode(b)
	count(1)
}
