package scheduling

import "slices"

// domain numbers the values of one topology key, from 0; nowhere is the domain of a node without the key.
type domain int32

const nowhere domain = -1

// topology is the domains that the nodes of a cluster are in, and how many nodes and pods each domain has.
type topology struct {
	book *rulebook
	// values number the domains of each topology key by the label's value.
	values []map[string]domain
	// next is, for each topology key, the number of the next new domain.
	next       []domain
	nodeCounts []nodeCounts
	podCounts  []podCounts
}

// nodeCounts is how many nodes each of some eligibleDomains has.
type nodeCounts struct {
	nodes []int32
	// domains is how many have any.
	domains int
}

// podCounts are what one counter counts.
type podCounts struct {
	// pods has the count of each domain; those beyond its end have none.
	pods  []int32
	total int64
	// levels has, for each count above 0, how many domains have it; it is kept for eligibleDomains only. filled is how many
	// domains have any pod. No domain has a count between 0 and low.
	levels []int32
	filled int
	low    int
}

func newTopology(book *rulebook) topology {
	t := topology{
		book:       book,
		values:     make([]map[string]domain, len(book.topologyKeys.all)),
		next:       make([]domain, len(book.topologyKeys.all)),
		nodeCounts: make([]nodeCounts, len(book.eligibleDomains.all)),
		podCounts:  make([]podCounts, len(book.counters.all)),
	}
	for i := range t.values {
		t.values[i] = map[string]domain{}
	}
	return t
}

// locate finds the domains of a node, one for each topology key. fresh is a key of which the node has a value
// that no other node has, whatever its labels say; "" is none.
func (t *topology) locate(labels map[string]string, fresh string) []domain {
	if len(t.next) == 0 {
		return nil
	}
	out := make([]domain, len(t.next))
	for i, key := range t.book.topologyKeys.all {
		out[i] = nowhere
		if key == fresh {
			out[i] = t.next[i]
			t.next[i]++
		} else if value, has := labels[key]; has {
			d, known := t.values[i][value]
			if !known {
				d = t.next[i]
				t.values[i][value] = d
				t.next[i]++
			}
			out[i] = d
		}
	}
	return out
}

func (t *topology) addNode(b *bin)    { t.countNode(b, 1) }
func (t *topology) removeNode(b *bin) { t.countNode(b, -1) }

// countNode adds the node to its domains, or takes it off where by is -1.
func (t *topology) countNode(b *bin, by int32) {
	for i := range t.nodeCounts {
		of := t.book.eligibleDomains.all[i]
		e, d := &t.nodeCounts[i], b.domains[of.key]
		if !b.inSets[of.nodeSet] || d == nowhere {
			continue
		}
		e.nodes = grown(e.nodes, d)
		before := e.nodes[d]
		e.nodes[d] += by
		switch {
		case before == 0:
			e.domains++
		case e.nodes[d] == 0:
			e.domains--
		}
	}
}

// grown is the slice with room for the domain.
func grown(s []int32, d domain) []int32 {
	if n := int(d) + 1; n > len(s) {
		s = append(s, make([]int32, n-len(s))...)
	}
	return s
}

// countPods adds n pods of a class with these rules to the node's domains; a negative n takes them off.
func (t *topology) countPods(r *rules, b *bin, n int32) {
	for _, id := range r.countedBy {
		c := t.book.counters.all[id]
		d := b.domains[c.key]
		if d == nowhere || c.domains != everywhere && !b.inSets[t.book.eligibleDomains.all[c.domains].nodeSet] {
			continue
		}
		t.podCounts[id].add(d, n, c.domains != everywhere)
	}
}

func (t *podCounts) add(d domain, n int32, leveled bool) {
	t.pods = grown(t.pods, d)
	before := t.pods[d]
	after := before + n
	t.pods[d] = after
	t.total += int64(n)
	if !leveled {
		return
	}
	if before > 0 {
		t.levels[before]--
		t.filled--
	}
	if after > 0 {
		t.levels = grown(t.levels, domain(after))
		t.levels[after]++
		t.filled++
		if t.low == 0 || int(after) < t.low {
			t.low = int(after)
		}
	}
}

// at is the number of pods in the domain.
func (t *podCounts) at(d domain) int64 {
	if d == nowhere || int(d) >= len(t.pods) {
		return 0
	}
	return int64(t.pods[d])
}

