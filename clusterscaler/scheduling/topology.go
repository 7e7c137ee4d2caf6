package scheduling

import "slices"

// domain numbers the values of one topology key, from 0; nowhere is the domain of a node without the key.
type domain int32

const nowhere domain = -1

// topology is where the nodes of a cluster are, and how many pods of which sort are in each domain.
type topology struct {
	book *rulebook
	// values number the domains of each topology key by the label's value.
	values []map[string]domain
	// next is the first number of each topology key that no domain has.
	next    []domain
	regions []extent
	tallies []tally
}

// extent is how many nodes of a region each domain has.
type extent struct {
	nodes []int32
	// domains is how many have any.
	domains int
}

// tally is a counter's counts.
type tally struct {
	// pods has the count of each domain; those beyond its end have none.
	pods  []int32
	total int64
	// levels, kept for regions only, says how many domains have a count of each size above 0; filled is how
	// many have any, and low a count below which no domain is, but those with none.
	levels []int32
	filled int
	low    int
}

func newTopology(book *rulebook) topology {
	t := topology{
		book:    book,
		values:  make([]map[string]domain, len(book.topologyKeys.all)),
		next:    make([]domain, len(book.topologyKeys.all)),
		regions: make([]extent, len(book.regions.all)),
		tallies: make([]tally, len(book.counters.all)),
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

// enter counts the node in the regions that it is part of, leave takes it off again.
func (t *topology) enter(b *bin) { t.settle(b, 1) }
func (t *topology) leave(b *bin) { t.settle(b, -1) }

func (t *topology) settle(b *bin, by int32) {
	for i := range t.regions {
		region := t.book.regions.all[i]
		e, d := &t.regions[i], b.domains[region.key]
		if !b.shown[region.view] || d == nowhere {
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

// count puts n pods of a class with these rules onto the node; negative takes them off.
func (t *topology) count(r *rules, b *bin, n int32) {
	for _, id := range r.feeds {
		c := t.book.counters.all[id]
		d := b.domains[c.key]
		if d == nowhere || c.region != everywhere && !b.shown[t.book.regions.all[c.region].view] {
			continue
		}
		t.tallies[id].add(d, n, c.region != everywhere)
	}
}

func (t *tally) add(d domain, n int32, leveled bool) {
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
func (t *tally) at(d domain) int64 {
	if d == nowhere || int(d) >= len(t.pods) {
		return 0
	}
	return int64(t.pods[d])
}

// fewest is the smallest number of pods that any of the region's domains has, but for those in the given one;
// nowhere leaves none out. It is unlimited when there is no other domain.
func (t *tally) fewest(e *extent, but domain) int64 {
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

// obstacle is what the node's domains have against one more pod of a class with these rules.
func (t *topology) obstacle(r *rules, b *bin) Misfit {
	for i := range r.spread {
		if m := t.uneven(&r.spread[i], b); !m.OK() {
			return m
		}
	}
	if !t.hasCompany(r, b) {
		return Misfit{Code: PodAffinityUnsatisfied}
	}
	return t.repelled(r, b)
}

// repelled is whether pods of the node's domains are avoided by the pod, or avoid it. Of several terms of others it
// names the topology key that comes first, with the most pods, so that it does not matter in which order they became
// known.
func (t *topology) repelled(r *rules, b *bin) (m Misfit) {
	for _, a := range r.apart {
		c := t.book.counters.all[a.counter]
		n := t.tallies[a.counter].at(b.domains[c.key])
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

// uneven is whether one more pod would break the spread constraint.
func (t *topology) uneven(s *evenness, b *bin) Misfit {
	key := t.book.counters.all[s.counter].key
	d := b.domains[key]
	if d == nowhere {
		return Misfit{Code: TopologyKeyMissing, What: t.book.topologyKeys.all[key]}
	}
	if skew := t.skew(s, d, s.self); skew > s.maxSkew {
		return Misfit{Code: TopologySpreadExceeded, What: t.book.topologyKeys.all[key], Need: skew, Free: s.maxSkew}
	}
	return Misfit{}
}

// skew is by how many pods the domain exceeds that with the fewest, with so many more in it.
func (t *topology) skew(s *evenness, d domain, more int64) int64 {
	tally, extent := &t.tallies[s.counter], &t.regions[s.region]
	fewest := int64(0)
	if int64(extent.domains) >= s.minDomains {
		fewest = tally.fewest(extent, nowhere)
	}
	return tally.at(d) + more - fewest
}

// hasCompany is whether the required affinity holds: the pods that it asks for are in the node's domains, or
// are nowhere yet and the pod is the first of them.
func (t *topology) hasCompany(r *rules, b *bin) bool {
	missing, any := false, false
	for _, id := range r.near {
		d := b.domains[t.book.counters.all[id].key]
		if d == nowhere {
			return false
		}
		missing = missing || t.tallies[id].at(d) <= 0
		any = any || t.tallies[id].total > 0
	}
	return !missing || (!any && r.selfNear)
}

// room is how many pods of a class with these rules the domains of the node can take one after another.
func (t *topology) room(r *rules, b *bin) int64 {
	if !t.obstacle(r, b).OK() {
		return 0
	}
	n := int64(unlimited)
	if slices.ContainsFunc(r.apart, func(a avoidance) bool {
		return a.self && b.domains[t.book.counters.all[a.counter].key] != nowhere
	}) {
		n = 1
	}
	for i := range r.spread {
		if s := &r.spread[i]; s.grows {
			n = min(n, t.even(s, b))
		}
	}
	return n
}

// even is how many pods the constraint lets onto the node: as many as keep its domain within maxSkew of the
// fewest, which is never its own while it holds the most.
func (t *topology) even(s *evenness, b *bin) int64 {
	d := b.domains[t.book.counters.all[s.counter].key]
	tally, extent := &t.tallies[s.counter], &t.regions[s.region]
	fewest := int64(0)
	if int64(extent.domains) >= s.minDomains {
		if fewest = tally.fewest(extent, d); fewest == unlimited {
			return unlimited
		}
	}
	return s.maxSkew + fewest - tally.at(d)
}
