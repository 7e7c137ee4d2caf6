package scheduling

// Judge decides on what of a pod this package does not model, its volumes and device claims. It never changes: it
// knows the objects of one moment.
type Judge interface {
	// Sitting begins to follow a Cluster that has no pods yet.
	Sitting() Sitting
}

// Sitting is a Judge at work on one Cluster. It is asked last, and only about pods with a Demand that fit otherwise.
// Equal questions after equal Puts have equal answers.
type Sitting interface {
	// Fits says why one more pod with that Demand does not fit on the node. The number tells nodes that are copies of one
	// Node apart.
	Fits(demand string, number NodeID, n *Node) Refusal
	// Put says that a pod has come to the node, or, if leaves is true, has left it. The returned function takes the Put
	// back; those of later Puts are called before.
	Put(demand string, number NodeID, n *Node, leaves bool) (undo func())
	// Devices says how much of the node's own devices the pods that were Put there have.
	Devices(number NodeID, n *Node) DeviceUse
}

// DeviceUse is what share of the devices that a node shows for claims is taken. The zero value is that it shows none.
type DeviceUse struct {
	// Pool is the fullest of the node's pools, behind its driver.
	Pool  string
	Share float64
	// Unknown is why the share cannot be told; empty where it can.
	Unknown string
}

// Refusal is why a Judge keeps a pod off a node. The zero value is that it does not.
type Refusal struct {
	// Plugin is the one of kube-scheduler's plugins that says so, and Reason what it says.
	Plugin Plugin
	Reason string
	// Anywhere says that no node would do, because of the pod's volumes and claims themselves: one does not exist, or waits
	// for something else than a node.
	Anywhere bool
}

// misfit is the refusal in the terms of this package.
func (r Refusal) misfit() Misfit {
	if r.Plugin == "" {
		return Misfit{}
	}
	m := Misfit{Code: NotJudged, What: r.Reason, judge: r.Plugin}
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
	if r.Anywhere && m.Code != NotJudged && m.Code != DevicesUnavailable {
		m.Code = VolumeUnavailable
	}
	return m
}

// SetJudge makes the Judge decide from now on, on the pods that are there too. All that was done so far is committed.
func (c *Cluster) SetJudge(j Judge) {
	c.Commit()
	c.judge, c.sitting, c.puts = j, nil, nil
	if j == nil {
		return
	}
	c.sitting = j.Sitting()
	for id := range c.nodes {
		for _, class := range c.nodes[id].demanding {
			c.sitting.Put(c.classes.Spec(class).Demand, NodeID(id), c.nodes[id].spec, false)
		}
	}
}

// Judge is who decides on volumes and device claims; nil when nobody does.
func (c *Cluster) Judge() Judge { return c.judge }

// Judged is whether the Judge has a say on pods of the class.
func (c *Cluster) Judged(class Class) bool { return c.classes.Spec(class).Demand != "" }

// Devices is how much of the node's own devices is taken, if the Judge knows of any.
func (c *Cluster) Devices(id NodeID) DeviceUse {
	if c.sitting == nil {
		return DeviceUse{}
	}
	return c.sitting.Devices(id, c.nodes[id].spec)
}

// judged is why the Judge keeps one more pod of the class off the node.
func (c *Cluster) judged(spec *Spec, id NodeID) Misfit {
	switch {
	case spec.Demand == "":
		return Misfit{}
	case c.sitting == nil:
		return Misfit{Code: NotJudged, What: "nobody judges volumes and device claims", judge: "none"}
	default:
		return c.sitting.Fits(spec.Demand, id, c.nodes[id].spec).misfit()
	}
}

// fillJudged is Fill for a class on which the Judge has a say, where the rest would let n pods onto the node.
func (c *Cluster) fillJudged(class Class, id NodeID, n int64) int {
	placed := 0
	for int64(placed) < n && c.judged(c.classes.Spec(class), id).OK() {
		c.Place(class, id, 1)
		placed++
	}
	return placed
}

// put tells the Judge of pods with a Demand that have come to the node, or left it when n is negative.
func (c *Cluster) put(class Class, id NodeID, n int64) {
	b := &c.nodes[id]
	for ; n != 0; n -= sign(n) {
		undo := func() {}
		if c.sitting != nil {
			undo = c.sitting.Put(c.classes.Spec(class).Demand, id, b.spec, n < 0)
		}
		c.puts = append(c.puts, undo)
		if n > 0 {
			b.demanding = append(b.demanding, class)
		} else {
			b.leaves(class)
		}
	}
}

// unput takes the last n Puts back, with what they did to the node; n is as it was in put.
func (c *Cluster) unput(class Class, id NodeID, n int64) {
	b := &c.nodes[id]
	for ; n != 0; n -= sign(n) {
		last := len(c.puts) - 1
		c.puts[last]()
		c.puts = c.puts[:last]
		if n > 0 {
			b.leaves(class)
		} else {
			b.demanding = append(b.demanding, class)
		}
	}
}

// leaves drops one of the class from those on the node; their order means nothing.
func (b *bin) leaves(class Class) {
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

// IsCopy is whether the node is one that a Template stands for, and does not stand.
func (n *Node) IsCopy() bool { return n.Labels[hostname] == newHostname }
