package scheduling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// NodeID numbers a node of a Cluster in the order of AddNode.
type NodeID int32

// hostname is the label whose value is different on each node.
const hostname = "kubernetes.io/hostname"

// individual is whether the label tells each node from all others. The empty key is the node's name.
func individual(key string) bool { return key == "" || key == hostname }

// Cluster is a set of nodes with what is left on each. It is not safe for concurrent use.
type Cluster struct {
	classes *Classes
	nodes   []bin
	blocks  []block
	kinds   []kind
	byKey   map[string]int32
	where   topology
	// plugins decide on volumes and device claims, by their state. podUndos revert what the state was told, newest last.
	plugins  FilterPlugins
	state    CycleState
	podUndos []func()
	// undo holds what was done, newest last, and tainted what the undo of opHideTainted needs.
	undo    []step
	tainted []taintedNode
	// assumed are the arguments of AssumeNodes, newest last.
	assumed []bin
}

// bin is a node and what is left on it.
type bin struct {
	spec   *Node
	kind   int32
	hidden bool
	free   Resources
	ports  []HostPort
	// domains has the node's domain for each topology key. inSets says which node sets it is in.
	domains []domain
	inSets  []bool
	// demanding has the class of each pod here that has a Demand.
	demanding []Class
}

// kind is a set of nodes that differ, for all classes and node sets, only by free resources, name and domains.
type kind struct {
	// match says for each class whether it matches the nodes.
	match []nodeMatch
	// inSets says which node sets the nodes are in. It is nil where that depends on the node's name.
	inSets []bool
}

type nodeMatch uint8

const (
	matchUnknown nodeMatch = iota
	matchYes
	matchNo
	// matchByName is for classes that ask for nodes by name: each node is matched anew.
	matchByName
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
	opHideTainted
	opAssumeNodes
)

// NewCluster makes an empty cluster for pods of these classes. A class interned later is unknown to it.
func NewCluster(classes *Classes) *Cluster {
	return &Cluster{classes: classes, byKey: map[string]int32{}, where: newTopology(classes.rulebook())}
}

// AddNode adds an empty node. The Cluster keeps the Node: the caller must not change it.
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

// newHostname is not valid as the value of a label, so that no selector can ask for it.
const newHostname = "(new node)"

// AddCopy adds an empty copy of the template. As any new node it has a host name of its own.
func (c *Cluster) AddCopy(t Template) NodeID {
	c.undo = append(c.undo, step{node: NodeID(len(c.nodes)), op: opAddCopy})
	return c.add(t.node, t.kind, hostname)
}

func (c *Cluster) add(n *Node, kind int32, fresh string) NodeID {
	b := bin{spec: n, kind: kind, free: n.Allocatable, domains: c.where.locate(n.Labels, fresh)}
	if b.inSets = c.kinds[kind].inSets; b.inSets == nil {
		b.inSets = c.setsOf(n)
	}
	c.nodes = append(c.nodes, b)
	c.where.addNode(&c.nodes[len(c.nodes)-1])
	id := NodeID(len(c.nodes) - 1)
	if int(id)/blockSize == len(c.blocks) {
		c.blocks = append(c.blocks, block{most: nothing()})
	}
	c.changed(id, true)
	return id
}

// kindOf finds the kind of the node: all that some class asks about.
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
	k := kind{match: make([]nodeMatch, c.classes.Len())}
	for i := range k.match {
		if c.classes.specs[i].named() {
			k.match[i] = matchByName
		}
	}
	if !slices.ContainsFunc(c.where.book.nodeSets.all, func(s nodeSet) bool { return s.affinity && s.spec.named() }) {
		k.inSets = c.setsOf(n)
	}
	return k
}

