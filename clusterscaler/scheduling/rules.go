package scheduling

import (
	"fmt"
	"slices"
	"strings"
)

// rulebook is what follows from all Specs together: which pods must be counted by domain, and which of these
// counts speak for or against a pod of each class. It holds no counts; a Cluster does.
type rulebook struct {
	topologyKeys interned[string]
	// views are the sets of nodes that spread constraints look at.
	views interned[view]
	// regions are the domains of one topology key as far as a view has nodes in them.
	regions interned[region]
	// counters are the counts that are kept by domain.
	counters interned[counter]
	// matchers say which pods counters count; several may share one.
	matchers interned[matcher]
	// terms are the distinct anti-affinity terms, with the counter of the pods that hold each.
	terms interned[repellent]
	// byClass has the rules for each class.
	byClass []rules
	// matched remembers for each matcher and look whether it chooses such pods.
	matched [][]bool
}

// view is a set of nodes. All of it is written down in the Spec that it was made from.
type view struct {
	spec *Spec
	// affinity and taints say which of the Spec's conditions the nodes of the view fulfil.
	affinity, taints bool
	// keys are the topology keys that they all have.
	keys []int32
}

type region struct{ key, view int32 }

// counter counts pods by the domains of a topology key.
type counter struct {
	key int32
	// region is the one whose nodes alone count; everywhere is all nodes with the key.
	region int32
}

const everywhere = -1

// matcher chooses the pods that all of its selectors choose.
type matcher struct {
	selectors []*PodSelector
	// alive leaves out pods whose deletion has begun.
	alive bool
	// never chooses no pod: so are pods counted by a selector that asks for nothing.
	never bool
	// counters are those that count the chosen pods.
	counters []int32
}

// repellent is an anti-affinity term, as pods that run hold it against others.
type repellent struct {
	matcher int32
	// counter counts the pods that have the term.
	counter int32
}

// rules are what the domains of a node must fulfil for a pod of one class, and what changes there with it.
type rules struct {
	// feeds are the counters that such a pod counts in.
	feeds []int32
	// near are the counters that must have pods in the node's domains, and selfNear says that the first pod
	// may do without as it would satisfy the others.
	near     []int32
	selfNear bool
	// apart are the counters that must not: of the pods that this one avoids, and of those that avoid it.
	apart []avoidance
	// spread are the topology spread constraints.
	spread []evenness
}

// avoidance keeps a pod out of domains where the counter counts any.
type avoidance struct {
	counter int32
	// own says that the pod itself has the term; else pods that run have it.
	own bool
	// self says that such pods avoid each other.
	self bool
}

// evenness is a spread constraint.
type evenness struct {
	counter, region     int32
	maxSkew, minDomains int64
	// self is 1 if the pod is one of the chosen; grows says that it is counted too.
	self  int64
	grows bool
}

// constrained is whether the node's domains matter at all.
func (r *rules) constrained() bool { return len(r.near)+len(r.apart)+len(r.spread) > 0 }

// rule brings the rulebook up to date with all Specs.
func (c *Classes) rule() *rulebook {
	if c.ruled == len(c.specs) {
		return &c.rules
	}
	c.rules, c.ruled = rulebook{}, len(c.specs)
	b := &c.rules
	b.byClass = make([]rules, len(c.specs))
	for i := range c.specs {
		c.own(&c.specs[i], &b.byClass[i])
	}
	b.matched = make([][]bool, len(b.matchers.all))
	for m := range b.matchers.all {
		b.matched[m] = c.chosen(&b.matchers.all[m])
	}
	for i := range c.specs {
		c.others(Class(i), &b.byClass[i])
	}
	return b
}

// own writes down what the class itself asks of domains.
func (c *Classes) own(s *Spec, r *rules) {
	b := &c.rules
	if len(s.Near) > 0 {
		selectors := make([]*PodSelector, len(s.Near))
		for i := range s.Near {
			selectors[i] = &s.Near[i].Pods
		}
		all := b.matcher(selectors, false)
		for i := range s.Near {
			r.near = append(r.near, b.counting(all, b.topologyKey(s.Near[i].TopologyKey), everywhere))
		}
	}
	for i := range s.Apart {
		t := &s.Apart[i]
		key := b.topologyKey(t.TopologyKey)
		term := b.term(t, key)
		r.apart = append(r.apart, avoidance{counter: b.counting(b.terms.all[term].matcher, key, everywhere), own: true})
		if holders := b.terms.all[term].counter; !slices.Contains(r.feeds, holders) {
			r.feeds = append(r.feeds, holders)
		}
	}
	c.spread(s, r)
}

