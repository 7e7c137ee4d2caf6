package scheduling

import (
	"fmt"
	"slices"
	"strings"
)

// PodSelector chooses pods by their namespace and labels.
type PodSelector struct {
	// Namespaces are the names of those in which it chooses pods.
	Namespaces []string
	// NamespaceLabels adds the namespaces with such labels; nil adds none.
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

// empty is whether it matches all labels.
func (s *LabelSelector) empty() bool { return !s.Nothing && len(s.All) == 0 }

// reaches is whether it chooses pods of the namespace.
func (s *PodSelector) reaches(namespace string, labels map[string]string) bool {
	return slices.Contains(s.Namespaces, namespace) || (s.NamespaceLabels != nil && s.NamespaceLabels.matches(labels))
}

// key is equal for equal selectors; what is unordered has been sorted.
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

// sorted sorts the requirements and their values.
func (s *LabelSelector) sorted() {
	for i := range s.All {
		if !slices.IsSorted(s.All[i].Values) {
			s.All[i].Values = slices.Sorted(slices.Values(s.All[i].Values))
		}
	}
	slices.SortStableFunc(s.All, func(a, b Requirement) int { return strings.Compare(a.Key, b.Key) })
}

// PodAffinityTerm is a required affinity or anti-affinity to the pods that the selector chooses: to be, or not to be, in
// one topology domain with them.
type PodAffinityTerm struct {
	// TopologyKey is the node label whose values are the domains.
	TopologyKey string
	Pods        PodSelector
}

func (t *PodAffinityTerm) key(b *strings.Builder) {
	fmt.Fprintf(b, "%q", t.TopologyKey)
	t.Pods.key(b)
}

// TopologySpreadConstraint is one that the scheduler enforces (DoNotSchedule): the domain that the pod goes to may have at
// most MaxSkew more of the chosen pods than the domain with the fewest.
type TopologySpreadConstraint struct {
	TopologyKey string
	MaxSkew     int32
	// MinDomains is at least 1. Where there are fewer domains, the fewest pods count as 0.
	MinDomains int32
	// Pods chooses in the pod's own namespace.
	Pods LabelSelector
	// IgnoreAffinity counts nodes too that the pod's node selector and affinity exclude.
	IgnoreAffinity bool
	// HonorTaints leaves out nodes with taints that the pod does not tolerate.
	HonorTaints bool
}

func (s *TopologySpreadConstraint) key(b *strings.Builder) {
	fmt.Fprintf(b, "%q %d %d %t %t", s.TopologyKey, s.MaxSkew, s.MinDomains, s.IgnoreAffinity, s.HonorTaints)
	s.Pods.key(b)
}
