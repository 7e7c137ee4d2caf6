package scheduling

import (
	"fmt"
	"slices"
	"strings"
)

// rulebook follows from all Specs together. It says which pods are counted by topology domain, and which of these counts
// decide on a pod of each class. The counts themselves are in a Cluster.
type rulebook struct {
	topologyKeys interned[string]
	// nodeSets are the sets of nodes that topology spread constraints count.
	nodeSets interned[nodeSet]
	// eligibleDomains are the domains of one topology key in which a node set has nodes.
	eligibleDomains interned[eligibleDomains]
	// counters say what is counted by domain.
	counters interned[counter]
	// matchers say which pods counters count; several may share one.
	matchers interned[matcher]
	// terms are the distinct anti-affinity terms.
	terms interned[antiAffinityTerm]
	// byClass has the rules for each class.
	byClass []rules
	// matched has for each matcher and podLabels whether it chooses such pods.
	matched [][]bool
}

// nodeSet is the nodes that a topology spread constraint counts (nodeAffinityPolicy, nodeTaintsPolicy).
type nodeSet struct {
	// spec is one with that constraint.
	spec *Spec
	// affinity and taints say whether the nodes match the Spec's node affinity, and have no taint that it does not tolerate.
	affinity, taints bool
	// keys are the topology keys of which each node has a label.
	keys []int32
}

type eligibleDomains struct{ key, nodeSet int32 }

// counter counts pods by the domains of a topology key.
type counter struct {
	key int32
	// domains are those eligibleDomains in which pods count; everywhere is all nodes with the key.
	domains int32
}

const everywhere = -1

// matcher chooses the pods that all of its selectors choose.
type matcher struct {
	selectors []*PodSelector
	// alive leaves out pods whose deletion has begun.
	alive bool
	// never chooses no pod, as an empty selector of a topology spread constraint does.
	never bool
	// counters count the chosen pods.
	counters []int32
}

// antiAffinityTerm is a term of running pods, which keeps the pods that it matches away from them.
type antiAffinityTerm struct {
	matcher int32
	// counter counts the pods that have the term.
	counter int32
}

// rules are what a pod of one class asks of the domains of a node, and which counts it changes there.
type rules struct {
	// countedBy are the counters that count such a pod.
	countedBy []int32
	// podAffinity are the counters that must have pods in the node's domains. matchesOwnAffinity says that the first pod
	// needs none: it matches its own terms.
	podAffinity        []int32
	matchesOwnAffinity bool
	// podAntiAffinity are the counters that must have no pods in the node's domains: one kind counts the pods that this pod
	// avoids, the other the pods that avoid it.
	podAntiAffinity []antiAffinityRule
	topologySpread  []spreadRule
}

// antiAffinityRule keeps a pod out of domains in which the counter has any pod.
type antiAffinityRule struct {
	counter int32
	// own says that the pod itself has the term; else running pods have it.
	own bool
	// mutual says that pods of the class avoid each other.
	mutual bool
}

// spreadRule is a topology spread constraint.
type spreadRule struct {
	counter, domains    int32
	maxSkew, minDomains int64
	// selfMatch is 1 if the pod matches the constraint's own selector. counted says that placing it raises the count.
	selfMatch int64
	counted   bool
}

// constrained is whether the node's domains matter at all.
func (r *rules) constrained() bool {
	return len(r.podAffinity)+len(r.podAntiAffinity)+len(r.topologySpread) > 0
}

// rulebook is up to date with all Specs.
func (c *Classes) rulebook() *rulebook {
	if c.ruled == len(c.specs) {
		return &c.book
	}
	c.book, c.ruled = rulebook{}, len(c.specs)
	b := &c.book
	b.byClass = make([]rules, len(c.specs))
	for i := range c.specs {
		c.ownRules(&c.specs[i], &b.byClass[i])
	}
	b.matched = make([][]bool, len(b.matchers.all))
	for m := range b.matchers.all {
		b.matched[m] = c.matchLabels(&b.matchers.all[m])
	}
	for i := range c.specs {
		c.rulesOfOthers(Class(i), &b.byClass[i])
	}
	return b
}

// ownRules adds what the class itself asks of domains.
func (c *Classes) ownRules(s *Spec, r *rules) {
	b := &c.book
	if len(s.PodAffinity) > 0 {
		selectors := make([]*PodSelector, len(s.PodAffinity))
		for i := range s.PodAffinity {
			selectors[i] = &s.PodAffinity[i].Pods
		}
		all := b.matcher(selectors, false)
		for i := range s.PodAffinity {
			r.podAffinity = append(r.podAffinity, b.counting(all, b.topologyKey(s.PodAffinity[i].TopologyKey), everywhere))
		}
	}
	for i := range s.PodAntiAffinity {
		t := &s.PodAntiAffinity[i]
		key := b.topologyKey(t.TopologyKey)
		term := b.term(t, key)
		r.podAntiAffinity = append(r.podAntiAffinity, antiAffinityRule{counter: b.counting(b.terms.all[term].matcher, key, everywhere), own: true})
		if holders := b.terms.all[term].counter; !slices.Contains(r.countedBy, holders) {
			r.countedBy = append(r.countedBy, holders)
		}
	}
	c.spreadRules(s, r)
}

