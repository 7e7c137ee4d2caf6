package simulate

import (
	"fmt"
	"slices"
	"strings"
)

// NodeID numbers a node of a Cluster in the order of AddNode.
type NodeID int32

// Cluster is a set of nodes with what is left on each. It is not safe for concurrent use.
type Cluster struct {
	classes *Classes
	nodes   []bin
	kinds   []kind
	byKey   map[string]int32
	// undo holds what was done, newest last, for Undo.
	undo []step
}

// bin is a node and what is left on it.
type bin struct {
	spec  Node
	kind  int32
	gone  bool
	free  Resources
	ports []Port
}

// kind is a set of nodes that no class can tell apart but by their room.
type kind struct {
	// example stands for all nodes of the kind.
	example Node
	// match holds what is known about each class.
	match []matched
}

type matched uint8

const (
	unknown matched = iota
	suits
	doesNot
)

type step struct {
	node  NodeID
	class Class
	n     int64 // copies placed; negative when they were taken off
	op    op
}

type op uint8

const (
	opPlace op = iota
	opAdd
	opHide
)

// NewCluster makes an empty cluster for pods of these classes. A class interned later is unknown to it.
func NewCluster(classes *Classes) *Cluster {
	return &Cluster{classes: classes, byKey: map[string]int32{}}
}

// AddNode puts an empty node into the cluster.
func (c *Cluster) AddNode(n Node) NodeID {
	id := NodeID(len(c.nodes))
	c.nodes = append(c.nodes, bin{spec: n, kind: c.kindOf(n), free: n.Allocatable})
	c.undo = append(c.undo, step{node: id, op: opAdd})
	return id
}

// kindOf finds the kind by what some class asks about.
func (c *Cluster) kindOf(n Node) int32 {
	var b strings.Builder
	fmt.Fprint(&b, n.Unschedulable)
	for _, t := range n.Taints {
		fmt.Fprintf(&b, "|%q", t)
	}
	keys := make([]string, 0, len(c.classes.asked))
	for key := range c.classes.asked {
		if _, has := n.Labels[key]; has {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "|%q=%q", key, n.Labels[key])
	}
	if c.classes.asked[""] {
		fmt.Fprintf(&b, "|name %q", n.Name)
	}
	id, known := c.byKey[b.String()]
	if !known {
		id = int32(len(c.kinds))
		c.kinds = append(c.kinds, kind{example: n, match: make([]matched, c.classes.Len())})
		c.byKey[b.String()] = id
	}
	return id
}

// Len is the number of nodes ever added and not undone, hidden ones included.
func (c *Cluster) Len() int { return len(c.nodes) }

// Node is what the node offers when it is empty.
func (c *Cluster) Node(id NodeID) *Node { return &c.nodes[id].spec }

// Free is what is left on the node.
func (c *Cluster) Free(id NodeID) Resources { return c.nodes[id].free }

// Fits says whether one more pod of the class fits on the node, and if not, why.
func (c *Cluster) Fits(class Class, id NodeID) Misfit {
	b := &c.nodes[id]
	spec := c.classes.Spec(class)
	if !c.suits(class, b) {
		return spec.mismatch(&b.spec)
	}
	for _, p := range spec.Ports {
		if slices.ContainsFunc(b.ports, p.clashes) {
			return Misfit{Code: HostPortTaken, What: fmt.Sprintf("%s/%d", p.Protocol, p.Port)}
		}
	}
	return b.free.shortage(spec.Requests)
}

// Suits says whether the class may run on such a node at all, its room aside.
func (c *Cluster) Suits(class Class, id NodeID) bool { return c.suits(class, &c.nodes[id]) }

func (c *Cluster) suits(class Class, b *bin) bool {
	m := &c.kinds[b.kind].match[class]
	if *m == unknown {
		*m = suits
		if !c.classes.Spec(class).mismatch(&b.spec).OK() {
			*m = doesNot
		}
	}
	return *m == suits
}

// Fill places up to want pods of the class on the node and returns how many found room.
func (c *Cluster) Fill(class Class, id NodeID, want int) int {
	b := &c.nodes[id]
	if want <= 0 || b.gone || !c.suits(class, b) {
		return 0
	}
	spec := c.classes.Spec(class)
	n := min(int64(want), b.free.copies(spec.Requests))
	if n > 0 && len(spec.Ports) > 0 {
		n = 1
		for _, p := range spec.Ports {
			if slices.ContainsFunc(b.ports, p.clashes) {
				return 0
			}
		}
	}
	if n > 0 {
		c.Place(class, id, int(n))
	}
	return int(n)
}

// Place puts n pods of the class on the node whether they fit or not, as pods that run there already do.
func (c *Cluster) Place(class Class, id NodeID, n int) {
	c.place(class, id, int64(n))
	c.undo = append(c.undo, step{node: id, class: class, n: int64(n), op: opPlace})
}

// Take removes n pods of the class from the node, where Place or Fill has put them.
func (c *Cluster) Take(class Class, id NodeID, n int) {
	c.place(class, id, -int64(n))
	c.undo = append(c.undo, step{node: id, class: class, n: -int64(n), op: opPlace})
}

func (c *Cluster) place(class Class, id NodeID, n int64) {
	b, spec := &c.nodes[id], c.classes.Spec(class)
	b.free = b.free.Plus(spec.Requests, -n)
	for ; n > 0; n-- {
		b.ports = append(b.ports, spec.Ports...)
	}
	for ; n < 0; n++ {
		for _, p := range spec.Ports {
			if i := slices.Index(b.ports, p); i >= 0 {
				b.ports = slices.Delete(b.ports, i, i+1)
			}
		}
	}
}

// Hide makes the node take no more pods. What runs on it stays counted there.
func (c *Cluster) Hide(id NodeID) {
	if !c.nodes[id].gone {
		c.nodes[id].gone = true
		c.undo = append(c.undo, step{node: id, op: opHide})
	}
}

// Hidden is whether the node takes no more pods.
func (c *Cluster) Hidden(id NodeID) bool { return c.nodes[id].gone }

// Mark is a point to which Undo returns.
type Mark int

// Mark notes the present state.
func (c *Cluster) Mark() Mark { return Mark(len(c.undo)) }

// Undo reverts, at the cost of what changed, all that was done since the mark.
func (c *Cluster) Undo(m Mark) {
	for i := len(c.undo) - 1; i >= int(m); i-- {
		switch s := c.undo[i]; s.op {
		case opPlace:
			c.place(s.class, s.node, -s.n)
		case opAdd:
			c.nodes = c.nodes[:s.node]
		case opHide:
			c.nodes[s.node].gone = false
		}
	}
	c.undo = c.undo[:m]
}
