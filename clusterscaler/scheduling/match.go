package scheduling

import (
	"slices"
	"strconv"
)

const unschedulableTaint = "node.kubernetes.io/unschedulable"

// tolerates is whether one of the tolerations matches the taint.
func tolerates(ts []Toleration, taint Taint) bool {
	for _, t := range ts {
		if (t.Key == "" || t.Key == taint.Key) &&
			(t.Effect == "" || t.Effect == taint.Effect) &&
			(t.Exists || (t.Key != "" && t.Value == taint.Value)) {
			return true
		}
	}
	return false
}

// mismatch is what about a node's identity (not its room) keeps a pod of that Spec off, or the zero value; features are not
// looked at.
func (s *Spec) mismatch(n *Node) Misfit {
	if n.Unschedulable && !tolerates(s.Tolerations, Taint{Key: unschedulableTaint, Effect: NoSchedule}) {
		return Misfit{Code: NodeUnschedulable}
	}
	if m := s.taintMismatch(n); !m.OK() {
		return m
	}
	return s.placeMismatch(n)
}

// welcome is whether nothing about a node's identity keeps such a pod off.
func (s *Spec) welcome(n *Node) bool { return s.mismatch(n).OK() && s.featureMismatch(n).OK() }

// taintMismatch is a taint of the node that the pod does not tolerate.
func (s *Spec) taintMismatch(n *Node) Misfit {
	for _, taint := range n.Taints {
		if !tolerates(s.Tolerations, taint) {
			return Misfit{Code: TaintNotTolerated, What: taint.String()}
		}
	}
	return Misfit{}
}

// placeMismatch is what the pod asks of the node's labels or name and does not find.
func (s *Spec) placeMismatch(n *Node) Misfit {
	for _, r := range s.Selector {
		if !r.holds(n) {
			return Misfit{Code: NodeSelectorMismatch, What: r.Key + "=" + r.Values[0]}
		}
	}
	if s.Affinity != nil && !slices.ContainsFunc(s.Affinity, func(t Term) bool { return t.holds(n) }) {
		return Misfit{Code: NodeAffinityMismatch}
	}
	return Misfit{}
}

func (t Term) holds(n *Node) bool {
	if len(t) == 0 {
		return false
	}
	for _, r := range t {
		if !r.holds(n) {
			return false
		}
	}
	return true
}

func (r Requirement) holds(n *Node) bool {
	if r.Key == "" {
		return r.matches(n.Name, true)
	}
	value, exists := n.Labels[r.Key]
	return r.matches(value, exists)
}

// matches is whether a label with that value, or without one, satisfies the requirement.
func (r Requirement) matches(value string, exists bool) bool {
	switch r.Operator {
	case In:
		return exists && slices.Contains(r.Values, value)
	case NotIn:
		return !exists || !slices.Contains(r.Values, value)
	case Exists:
		return exists
	case DoesNotExist:
		return !exists
	case Gt, Lt:
		return exists && len(r.Values) == 1 && compares(r.Operator, value, r.Values[0])
	default:
		return false
	}
}

func compares(op Operator, label, bound string) bool {
	have, err := strconv.ParseInt(label, 10, 64)
	if err != nil {
		return false
	}
	want, err := strconv.ParseInt(bound, 10, 64)
	if err != nil {
		return false
	}
	return (op == Gt && have > want) || (op == Lt && have < want)
}
