package scheduling

// Mark is a point to which Undo returns.
type Mark int

// Mark notes the present state.
func (c *Cluster) Mark() Mark { return Mark(len(c.undo)) }

// Commit makes all that was done so far the state that no Undo goes behind. Marks of before are void.
func (c *Cluster) Commit() {
	c.undo, c.puts = c.undo[:0], c.puts[:0]
	c.retired, c.expected = c.retired[:0], c.expected[:0]
}

// Undo reverts, at the cost of what changed, all that was done since the mark.
func (c *Cluster) Undo(m Mark) {
	for i := len(c.undo) - 1; i >= int(m); i-- {
		switch s := c.undo[i]; s.op {
		case opPlace:
			c.place(s.class, s.node, -s.n)
			if c.Judged(s.class) {
				c.unput(s.class, s.node, s.n)
			}
		case opAdd, opAddCopy:
			c.where.leave(&c.nodes[s.node])
			c.changed(s.node, false)
			c.nodes = c.nodes[:s.node]
			c.blocks = c.blocks[:(len(c.nodes)+blockSize-1)/blockSize]
			if s.op == opAddCopy {
				c.where.forget(hostname)
			}
		case opRetire:
			last := len(c.retired) - 1
			c.show(s.node, c.retired[last].shown, c.retired[last].stay)
			c.retired = c.retired[:last]
		case opExpect:
			last := len(c.expected) - 1
			c.where.settle(&c.expected[last], -int32(s.n))
			c.expected = c.expected[:last]
		case opHide:
			c.nodes[s.node].gone = false
			c.changed(s.node, true)
		}
	}
	c.undo = c.undo[:m]
}

// forget gives the number of the last fresh domain of the key back.
func (t *topology) forget(key string) {
	for i, k := range t.book.topologyKeys.all {
		if k == key {
			t.next[i]--
		}
	}
}
