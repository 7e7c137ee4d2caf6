package scheduling

// Mark is a point to which Undo returns.
type Mark int

// Mark notes the present state.
func (c *Cluster) Mark() Mark { return Mark(len(c.undo)) }

// Commit makes the present state final: Undo cannot go back behind it. Earlier Marks are void.
func (c *Cluster) Commit() {
	c.undo, c.podUndos = c.undo[:0], c.podUndos[:0]
	c.tainted, c.assumed = c.tainted[:0], c.assumed[:0]
}

// Undo reverts all that was done since the mark. Its cost is that of what changed.
func (c *Cluster) Undo(m Mark) {
	for i := len(c.undo) - 1; i >= int(m); i-- {
		switch s := c.undo[i]; s.op {
		case opPlace:
			c.place(s.class, s.node, -s.n)
			if c.NeedsFilterPlugins(s.class) {
				c.untellPlugins(s.class, s.node, s.n)
			}
		case opAdd, opAddCopy:
			c.where.removeNode(&c.nodes[s.node])
			c.changed(s.node, false)
			c.nodes = c.nodes[:s.node]
			c.blocks = c.blocks[:(len(c.nodes)+blockSize-1)/blockSize]
			if s.op == opAddCopy {
				c.where.forgetFresh(hostname)
			}
		case opHideTainted:
			last := len(c.tainted) - 1
			c.moveToSets(s.node, c.tainted[last].inSets, c.tainted[last].pods)
			c.tainted = c.tainted[:last]
		case opAssumeNodes:
			last := len(c.assumed) - 1
			c.where.countNode(&c.assumed[last], -int32(s.n))
			c.assumed = c.assumed[:last]
		case opHide:
			c.nodes[s.node].hidden = false
			c.changed(s.node, true)
		}
	}
	c.undo = c.undo[:m]
}

// forgetFresh gives back the number of the key's last domain that no label names.
func (t *topology) forgetFresh(key string) {
	for i, k := range t.book.topologyKeys.all {
		if k == key {
			t.next[i]--
		}
	}
}
