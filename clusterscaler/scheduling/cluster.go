package scheduling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// NodeID numbers a node of a Cluster in the order of AddNode.
type NodeID int32

// hostname is the label that each node has a value of its own of.
const hostname = "kubernetes.io/hostname"

// individual is whether the key, where the empty one is the node's name, tells every node from all others.
func individual(key string) bool { return key == "" || key == hostname }

// Cluster is a set of nodes with what is left on each. It is not safe for concurrent use.
type Cluster struct {
	classes *Classes
	nodes   []bin
	blocks  []block
	kinds   []kind
	byKey   map[string]int32
	where   topology
	// judge decides on volumes and device claims, in the sitting; puts takes back, newest last, what it was told.
	judge   Judge
	sitting Sitting
	puts    []func()
	// undo holds what was done, newest last, for Undo, and retired what that of opRetire needs.
	undo    []step
	retired []retirement
	// expected are the nodes that were told of, newest last, in the domains that they will be in.
	expected []bin
}

// bin is a node and what is left on it.
type bin struct {
	spec  *Node
	kind  int32
	gone  bool
	free  Resources
	ports []Port
	// domains are those that the node is in, by topology key; shown says which views it is part of.
	domains []domain
	shown   []bool
	// demanding has the class of each pod here that has a Demand.
	demanding []Class
}

// kind is a set of nodes that no class and no view can tell apart but by their room, their name and their domains.
type kind struct {
	// match holds what is known about each class.
	match []matched
	// shown says of which views the nodes are part; it is nil where some view looks at names.
	shown []bool
}

type matched uint8

const (
	unknown matched = iota
	suits
	doesNot
	// perNode is for classes that ask for a node by its name.
	perNode
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
	opAddCopy
	opHide
	opRetire
	opExpect
)

// NewCluster makes an empty cluster for pods of these classes. A class interned later is unknown to it.
func NewCluster(classes *Classes) *Cluster {
	return &Cluster{classes: classes, byKey: map[string]int32{}, where: newTopology(classes.rule())}
}

// AddNode puts an empty node into the cluster, which keeps the Node: the caller must not change it.
func (c *Cluster) AddNode(n *Node) NodeID {
	c.undo = append(c.undo, step{node: NodeID(len(c.nodes)), op: opAdd})
	return c.add(n, c.kindOf(n), "")
}

// Template is a node of which copies can be added.
type Template struct {
	node *Node
	kind int32
}

// Prepare makes a template of the node.
func (c *Cluster) Prepare(n Node) Template {
	n.Labels = maps.Clone(n.Labels)
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	n.Labels[hostname] = newHostname
	return Template{&n, c.kindOf(&n)}
}

// newHostname is no name that a label can have, so that nobody can ask for it.
const newHostname = "(new node)"

// AddCopy puts an empty copy of the template into the cluster. As any new node it has a host name of its own.
func (c *Cluster) AddCopy(t Template) NodeID {
	c.undo = append(c.undo, step{node: NodeID(len(c.nodes)), op: opAddCopy})
	return c.add(t.node, t.kind, hostname)
}

func (c *Cluster) add(n *Node, kind int32, fresh string) NodeID {
	b := bin{spec: n, kind: kind, free: n.Allocatable, domains: c.where.locate(n.Labels, fresh)}
	if b.shown = c.kinds[kind].shown; b.shown == nil {
		b.shown = c.shown(n)
	}
	c.nodes = append(c.nodes, b)
	c.where.enter(&c.nodes[len(c.nodes)-1])
	id := NodeID(len(c.nodes) - 1)
	if int(id)/blockSize == len(c.blocks) {
		c.blocks = append(c.blocks, block{most: nothing()})
	}
	c.changed(id, true)
	return id
}

// kindOf finds the kind by what some class asks about.
func (c *Cluster) kindOf(n *Node) int32 {
	var b strings.Builder
	fmt.Fprint(&b, n.Unschedulable)
	for _, t := range n.Taints {
		fmt.Fprintf(&b, "|%q", t)
	}
	keys := make([]string, 0, len(c.classes.asked))
	for key := range c.classes.asked {
		if _, has := n.Labels[key]; has && !individual(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "|%q=%q", key, n.Labels[key])
	}
	for i, key := range c.where.book.topologyKeys.all {
		if _, has := n.Labels[key]; has {
			fmt.Fprintf(&b, "|%d", i)
		}
	}
	for _, feature := range n.Features {
		if c.classes.features[feature] {
			fmt.Fprintf(&b, "|has %q", feature)
		}
	}
	id, known := c.byKey[b.String()]
	if !known {
		id = int32(len(c.kinds))
		c.kinds = append(c.kinds, c.newKind(n))
		c.byKey[b.String()] = id
	}
	return id
}

// newKind makes the kind of the node.
func (c *Cluster) newKind(n *Node) kind {
	k := kind{match: make([]matched, c.classes.Len())}
	for i := range k.match {
		if c.classes.specs[i].named() {
			k.match[i] = perNode
		}
	}
	if !slices.ContainsFunc(c.where.book.views.all, func(v view) bool { return v.affinity && v.spec.named() }) {
		k.shown = c.shown(n)
	}
	return k
}

