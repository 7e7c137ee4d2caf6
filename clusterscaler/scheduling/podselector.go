package scheduling

import (
	"fmt"
	"slices"
	"strings"
)

// PodSelector chooses pods by their namespace and labels.
type PodSelector struct {
	// Namespaces are the names of those that it reaches.
	Namespaces []string
	// NamespaceLabels reaches the namespaces with such labels besides; nil reaches none.
	NamespaceLabels *LabelSelector
	Labels          LabelSelector
}

// LabelSelector holds where all requirements hold. The zero value holds everywhere.
type LabelSelector struct {
	// Nothing makes it hold nowhere, as a selector that is absent does.
	Nothing bool
	All     []Requirement
}

// matches is whether the labels satisfy the selector. Keys of its requirements are label keys.
func (s *LabelSelector) matches(labels map[string]string) bool {
	if s.Nothing {
		return false
	}
	for _, r := range s.All {
		value, exists := labels[r.Key]
		if !r.matches(value, exists) {
			return false
		}
	}
	return true
}

// empty is whether it asks for nothing at all.
func (s *LabelSelector) empty() bool { return !s.Nothing && len(s.All) == 0 }

// reaches is whether pods of the namespace can be chosen.
func (s *PodSelector) reaches(namespace string, labels map[string]string) bool {
	return slices.Contains(s.Namespaces, namespace) || (s.NamespaceLabels != nil && s.NamespaceLabels.matches(labels))
}

// key is equal for two that are written alike; what is unordered has been sorted.
func (s *PodSelector) key(b *strings.Builder) {
	fmt.Fprintf(b, "%q", s.Namespaces)
	if s.NamespaceLabels != nil {
		b.WriteString("+ns")
		s.NamespaceLabels.key(b)
	}
	b.WriteByte('{')
	s.Labels.key(b)
	b.WriteByte('}')
}

func (s *LabelSelector) key(b *strings.Builder) {
	if s.Nothing {
		b.WriteString("nothing")
		return
	}
	writeRequirements(b, s.All)
}

// sorted puts the requirements and their values in an order of their own.
func (s *LabelSelector) sorted() {
	for i := range s.All {
		if !slices.IsSorted(s.All[i].Values) {
			s.All[i].Values = slices.Sorted(slices.Values(s.All[i].Values))
		}
	}
	slices.SortStableFunc(s.All, func(a, b Requirement) int { return strings.Compare(a.Key, b.Key) })
}

// PodTerm is a required affinity or anti-affinity to other pods: to be, or not to be, in a topology domain
// with pods that the selector chooses.
type PodTerm struct {
	// TopologyKey is the node label whose values are the domains.
	TopologyKey string
	Pods        PodSelector
}

func (t *PodTerm) key(b *strings.Builder) {
	fmt.Fprintf(b, "%q", t.TopologyKey)
	t.Pods.key(b)
}

// Spread is a topology spread constraint that the scheduler enforces (DoNotSchedule): the domain that the
// pod goes to may hold at most MaxSkew more of the chosen pods than the domain with the fewest.
type Spread struct {
	TopologyKey string
	MaxSkew     int32
	// MinDomains is the number of domains below which the fewest counts as none; at least 1.
	MinDomains int32
	// Pods are chosen in the pod's own namespace, by these labels.
	Pods LabelSelector
	// IgnoreAffinity lets nodes count that the pod's selector and affinity exclude.
	IgnoreAffinity bool
	// HonorTaints leaves out nodes with taints that the pod does not tolerate.
	HonorTaints bool
}

func (s *Spread) key(b *strings.Builder) {
	fmt.Fprintf(b, "%q %d %d %t %t", s.TopologyKey, s.MaxSkew, s.MinDomains, s.IgnoreAffinity, s.HonorTaints)
	s.Pods.key(b)
}
