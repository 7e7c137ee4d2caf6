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
	// labelsOf has for each Spec the number of its podLabels.
	labelsOf  []int32
	podLabels interned[podLabels]
	// asked are the label keys of nodes that some Spec asks about. Other labels of a node do not matter.
	asked map[string]bool
	// features are the node features that some Spec needs.
	features map[string]bool
	// podKeys are the label keys of pods that some selector asks about.
	podKeys map[string]bool
	// dropped are label keys of interned pods that no selector asked about.
	dropped map[string]bool
	// namespaces has the labels of each namespace.
	namespaces map[string]map[string]string

	book rulebook
	// ruled is how many Specs the book is made of.
	ruled int
}

// podLabels is what the selectors of other pods match: the namespace of a pod, and those of its labels that some
// selector asks about.
type podLabels struct {
	namespace string
	labels    map[string]string
}

// SetNamespaces sets the labels of namespaces, for namespace selectors. It must come before the first Intern.
func (c *Classes) SetNamespaces(labels map[string]map[string]string) { c.namespaces = labels }

// Learn reads from the selectors of a Spec which labels of pods matter. A Spec must be learned before the first Spec that
// its selectors may match is interned. Learn may reorder what is unordered in the Spec.
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

// TooLate is whether the Spec asks about a label that did not matter when a pod with it was interned. The Spec cannot be
// learned then: new Classes are needed.
func (c *Classes) TooLate(s *Spec) bool {
	late := false
	s.podKeys(func(key string) { late = late || !c.podKeys[key] && c.dropped[key] })
	return late
}

// Intern learns the Spec and returns its Class. The Classes keep the Spec: the caller must not change it.
func (c *Classes) Intern(s Spec) Class {
	c.Learn(&s)
	labels := c.internLabels(&s)
	key := s.key(labels)
	if id, known := c.byKey[key]; known {
		return id
	}
	if c.byKey == nil {
		c.byKey, c.asked, c.features = map[string]Class{}, map[string]bool{}, map[string]bool{}
	}
	id := Class(len(c.specs))
	c.specs = append(c.specs, s)
	c.labelsOf = append(c.labelsOf, labels)
	c.byKey[key] = id
	s.labelKeys(func(key string) { c.asked[key] = true })
	for _, feature := range s.Features {
		c.features[feature] = true
	}
	return id
}

// internLabels numbers the podLabels of the Spec.
func (c *Classes) internLabels(s *Spec) int32 {
	l := podLabels{namespace: s.Namespace}
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
	return c.podLabels.number(b.String(), func() podLabels {
		l.labels = make(map[string]string, len(keys))
		for _, key := range keys {
			l.labels[key] = s.Labels[key]
		}
		return l
	})
}

// Spec is that of the pods of the class.
func (c *Classes) Spec(id Class) *Spec { return &c.specs[id] }

// Len is the number of classes.
func (c *Classes) Len() int { return len(c.specs) }

// interned numbers values by keys, each once, from 0. The zero value is empty.
type interned[T any] struct {
	all   []T
	byKey map[string]int32
}

// number is that of the value with the key; a new value is made.
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