// setsOf says which node sets the node is in.
func (c *Cluster) setsOf(n *Node) []bool {
	sets := c.where.book.nodeSets.all
	out := make([]bool, len(sets))
	for i := range sets {
		out[i] = sets[i].includes(n, c.where.book.topologyKeys.all)
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
	if !c.matchesNode(class, b) {
		if m := spec.mismatch(b.spec); !m.OK() {
			return m // else the node does not declare a feature, which kube-scheduler says last
		}
	}
	for _, p := range spec.HostPorts {
		if slices.ContainsFunc(b.ports, p.clashes) {
			return Misfit{Code: HostPortTaken, What: fmt.Sprintf("%s/%d", p.Protocol, p.Port)}
		}
	}
	if m := b.free.shortage(spec.Requests); !m.OK() {
		return m
	}
	if m := c.where.filter(c.domainRules(class), b); !m.OK() {
		return m
	}
	if m := c.filterByPlugins(spec, id); !m.OK() {
		return m
	}
	return spec.featureMismatch(b.spec)
}

// MatchesNode says whether the node's labels, taints and features let the class run there. Free resources and other pods are
// left out.
func (c *Cluster) MatchesNode(class Class, id NodeID) bool { return c.matchesNode(class, &c.nodes[id]) }

func (c *Cluster) matchesNode(class Class, b *bin) bool {
	m := &c.kinds[b.kind].match[class]
	switch *m {
	case matchByName:
		return c.classes.Spec(class).matchesNode(b.spec)
	case matchUnknown:
		*m = matchYes
		if !c.classes.Spec(class).matchesNode(b.spec) {
			*m = matchNo
		}
	}
	return *m == matchYes
}

func (c *Cluster) domainRules(class Class) *rules { return &c.where.book.byClass[class] }

// Constrained is whether it depends on the pods of other nodes where a pod of the class fits, so that a node on
// which it does not fit may become one where it does as other nodes fill.
func (c *Cluster) Constrained(class Class) bool { return c.domainRules(class).constrained() }

// PodsMayHelp is whether a class that does not fit on a node may fit once there are more pods on other nodes.
func (c *Cluster) PodsMayHelp(class Class) bool {
	r := c.domainRules(class)
	return len(r.podAffinity)+len(r.topologySpread) > 0
}

// MayFit is whether a pod of the class fits on the node, or may fit once there are more pods on other nodes.
func (c *Cluster) MayFit(class Class, id NodeID) bool {
	b := &c.nodes[id]
	if b.hidden || !c.matchesNode(class, b) || b.free.copies(c.classes.Spec(class).Requests) <= 0 {
		return false
	}
	m := c.where.filterAntiAffinity(c.domainRules(class), b)
	return m.OK()
}

// Fill places up to want pods of the class on the node and returns how many found room.
func (c *Cluster) Fill(class Class, id NodeID, want int) int {
	b := &c.nodes[id]
	if want <= 0 || b.hidden || !c.matchesNode(class, b) {
		return 0
	}
	spec := c.classes.Spec(class)
	n := min(int64(want), b.free.copies(spec.Requests))
	if n > 0 && len(spec.HostPorts) > 0 {
		n = 1
		for _, p := range spec.HostPorts {
			if slices.ContainsFunc(b.ports, p.clashes) {
				return 0
			}
		}
	}
	if rules := c.domainRules(class); n > 0 && rules.constrained() {
		n = min(n, c.where.room(rules, b))
	}
	if spec.Demand != "" {
		return c.fillOneByOne(class, id, n)
	}
	if n > 0 {
		c.Place(class, id, int(n))
	}
	return int(n)
}

// Place puts n pods of the class on the node whether they fit or not: running pods are placed so.
func (c *Cluster) Place(class Class, id NodeID, n int) {
	c.place(class, id, int64(n))
	if c.NeedsFilterPlugins(class) {
		c.tellPlugins(class, id, int64(n))
	}
	c.undo = append(c.undo, step{node: id, class: class, n: int64(n), op: opPlace})
}

// Take removes n pods of the class, which Place or Fill has put on the node.
func (c *Cluster) Take(class Class, id NodeID, n int) {
	c.place(class, id, -int64(n))
	if c.NeedsFilterPlugins(class) {
		c.tellPlugins(class, id, -int64(n))
	}
	c.undo = append(c.undo, step{node: id, class: class, n: -int64(n), op: opPlace})
}

func (c *Cluster) place(class Class, id NodeID, n int64) {
	b, spec := &c.nodes[id], c.classes.Spec(class)
	b.free = b.free.Plus(spec.Requests, -n)
	c.changed(id, n < 0)
	if rules := c.domainRules(class); len(rules.countedBy) > 0 {
		c.where.countPods(rules, b, int32(n))
	}
	if len(spec.HostPorts) == 0 {
		return
	}
	for ; n > 0; n-- {
		b.ports = append(b.ports, spec.HostPorts...)
	}
	for ; n < 0; n++ {
		for _, p := range spec.HostPorts {
			if i := slices.Index(b.ports, p); i >= 0 {
				b.ports = slices.Delete(b.ports, i, i+1)
			}
		}
	}
}

// Hide makes the node take no more pods. The pods on it stay counted, and its domains stay.
func (c *Cluster) Hide(id NodeID) {
	if !c.nodes[id].hidden {
		c.nodes[id].hidden = true
		c.changed(id, false)
		c.undo = append(c.undo, step{node: id, op: opHide})
	}
}

// Hidden is whether the node takes no more pods.
func (c *Cluster) Hidden(id NodeID) bool { return c.nodes[id].hidden }
