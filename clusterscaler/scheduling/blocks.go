package scheduling

// blockSize is how many nodes, in the order of AddNode, are skipped at once when none of them has room.
const blockSize = 64

// block bounds what is free on its nodes: none has more than most. The bound is exact unless it is loose.
type block struct {
	most  Resources
	loose bool
}

// NextWithRoom is the first node, from id on, that has enough CPU, memory and pod slots free for a pod of the class; Len where
// there is none. Hidden nodes are skipped.
func (c *Cluster) NextWithRoom(class Class, id NodeID) NodeID {
	need := &c.classes.Spec(class).Requests
	for int(id) < len(c.nodes) {
		if int(id)%blockSize == 0 && !c.blockHasRoom(int(id)/blockSize, need) {
			id += blockSize
			continue
		}
		if b := &c.nodes[id]; !b.hidden && roomFor(&b.free, need) {
			return id
		}
		id++
	}
	return NodeID(len(c.nodes))
}

// blockHasRoom is whether some node of the block may have room.
func (c *Cluster) blockHasRoom(i int, need *Resources) bool {
	b := &c.blocks[i]
	if !roomFor(&b.most, need) {
		return false
	}
	if b.loose {
		*b = block{most: nothing()}
		for j := i * blockSize; j < min((i+1)*blockSize, len(c.nodes)); j++ {
			if !c.nodes[j].hidden {
				b.raise(&c.nodes[j].free)
			}
		}
	}
	return roomFor(&b.most, need)
}

// roomFor is whether there is enough CPU, memory and pod slots; other resources are left out.
func roomFor(free, need *Resources) bool {
	return fitsInto(need.MilliCPU, free.MilliCPU) && fitsInto(need.Memory, free.Memory) && fitsInto(need.Pods, free.Pods)
}

// fitsInto is true where nothing is needed, even if free is negative.
func fitsInto(need, free int64) bool { return need <= 0 || need <= free }

// nothing is less than any node has.
func nothing() Resources { return Resources{MilliCPU: -1 << 62, Memory: -1 << 62, Pods: -1 << 62} }

func (b *block) raise(free *Resources) {
	b.most.MilliCPU = max(b.most.MilliCPU, free.MilliCPU)
	b.most.Memory = max(b.most.Memory, free.Memory)
	b.most.Pods = max(b.most.Pods, free.Pods)
}

// changed updates the bound of the node's block, after more or less has become free there.
func (c *Cluster) changed(id NodeID, more bool) {
	b := &c.blocks[id/blockSize]
	if more {
		b.raise(&c.nodes[id].free)
	} else {
		b.loose = true
	}
}
