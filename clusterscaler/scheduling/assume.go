package scheduling

import "maps"

// NewDomain is the topology key of a domain that a node like the template would add to a topology spread constraint:
// no eligible node is in it yet. It is empty where there is none. Host names do not count: every node adds one.
func (c *Cluster) NewDomain(t Template) string {
	b := c.templateNode(t)
	for i, of := range c.where.book.eligibleDomains.all {
		d, nodes := b.domains[of.key], c.where.nodeCounts[i].nodes
		if b.inSets[of.nodeSet] && d != nowhere && (int(d) >= len(nodes) || nodes[d] == 0) {
			return c.where.book.topologyKeys.all[of.key]
		}
	}
	return ""
}

// AssumeNodes counts n nodes like the template in their domains, as if they were there: topology spread constraints
// then expect pods in these. A negative n takes that back.
func (c *Cluster) AssumeNodes(t Template, n int) {
	b := c.templateNode(t)
	c.where.countNode(&b, int32(n))
	c.assumed = append(c.assumed, b)
	c.undo = append(c.undo, step{n: int64(n), op: opAssumeNodes})
}

// templateNode is a node like the template in all its domains but that of its host name.
func (c *Cluster) templateNode(t Template) bin {
	labels := maps.Clone(t.node.Labels)
	delete(labels, hostname)
	b := bin{spec: t.node, domains: c.where.locate(labels, ""), inSets: c.kinds[t.kind].inSets}
	if b.inSets == nil {
		b.inSets = c.setsOf(t.node)
	}
	return b
}

// SatisfiesTopologySpread is whether the topology spread constraints hold of a pod of the class that is on the node.
// Those over host names are left out.
func (c *Cluster) SatisfiesTopologySpread(class Class, id NodeID) bool {
	r, b := c.domainRules(class), &c.nodes[id]
	for i := range r.topologySpread {
		s := &r.topologySpread[i]
		key := c.where.book.counters.all[s.counter].key
		more := s.selfMatch
		if s.counted { // the pod is among those of the domain already
			more--
		}
		if !individual(c.where.book.topologyKeys.all[key]) && c.where.skew(s, b.domains[key], more) > s.maxSkew {
			return false
		}
	}
	return true
}
