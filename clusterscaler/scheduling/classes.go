package scheduling

import (
	"fmt"
	"slices"
	"strings"
)

// Class numbers a Spec in its Classes.
type Class int32

// Classes keeps each distinct Spec once. Equal Specs get the same Class. The zero value is empty.
type Classes struct {
	specs []Spec
	byKey map[string]Class
	// sight is, for each Spec, the number of what others see of such a pod.
	sight []int32
	seen  interned[look]
	// asked are the label keys of nodes that some Spec asks about; the others tell no node from another.
	asked map[string]bool
	// features are those of nodes that some Spec asks about.
	features map[string]bool
	// podKeys are the label keys of pods that some selector asks about.
	podKeys map[string]bool
	// dropped are the label keys of interned pods that none did.
	dropped map[string]bool
	// namespaces has the labels of each namespace.
	namespaces map[string]map[string]string

	rules rulebook
	// ruled is how many of the Specs the rulebook knows.
	ruled int
}

// look is what other pods' selectors see of a pod: its namespace and those of its labels that any of them
// asks about.
type look struct {
	namespace string
	labels    map[string]string
}

// SetNamespaces tells the labels of namespaces, by which terms may choose. It comes before the first Intern.
func (c *Classes) SetNamespaces(labels map[string]map[string]string) { c.namespaces = labels }

// Learn tells of a Spec that will be interned: its selectors say which labels of pods matter. All Specs with
// selectors must be learned before the first that they may choose is interned. It may reorder what is unordered
// in the Spec.
func (c *Classes) Learn(s *Spec) {
	if c.TooLate(s) {
		panic("scheduling: a Spec asks about a label of pods that were interned before it was learned")
	}
	s.normalise()
	s.podKeys(func(key string) {
		if c.podKeys == nil {
			c.podKeys = map[string]bool{}
		}
		c.podKeys[key] = true
	})
}

// TooLate is whether the Spec asks about a label that was not known to matter when a pod with it was interned. It
// cannot be learned then; new Classes are needed.
func (c *Classes) TooLate(s *Spec) bool {
	late := false
	s.podKeys(func(key string) { late = late || !c.podKeys[key] && c.dropped[key] })
	return late
}

// Intern returns the Class of the Spec, which it learns first. The Classes keep the Spec: the caller must not
// change it.
func (c *Classes) Intern(s Spec) Class {
	c.Learn(&s)
	seen := c.look(&s)
	key := s.key(seen)
	if id, known := c.byKey[key]; known {
		return id
	}
	if c.byKey == nil {
		c.byKey, c.asked, c.features = map[string]Class{}, map[string]bool{}, map[string]bool{}
	}
	id := Class(len(c.specs))
	c.specs = append(c.specs, s)
	c.sight = append(c.sight, seen)
	c.byKey[key] = id
	s.labelKeys(func(key string) { c.asked[key] = true })
	for _, feature := range s.Features {
		c.features[feature] = true
	}
	return id
}

// look numbers what others see of the pod.
func (c *Classes) look(s *Spec) int32 {
	l := look{namespace: s.Namespace}
	keys := make([]string, 0, 8)
	for key := range s.Labels {
		if c.podKeys[key] {
			keys = append(keys, key)
		} else if !c.dropped[key] {
			if c.dropped == nil {
				c.dropped = map[string]bool{}
			}
			c.dropped[key] = true
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteString(s.Namespace)
	for _, key := range keys {
		fmt.Fprintf(&b, "|%q=%q", key, s.Labels[key])
	}
	return c.seen.number(b.String(), func() look {
		l.labels = make(map[string]string, len(keys))
		for _, key := range keys {
			l.labels[key] = s.Labels[key]
		}
		return l
	})
}

// Spec is what pods of that class ask for.
func (c *Classes) Spec(id Class) *Spec { return &c.specs[id] }

// Len is the number of classes.
func (c *Classes) Len() int { return len(c.specs) }

// interned numbers values by keys, each once, from 0. The zero value is empty.
type interned[T any] struct {
	all   []T
	byKey map[string]int32
}

// number is that of the value with the key, which is made when it is new.
func (n *interned[T]) number(key string, make func() T) int32 {
	if id, known := n.byKey[key]; known {
		return id
	}
	if n.byKey == nil {
		n.byKey = map[string]int32{}
	}
	id := int32(len(n.all))
	n.all = append(n.all, make())
	n.byKey[key] = id
	return id
}
