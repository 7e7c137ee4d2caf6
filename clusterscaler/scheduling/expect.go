package scheduling

import "maps"

// Opens is the topology key of a domain that a copy of the template brings, that some spread constraint looks at, and that
// no node is in yet; empty where there is none. The domain of its host name does not count, which every node brings.
func (c *Cluster) Opens(t Template) string {
	b := c.placed(t)
	for i, region := range c.where.book.regions.all {
		d := b.domains[region.key]
		if b.shown[region.view] && d != nowhere && (int(d) >= len(c.where.regions[i].nodes) || c.where.regions[i].nodes[d] == 0) {
			return c.where.book.topologyKeys.all[region.key]
		}
	}
	return ""
}

// Expect counts the domains of n nodes like the template for spread constraints, as if they stood. A negative n takes
// that back.
func (c *Cluster) Expect(t Template, n int) {
	b := c.placed(t)
	c.where.settle(&b, int32(n))
	c.expected = append(c.expected, b)
	c.undo = append(c.undo, step{n: int64(n), op: opExpect})
}

// placed is a node like the template in its domains, but for that of its host name.
func (c *Cluster) placed(t Template) bin {
	labels := maps.Clone(t.node.Labels)
	delete(labels, hostname)
	b := bin{spec: t.node, domains: c.where.locate(labels, ""), shown: c.kinds[t.kind].shown}
	if b.shown == nil {
		b.shown = c.shown(t.node)
	}
	return b
}

// Even is whether the spread constraints hold of a pod of the class that is on the node. Those over host names are left
// out.
func (c *Cluster) Even(class Class, id NodeID) bool {
	r, b := c.rules(class), &c.nodes[id]
	for i := range r.spread {
		s := &r.spread[i]
		key := c.where.book.counters.all[s.counter].key
		more := s.self
		if s.grows { // it is counted already
			more--
		}
		if !individual(c.where.book.topologyKeys.all[key]) && c.where.skew(s, b.domains[key], more) > s.maxSkew {
			return false
		}
	}
	return true
}