// minMatch is the smallest number of pods that any eligible domain has. The domain but is left out; nowhere leaves none
// out. It is unlimited when there is no other domain.
func (t *podCounts) minMatch(e *nodeCounts, but domain) int64 {
	domains, filled, skip := e.domains, t.filled, int64(0)
	if but != nowhere && int(but) < len(e.nodes) && e.nodes[but] > 0 {
		domains--
		if skip = t.at(but); skip > 0 {
			filled--
		}
	}
	switch {
	case domains <= 0:
		return unlimited
	case filled < domains:
		return 0
	}
	for t.low < len(t.levels) && t.levels[t.low] == 0 {
		t.low++
	}
	for level := t.low; level < len(t.levels); level++ {
		n := t.levels[level]
		if int64(level) == skip {
			n--
		}
		if n > 0 {
			return int64(level)
		}
	}
	return unlimited
}

// filter is why the node's domains can take no further pod of a class with these rules (PodTopologySpread, InterPodAffinity).
func (t *topology) filter(r *rules, b *bin) Misfit {
	for i := range r.topologySpread {
		if m := t.filterSpread(&r.topologySpread[i], b); !m.OK() {
			return m
		}
	}
	if !t.satisfiesPodAffinity(r, b) {
		return Misfit{Code: PodAffinityUnsatisfied}
	}
	return t.filterAntiAffinity(r, b)
}

// filterAntiAffinity is why pods in the node's domains keep the pod off: the pod's own anti-affinity, or theirs. Of several
// terms of others it names the first topology key, and of that the most pods, so that the order of the terms does not matter.
func (t *topology) filterAntiAffinity(r *rules, b *bin) (m Misfit) {
	for _, a := range r.podAntiAffinity {
		c := t.book.counters.all[a.counter]
		n := t.podCounts[a.counter].at(b.domains[c.key])
		if n == 0 {
			continue
		}
		key := t.book.topologyKeys.all[c.key]
		if a.own {
			return Misfit{Code: PodAntiAffinityConflict, What: key, Free: n}
		}
		if m.OK() || key < m.What || key == m.What && n > m.Free {
			m = Misfit{Code: RepelledByPods, What: key, Free: n}
		}
	}
	return m
}

// filterSpread is how one more pod would break the topology spread constraint.
func (t *topology) filterSpread(s *spreadRule, b *bin) Misfit {
	key := t.book.counters.all[s.counter].key
	d := b.domains[key]
	if d == nowhere {
		return Misfit{Code: TopologyKeyMissing, What: t.book.topologyKeys.all[key]}
	}
	if skew := t.skew(s, d, s.selfMatch); skew > s.maxSkew {
		return Misfit{Code: TopologySpreadExceeded, What: t.book.topologyKeys.all[key], Need: skew, Free: s.maxSkew}
	}
	return Misfit{}
}

// skew is by how many pods the domain would exceed the one with the fewest, with so many more pods in it.
func (t *topology) skew(s *spreadRule, d domain, more int64) int64 {
	pods, nodes := &t.podCounts[s.counter], &t.nodeCounts[s.domains]
	fewest := int64(0)
	if int64(nodes.domains) >= s.minDomains {
		fewest = pods.minMatch(nodes, nowhere)
	}
	return pods.at(d) + more - fewest
}

// satisfiesPodAffinity is whether the required affinity holds. The pods that it asks for are in the node's domains; or there
// are none in the cluster, and the pod matches its own terms.
func (t *topology) satisfiesPodAffinity(r *rules, b *bin) bool {
	missing, any := false, false
	for _, id := range r.podAffinity {
		d := b.domains[t.book.counters.all[id].key]
		if d == nowhere {
			return false
		}
		missing = missing || t.podCounts[id].at(d) <= 0
		any = any || t.podCounts[id].total > 0
	}
	return !missing || (!any && r.matchesOwnAffinity)
}

// room is how many pods of a class with these rules the node's domains can take.
func (t *topology) room(r *rules, b *bin) int64 {
	if !t.filter(r, b).OK() {
		return 0
	}
	n := int64(unlimited)
	if slices.ContainsFunc(r.podAntiAffinity, func(a antiAffinityRule) bool {
		return a.mutual && b.domains[t.book.counters.all[a.counter].key] != nowhere
	}) {
		n = 1
	}
	for i := range r.topologySpread {
		if s := &r.topologySpread[i]; s.counted {
			n = min(n, t.spreadRoom(s, b))
		}
	}
	return n
}

// spreadRoom is how many pods the constraint lets onto the node: as many as keep its domain within maxSkew of the other
// domain with the fewest.
func (t *topology) spreadRoom(s *spreadRule, b *bin) int64 {
	d := b.domains[t.book.counters.all[s.counter].key]
	pods, nodes := &t.podCounts[s.counter], &t.nodeCounts[s.domains]
	fewest := int64(0)
	if int64(nodes.domains) >= s.minDomains {
		if fewest = pods.minMatch(nodes, d); fewest == unlimited {
			return unlimited
		}
	}
	return s.maxSkew + fewest - pods.at(d)
}