func (c *Classes) spread(s *Spec, r *rules) {
	b := &c.rules
	keys := make([]int32, len(s.Spread))
	for i := range s.Spread {
		keys[i] = b.topologyKey(s.Spread[i].TopologyKey)
	}
	for i := range s.Spread {
		t := &s.Spread[i]
		region := b.region(keys[i], b.view(s, t, keys))
		chosen := b.matcher([]*PodSelector{{Namespaces: []string{s.Namespace}, Labels: t.Pods}}, true)
		r.spread = append(r.spread, evenness{
			counter: b.counting(chosen, keys[i], region), region: region,
			maxSkew: int64(t.MaxSkew), minDomains: int64(max(t.MinDomains, 1)),
		})
		if t.Pods.matches(s.Labels) {
			r.spread[i].self = 1
		}
	}
}

// others finds the counters that such a pod counts in, and the terms of others that it falls under.
func (c *Classes) others(id Class, r *rules) {
	b, look := &c.rules, c.sight[id]
	for m := range b.matchers.all {
		if matcher := &b.matchers.all[m]; b.matched[m][look] && !(matcher.alive && c.specs[id].Terminating) {
			r.feeds = append(r.feeds, matcher.counters...)
		}
	}
	slices.Sort(r.feeds)
	for t := range b.terms.all {
		if term := &b.terms.all[t]; b.matched[term.matcher][look] {
			r.apart = append(r.apart, avoidance{counter: term.counter})
		}
	}
	for i := range r.apart {
		r.apart[i].self = slices.Contains(r.feeds, r.apart[i].counter)
	}
	r.selfNear = len(r.near) > 0 && slices.Contains(r.feeds, r.near[0]) // all of them count the same pods
	for i := range r.spread {
		r.spread[i].grows = slices.Contains(r.feeds, r.spread[i].counter)
	}
}

// chosen says for each look whether the matcher chooses such pods.
func (c *Classes) chosen(m *matcher) []bool {
	out := make([]bool, len(c.seen.all))
	for i := range c.seen.all {
		look := &c.seen.all[i]
		out[i] = !m.never && !slices.ContainsFunc(m.selectors, func(s *PodSelector) bool {
			return !s.Labels.matches(look.labels) || !s.reaches(look.namespace, c.namespaces[look.namespace])
		})
	}
	return out
}

func (b *rulebook) topologyKey(key string) int32 {
	return b.topologyKeys.number(key, func() string { return key })
}

func (b *rulebook) matcher(selectors []*PodSelector, alive bool) int32 {
	var key strings.Builder
	fmt.Fprint(&key, alive)
	for _, s := range selectors {
		key.WriteByte('|')
		s.key(&key)
	}
	return b.matchers.number(key.String(), func() matcher {
		return matcher{selectors: selectors, alive: alive, never: alive && selectors[0].Labels.empty()}
	})
}

// counting is the counter of the pods that the matcher chooses.
func (b *rulebook) counting(m, key, region int32) int32 {
	known := len(b.counters.all)
	id := b.counters.number(fmt.Sprint(m, key, region), func() counter { return counter{key, region} })
	if int(id) == known {
		b.matchers.all[m].counters = append(b.matchers.all[m].counters, id)
	}
	return id
}

// term is a distinct anti-affinity term, with a counter of the pods that have it.
func (b *rulebook) term(t *PodTerm, key int32) int32 {
	m := b.matcher([]*PodSelector{&t.Pods}, false)
	return b.terms.number(fmt.Sprint(m, key), func() repellent {
		holders := b.counters.number(fmt.Sprint("holders", m, key), func() counter { return counter{key, everywhere} })
		return repellent{matcher: m, counter: holders}
	})
}

func (b *rulebook) view(s *Spec, t *Spread, keys []int32) int32 {
	var text strings.Builder
	if !t.IgnoreAffinity {
		s.placeKey(&text)
	}
	if t.HonorTaints {
		s.tolerationKey(&text)
	}
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	fmt.Fprint(&text, t.IgnoreAffinity, t.HonorTaints, keys)
	return b.views.number(text.String(), func() view { return view{s, !t.IgnoreAffinity, t.HonorTaints, keys} })
}

func (b *rulebook) region(key, view int32) int32 {
	return b.regions.number(fmt.Sprint(key, view), func() region { return region{key, view} })
}

// shows is whether the node is one of the view's, which depends on nothing but what a kind has in common.
func (v *view) shows(n *Node, keys []string) bool {
	for _, k := range v.keys {
		if _, has := n.Labels[keys[k]]; !has {
			return false
		}
	}
	if v.affinity && !v.spec.placeMismatch(n).OK() {
		return false
	}
	return !v.taints || v.spec.taintMismatch(n).OK()
}
