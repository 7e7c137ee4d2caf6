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
	// NodeSelector has one requirement for each label; all must hold.
	NodeSelector []Requirement
	// NodeAffinity is the required one: one of the terms must hold. nil is no affinity; an empty list that is not nil
	// matches no node.
	NodeAffinity []NodeSelectorTerm
	Tolerations  []Toleration
	HostPorts    []HostPort

	// Namespace and Labels are what the selectors of other pods match. A Class does not depend on labels that no selector asks
	// about.
	Namespace string
	Labels    map[string]string
	// Terminating says that deletion has begun: topology spread does not count the pod any more.
	Terminating bool
	// PodAffinity and PodAntiAffinity are the required terms: all must hold.
	PodAffinity, PodAntiAffinity []PodAffinityTerm
	// TopologySpread are the constraints with DoNotSchedule: all must hold.
	TopologySpread []TopologySpreadConstraint
	// Features are the features that a node must declare, sorted.
	Features []string
	// Demand identifies the pod's volumes and device claims to FilterPlugins: pods with equal Demands are the same to them.
	// It is empty for pods without.
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
type NodeSelectorTerm []Requirement

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

// HostPort is a port of the node that a pod binds.
type HostPort struct {
	// IP is the address bound; empty is every address.
	IP       string
	Protocol string // TCP, UDP or SCTP
	Port     int32
}

func (p HostPort) clashes(o HostPort) bool {
	return p.Port == o.Port && p.Protocol == o.Protocol && (p.IP == o.IP || p.IP == "" || o.IP == "")
}

// PortsClash is whether pods of the two Specs want the same host port.
func (s *Spec) PortsClash(o *Spec) bool {
	return slices.ContainsFunc(s.HostPorts, func(p HostPort) bool { return slices.ContainsFunc(o.HostPorts, p.clashes) })
}

// Node is what a node, or the template of a group, offers.
type Node struct {
	Name   string
	Labels map[string]string
	// Taints are those with an effect that keeps pods off.
	Taints        []Taint
	Unschedulable bool
	Allocatable   Resources
	// Features are the features that the node declares (status.declaredFeatures).
	Features []string
	// Profile identifies to FilterPlugins what else the node offers: volume limits and devices. It is empty where it offers
	// nothing else.
	Profile string
}

// key is equal for two Specs exactly if they ask for the same and match the same selectors; labels is the number of the
// Spec's podLabels.
func (s *Spec) key(labels int32) string {
	var b strings.Builder
	s.Requests.key(&b)
	s.placeKey(&b)
	s.tolerationKey(&b)
	for _, p := range s.HostPorts {
		fmt.Fprintf(&b, "|port %q %q %d", p.IP, p.Protocol, p.Port)
	}
	fmt.Fprintf(&b, "|labels %d %t", labels, s.Terminating)
	for i := range s.PodAffinity {
		b.WriteString("|affinity to ")
		s.PodAffinity[i].key(&b)
	}
	for i := range s.PodAntiAffinity {
		b.WriteString("|anti-affinity to ")
		s.PodAntiAffinity[i].key(&b)
	}
	for i := range s.TopologySpread {
		b.WriteString("|spread ")
		s.TopologySpread[i].key(&b)
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
	writeRequirements(b, s.NodeSelector)
	if s.NodeAffinity != nil {
		b.WriteString("|affinity")
		for _, term := range s.NodeAffinity {
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
	for _, r := range s.NodeSelector {
		f(r.Key)
	}
	for _, term := range s.NodeAffinity {
		for _, r := range term {
			f(r.Key)
		}
	}
}

// named is whether the Spec asks for nodes by their name.
func (s *Spec) named() bool {
	is := false
	s.labelKeys(func(key string) { is = is || individual(key) })
	return is
}

// normalise sorts what is unordered, so that the key does not depend on the order.
func (s *Spec) normalise() {
	slices.SortFunc(s.NodeSelector, func(a, b Requirement) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(s.HostPorts, func(a, b HostPort) int {
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
	for i := range s.TopologySpread {
		s.TopologySpread[i].Pods.sorted()
	}
}

// eachPodSelector visits the selectors of the terms.
func (s *Spec) eachPodSelector(f func(*PodSelector)) {
	for i := range s.PodAffinity {
		f(&s.PodAffinity[i].Pods)
	}
	for i := range s.PodAntiAffinity {
		f(&s.PodAntiAffinity[i].Pods)
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
	for i := range s.TopologySpread {
		each(&s.TopologySpread[i].Pods)
	}
}