func (c *Classes) spreadRules(s *Spec, r *rules) {
	b := &c.book
	keys := make([]int32, len(s.TopologySpread))
	for i := range s.TopologySpread {
		keys[i] = b.topologyKey(s.TopologySpread[i].TopologyKey)
	}
	for i := range s.TopologySpread {
		t := &s.TopologySpread[i]
		domains := b.domainsFor(keys[i], b.nodeSet(s, t, keys))
		chosen := b.matcher([]*PodSelector{{Namespaces: []string{s.Namespace}, Labels: t.Pods}}, true)
		r.topologySpread = append(r.topologySpread, spreadRule{
			counter: b.counting(chosen, keys[i], domains), domains: domains,
			maxSkew: int64(t.MaxSkew), minDomains: int64(max(t.MinDomains, 1)),
		})
		if t.Pods.matches(s.Labels) {
			r.topologySpread[i].selfMatch = 1
		}
	}
}

// rulesOfOthers finds the counters that count such a pod, and the anti-affinity terms of others that match it.
func (c *Classes) rulesOfOthers(id Class, r *rules) {
	b, labels := &c.book, c.labelsOf[id]
	for m := range b.matchers.all {
		if matcher := &b.matchers.all[m]; b.matched[m][labels] && !(matcher.alive && c.specs[id].Terminating) {
			r.countedBy = append(r.countedBy, matcher.counters...)
		}
	}
	slices.Sort(r.countedBy)
	for t := range b.terms.all {
		if term := &b.terms.all[t]; b.matched[term.matcher][labels] {
			r.podAntiAffinity = append(r.podAntiAffinity, antiAffinityRule{counter: term.counter})
		}
	}
	for i := range r.podAntiAffinity {
		r.podAntiAffinity[i].mutual = slices.Contains(r.countedBy, r.podAntiAffinity[i].counter)
	}
	r.matchesOwnAffinity = len(r.podAffinity) > 0 && slices.Contains(r.countedBy, r.podAffinity[0]) // all of them count the same pods
	for i := range r.topologySpread {
		r.topologySpread[i].counted = slices.Contains(r.countedBy, r.topologySpread[i].counter)
	}
}

// matchLabels says for each podLabels whether the matcher chooses such pods.
func (c *Classes) matchLabels(m *matcher) []bool {
	out := make([]bool, len(c.podLabels.all))
	for i := range c.podLabels.all {
		p := &c.podLabels.all[i]
		out[i] = !m.never && !slices.ContainsFunc(m.selectors, func(s *PodSelector) bool {
			return !s.Labels.matches(p.labels) || !s.reaches(p.namespace, c.namespaces[p.namespace])
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
func (b *rulebook) counting(m, key, domains int32) int32 {
	known := len(b.counters.all)
	id := b.counters.number(fmt.Sprint(m, key, domains), func() counter { return counter{key, domains} })
	if int(id) == known {
		b.matchers.all[m].counters = append(b.matchers.all[m].counters, id)
	}
	return id
}

// term is a distinct anti-affinity term, with a counter of the pods that have it.
func (b *rulebook) term(t *PodAffinityTerm, key int32) int32 {
	m := b.matcher([]*PodSelector{&t.Pods}, false)
	return b.terms.number(fmt.Sprint(m, key), func() antiAffinityTerm {
		holders := b.counters.number(fmt.Sprint("holders", m, key), func() counter { return counter{key, everywhere} })
		return antiAffinityTerm{matcher: m, counter: holders}
	})
}

func (b *rulebook) nodeSet(s *Spec, t *TopologySpreadConstraint, keys []int32) int32 {
	var text strings.Builder
	if !t.IgnoreAffinity {
		s.placeKey(&text)
	}
	if t.HonorTaints {
		s.tolerationKey(&text)
	}
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	fmt.Fprint(&text, t.IgnoreAffinity, t.HonorTaints, keys)
	return b.nodeSets.number(text.String(), func() nodeSet { return nodeSet{s, !t.IgnoreAffinity, t.HonorTaints, keys} })
}

func (b *rulebook) domainsFor(key, set int32) int32 {
	return b.eligibleDomains.number(fmt.Sprint(key, set), func() eligibleDomains { return eligibleDomains{key, set} })
}

// includes is whether the node is in the set. It is the same for all nodes of a kind.
func (s *nodeSet) includes(n *Node, keys []string) bool {
	for _, k := range s.keys {
		if _, has := n.Labels[keys[k]]; !has {
			return false
		}
	}
	if s.affinity && !s.spec.placeMismatch(n).OK() {
		return false
	}
	return !s.taints || s.spec.taintMismatch(n).OK()
}
