package scheduling

// FilterPlugins decide on what of a pod this package does not model: its volumes and device claims. They know the
// objects of one moment, and never change.
type FilterPlugins interface {
	// NewCycleState begins to follow a Cluster that has no pods yet.
	NewCycleState() CycleState
}

// CycleState follows the pods of one Cluster for the FilterPlugins. The Cluster filters by it last, and only pods that
// have a Demand and fit otherwise. The same calls of AddPod and RemovePod give the same answers.
type CycleState interface {
	// Filter says why one more pod with that Demand does not fit on the node. The NodeID tells copies of one Node apart.
	Filter(demand string, id NodeID, n *Node) Refusal
	// AddPod says that a pod has come to the node, and RemovePod that one has left it. undo reverts the call; what was
	// called later is reverted before.
	AddPod(demand string, id NodeID, n *Node) (undo func())
	RemovePod(demand string, id NodeID, n *Node) (undo func())
	// Devices says how much of the node's own devices its pods have.
	Devices(id NodeID, n *Node) DeviceUse
}

// DeviceUse is what share of a node's own devices is taken by claims. The zero value is that the node has none.
type DeviceUse struct {
	// Pool is the fullest of the node's pools, behind its driver.
	Pool  string
	Share float64
	// Unknown is why the share is not known; empty where it is.
	Unknown string
}

// Refusal is why FilterPlugins keep a pod off a node. The zero value is that they do not.
type Refusal struct {
	// Plugin is the one of kube-scheduler's plugins that refuses, and Reason is what it says.
	Plugin Plugin
	Reason string
	// OnEveryNode says that no node would do, because of the pod's volumes and claims themselves: one does not exist, or
	// waits for something other than a node. kube-scheduler says so from PreFilter.
	OnEveryNode bool
}

// misfit is the refusal in the terms of this package.
func (r Refusal) misfit() Misfit {
	if r.Plugin == "" {
		return Misfit{}
	}
	m := Misfit{Code: NotJudged, What: r.Reason, plugin: r.Plugin}
	switch r.Plugin {
	case "VolumeRestrictions":
		m.Code = VolumeInUse
	case "NodeVolumeLimits":
		m.Code = VolumeLimitExceeded
	case "VolumeBinding":
		m.Code = VolumeUnavailable
	case "VolumeZone":
		m.Code = VolumeZoneConflict
	case "DynamicResources":
		m.Code = DevicesUnavailable
	}
	if r.OnEveryNode && m.Code != NotJudged && m.Code != DevicesUnavailable {
		m.Code = VolumeUnavailable
	}
	return m
}

// SetFilterPlugins makes the plugins decide from now on, on the pods that are there too. All that was done so far is
// committed.
func (c *Cluster) SetFilterPlugins(p FilterPlugins) {
	c.Commit()
	c.plugins, c.state, c.podUndos = p, nil, nil
	if p == nil {
		return
	}
	c.state = p.NewCycleState()
	for id := range c.nodes {
		for _, class := range c.nodes[id].demanding {
			c.state.AddPod(c.classes.Spec(class).Demand, NodeID(id), c.nodes[id].spec)
		}
	}
}

// FilterPlugins decide on volumes and device claims; nil where none do.
func (c *Cluster) FilterPlugins() FilterPlugins { return c.plugins }

// NeedsFilterPlugins is whether FilterPlugins have a say on pods of the class.
func (c *Cluster) NeedsFilterPlugins(class Class) bool { return c.classes.Spec(class).Demand != "" }

// Devices is how much of the node's own devices is taken, if FilterPlugins know of any.
func (c *Cluster) Devices(id NodeID) DeviceUse {
	if c.state == nil {
		return DeviceUse{}
	}
	return c.state.Devices(id, c.nodes[id].spec)
}

// filterByPlugins is why FilterPlugins keep one more pod of the class off the node.
func (c *Cluster) filterByPlugins(spec *Spec, id NodeID) Misfit {
	switch {
	case spec.Demand == "":
		return Misfit{}
	case c.state == nil:
		return Misfit{Code: NotJudged, What: "nobody judges volumes and device claims", plugin: "none"}
	default:
		return c.state.Filter(spec.Demand, id, c.nodes[id].spec).misfit()
	}
}

// fillOneByOne is Fill for a class on which FilterPlugins have a say, where all else would let n pods onto the node.
func (c *Cluster) fillOneByOne(class Class, id NodeID, n int64) int {
	placed := 0
	for int64(placed) < n && c.filterByPlugins(c.classes.Spec(class), id).OK() {
		c.Place(class, id, 1)
		placed++
	}
	return placed
}

// tellPlugins says that n pods with a Demand have come to the node, or have left it where n is negative.
func (c *Cluster) tellPlugins(class Class, id NodeID, n int64) {
	b := &c.nodes[id]
	demand := c.classes.Spec(class).Demand
	for ; n != 0; n -= sign(n) {
		undo := func() {}
		switch {
		case c.state == nil:
		case n > 0:
			undo = c.state.AddPod(demand, id, b.spec)
		default:
			undo = c.state.RemovePod(demand, id, b.spec)
		}
		c.podUndos = append(c.podUndos, undo)
		if n > 0 {
			b.demanding = append(b.demanding, class)
		} else {
			b.removeDemanding(class)
		}
	}
}

// untellPlugins reverts a tellPlugins with the same n, the last that was not reverted.
func (c *Cluster) untellPlugins(class Class, id NodeID, n int64) {
	b := &c.nodes[id]
	for ; n != 0; n -= sign(n) {
		last := len(c.podUndos) - 1
		c.podUndos[last]()
		c.podUndos = c.podUndos[:last]
		if n > 0 {
			b.removeDemanding(class)
		} else {
			b.demanding = append(b.demanding, class)
		}
	}
}

// removeDemanding drops one pod of the class; the order of the others means nothing.
func (b *bin) removeDemanding(class Class) {
	for i, other := range b.demanding {
		if other == class {
			last := len(b.demanding) - 1
			b.demanding[i] = b.demanding[last]
			b.demanding = b.demanding[:last]
			return
		}
	}
}

func sign(n int64) int64 {
	if n < 0 {
		return -1
	}
	return 1
}

// IsCopy is whether the Node is that of a Template, which no node of the cluster is.
func (n *Node) IsCopy() bool { return n.Labels[hostname] == newHostname }