// shown says which views the node is part of.
func (c *Cluster) shown(n *Node) []bool {
	views := c.where.book.views.all
	out := make([]bool, len(views))
	for i := range views {
		out[i] = views[i].shows(n, c.where.book.topologyKeys.all)
	}
	return out
}

// Len is the number of nodes ever added and not undone, hidden ones included.
func (c *Cluster) Len() int { return len(c.nodes) }

// Node is what the node offers when it is empty.
func (c *Cluster) Node(id NodeID) *Node { return c.nodes[id].spec }

// Free is what is left on the node.
func (c *Cluster) Free(id NodeID) Resources { return c.nodes[id].free }

// Fits says whether one more pod of the class fits on the node, and if not, why.
func (c *Cluster) Fits(class Class, id NodeID) Misfit {
	b := &c.nodes[id]
	spec := c.classes.Spec(class)
	if !c.suits(class, b) {
		if m := spec.mismatch(b.spec); !m.OK() {
			return m // else a feature is not declared, which is said last
		}
	}
	for _, p := range spec.Ports {
		if slices.ContainsFunc(b.ports, p.clashes) {
			return Misfit{Code: HostPortTaken, What: fmt.Sprintf("%s/%d", p.Protocol, p.Port)}
		}
	}
	if m := b.free.shortage(spec.Requests); !m.OK() {
		return m
	}
	if m := c.where.obstacle(c.rules(class), b); !m.OK() {
		return m
	}
	if m := c.judged(spec, id); !m.OK() {
		return m
	}
	return spec.featureMismatch(b.spec)
}

// Suits says whether the class may run on such a node at all, its room and its neighbours aside.
func (c *Cluster) Suits(class Class, id NodeID) bool { return c.suits(class, &c.nodes[id]) }

func (c *Cluster) suits(class Class, b *bin) bool {
	m := &c.kinds[b.kind].match[class]
	switch *m {
	case perNode:
		return c.classes.Spec(class).welcome(b.spec)
	case unknown:
		*m = suits
		if !c.classes.Spec(class).welcome(b.spec) {
			*m = doesNot
		}
	}
	return *m == suits
}

func (c *Cluster) rules(class Class) *rules { return &c.where.book.byClass[class] }

// Constrained is whether it depends on the pods of other nodes where a pod of the class fits, so that a node on
// which it does not fit may become one where it does as other nodes fill.
func (c *Cluster) Constrained(class Class) bool { return c.rules(class).constrained() }

// Yields is whether pods on other nodes can make a node a place for the class that is none.
func (c *Cluster) Yields(class Class) bool {
	r := c.rules(class)
	return len(r.near)+len(r.spread) > 0
}

// Open is whether the node may take a pod of the class, at once or when there are more pods on other nodes: nothing is
// against it that stays as long as pods are only added.
func (c *Cluster) Open(class Class, id NodeID) bool {
	b := &c.nodes[id]
	if b.gone || !c.suits(class, b) || b.free.copies(c.classes.Spec(class).Requests) <= 0 {
		return false
	}
	m := c.where.repelled(c.rules(class), b)
	return m.OK()
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
	if rules := c.rules(class); n > 0 && rules.constrained() {
		n = min(n, c.where.room(rules, b))
	}
	if spec.Demand != "" {
		return c.fillJudged(class, id, n)
	}
	if n > 0 {
		c.Place(class, id, int(n))
	}
	return int(n)
}

// Place puts n pods of the class on the node whether they fit or not, as pods that run there already do.
func (c *Cluster) Place(class Class, id NodeID, n int) {
	c.place(class, id, int64(n))
	if c.Judged(class) {
		c.put(class, id, int64(n))
	}
	c.undo = append(c.undo, step{node: id, class: class, n: int64(n), op: opPlace})
}

// Take removes n pods of the class from the node, where Place or Fill has put them.
func (c *Cluster) Take(class Class, id NodeID, n int) {
	c.place(class, id, -int64(n))
	if c.Judged(class) {
		c.put(class, id, -int64(n))
	}
	c.undo = append(c.undo, step{node: id, class: class, n: -int64(n), op: opPlace})
}

func (c *Cluster) place(class Class, id NodeID, n int64) {
	b, spec := &c.nodes[id], c.classes.Spec(class)
	b.free = b.free.Plus(spec.Requests, -n)
	c.changed(id, n < 0)
	if rules := c.rules(class); len(rules.feeds) > 0 {
		c.where.count(rules, b, int32(n))
	}
	if len(spec.Ports) == 0 {
		return
	}
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

// Hide makes the node take no more pods. What runs on it stays counted there, and its domains stay.
func (c *Cluster) Hide(id NodeID) {
	if !c.nodes[id].gone {
		c.nodes[id].gone = true
		c.changed(id, false)
		c.undo = append(c.undo, step{node: id, op: opHide})
	}
}

// Hidden is whether the node takes no more pods.
func (c *Cluster) Hidden(id NodeID) bool { return c.nodes[id].gone }
