package scheduling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Spec is all of a pod that the scheduler filters nodes by, as far as it is modelled. Pods with equal
// Specs are interchangeable and share a Class.
type Spec struct {
	Requests Resources
	// Selector is the pod's nodeSelector: every requirement must hold.
	Selector []Requirement
	// Affinity is the required node affinity: one of the terms must hold. nil is no affinity; an empty
	// list that is not nil matches no node.
	Affinity    []Term
	Tolerations []Toleration
	Ports       []Port

	// Namespace and Labels are what the selectors of other pods see. Labels that no selector asks about tell
	// no Class from another.
	Namespace string
	Labels    map[string]string
	// Terminating says that deletion has begun: topology spread does not count the pod any more.
	Terminating bool
	// Near and Apart are the required affinity and anti-affinity to other pods: all of them must hold.
	Near, Apart []PodTerm
	// Spread are the topology spread constraints that keep a pod off a node: all of them must hold.
	Spread []Spread
	// Features are those that a node must declare, in the order of their names.
	Features []string
	// Demand is what the Judge knows the pod's volumes and device claims by: pods with equal ones are the same to it. Empty
	// for pods without.
	Demand string
}

// Operator compares a node's label with the values of a Requirement.
type Operator string

// The operators of a node affinity.
const (
	In           Operator = "In"
	NotIn        Operator = "NotIn"
	Exists       Operator = "Exists"
	DoesNotExist Operator = "DoesNotExist"
	Gt           Operator = "Gt"
	Lt           Operator = "Lt"
)

// Requirement is one condition on a node's labels, or on its name.
type Requirement struct {
	// Key is a label's key. An empty Key stands for the node's name.
	Key      string
	Operator Operator
	Values   []string
}

// Term holds where all of its requirements hold. A term without requirements holds nowhere.
type Term []Requirement

// Toleration lets a pod onto nodes with a matching taint.
type Toleration struct {
	// Key is a taint's key; empty with Exists tolerates every key.
	Key string
	// Exists ignores the taint's value; else Value must equal it.
	Exists bool
	Value  string
	// Effect is empty for every effect.
	Effect Effect
}

// Effect is what a taint does to a pod that does not tolerate it.
type Effect string

// The effects that keep pods off a node. PreferNoSchedule does not, and is not kept.
const (
	NoSchedule Effect = "NoSchedule"
	NoExecute  Effect = "NoExecute"
)

// Taint keeps pods off a node that do not tolerate it.
type Taint struct {
	Key, Value string
	Effect     Effect
}

func (t Taint) String() string {
	if t.Value == "" {
		return t.Key + ":" + string(t.Effect)
	}
	return t.Key + "=" + t.Value + ":" + string(t.Effect)
}

// Port is a port of the node itself that a pod binds.
type Port struct {
	// IP is the address bound; empty is every address.
	IP       string
	Protocol string // TCP, UDP or SCTP
	Port     int32
}

func (p Port) clashes(o Port) bool {
	return p.Port == o.Port && p.Protocol == o.Protocol && (p.IP == o.IP || p.IP == "" || o.IP == "")
}

// PortsClash is whether a pod of one Spec and a pod of the other want a host port that only one of them can have.
func (s *Spec) PortsClash(o *Spec) bool {
	return slices.ContainsFunc(s.Ports, func(p Port) bool { return slices.ContainsFunc(o.Ports, p.clashes) })
}

// Node is what a node, or the template of a group, offers.
type Node struct {
	Name   string
	Labels map[string]string
	// Taints are those with an effect that keeps pods off.
	Taints        []Taint
	Unschedulable bool
	Allocatable   Resources
	// Features are those that the node declares (status.declaredFeatures).
	Features []string
	// Profile is what the Judge knows by what else the node offers: limits of volumes, and devices. Empty where it offers
	// nothing else.
	Profile string
}

// key is equal for two Specs exactly if they ask for the same and are seen alike; seen is the number under
// which what others see of the pod is known.
func (s *Spec) key(seen int32) string {
	var b strings.Builder
	s.Requests.key(&b)
	s.placeKey(&b)
	s.tolerationKey(&b)
	for _, p := range s.Ports {
		fmt.Fprintf(&b, "|port %q %q %d", p.IP, p.Protocol, p.Port)
	}
	fmt.Fprintf(&b, "|seen %d %t", seen, s.Terminating)
	for i := range s.Near {
		b.WriteString("|near ")
		s.Near[i].key(&b)
	}
	for i := range s.Apart {
		b.WriteString("|apart ")
		s.Apart[i].key(&b)
	}
	for i := range s.Spread {
		b.WriteString("|spread ")
		s.Spread[i].key(&b)
	}
	for _, feature := range s.Features {
		fmt.Fprintf(&b, "|feature %q", feature)
	}
	if s.Demand != "" {
		b.WriteString("|demand ")
		b.WriteString(s.Demand)
	}
	return b.String()
}

// placeKey writes which nodes the pod asks for.
func (s *Spec) placeKey(b *strings.Builder) {
	b.WriteByte('|')
	writeRequirements(b, s.Selector)
	if s.Affinity != nil {
		b.WriteString("|affinity")
		for _, term := range s.Affinity {
			b.WriteByte('/')
			writeRequirements(b, term)
		}
	}
}

func (s *Spec) tolerationKey(b *strings.Builder) {
	for _, t := range s.Tolerations {
		fmt.Fprintf(b, "|tolerate %q %t %q %q", t.Key, t.Exists, t.Value, t.Effect)
	}
}

func writeRequirements(b *strings.Builder, rs []Requirement) {
	for _, r := range rs {
		fmt.Fprintf(b, "%q %s %q;", r.Key, r.Operator, r.Values)
	}
}

// labelKeys calls f with every label key that the Spec asks about.
func (s *Spec) labelKeys(f func(key string)) {
	for _, r := range s.Selector {
		f(r.Key)
	}
	for _, term := range s.Affinity {
		for _, r := range term {
			f(r.Key)
		}
	}
}

// named is whether the Spec asks for nodes by name, one by one.
func (s *Spec) named() bool {
	is := false
	s.labelKeys(func(key string) { is = is || individual(key) })
	return is
}

// normalise makes the order of what is unordered irrelevant to the key.
func (s *Spec) normalise() {
	slices.SortFunc(s.Selector, func(a, b Requirement) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(s.Ports, func(a, b Port) int {
		return cmp.Or(strings.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), strings.Compare(a.IP, b.IP))
	})
	s.eachPodSelector(func(p *PodSelector) {
		if !slices.IsSorted(p.Namespaces) {
			p.Namespaces = slices.Sorted(slices.Values(p.Namespaces))
		}
		if p.NamespaceLabels != nil {
			p.NamespaceLabels.sorted()
		}
		p.Labels.sorted()
	})
	for i := range s.Spread {
		s.Spread[i].Pods.sorted()
	}
}

// eachPodSelector visits the selectors of the terms.
func (s *Spec) eachPodSelector(f func(*PodSelector)) {
	for i := range s.Near {
		f(&s.Near[i].Pods)
	}
	for i := range s.Apart {
		f(&s.Apart[i].Pods)
	}
}

// podKeys calls f with every key of a pod's labels that the Spec's selectors ask about.
func (s *Spec) podKeys(f func(key string)) {
	each := func(l *LabelSelector) {
		for _, r := range l.All {
			f(r.Key)
		}
	}
	s.eachPodSelector(func(p *PodSelector) { each(&p.Labels) })
	for i := range s.Spread {
		each(&s.Spread[i].Pods)
	}
}
