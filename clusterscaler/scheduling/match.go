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

// mismatch is what keeps a pod of that Spec off whatever is free: that the node is cordoned, its taints, its labels, its name.
// Features are left out.
func (s *Spec) mismatch(n *Node) Misfit {
	if n.Unschedulable && !tolerates(s.Tolerations, Taint{Key: unschedulableTaint, Effect: NoSchedule}) {
		return Misfit{Code: NodeUnschedulable}
	}
	if m := s.taintMismatch(n); !m.OK() {
		return m
	}
	return s.placeMismatch(n)
}

// matchesNode is whether there is no mismatch, and the node declares all features.
func (s *Spec) matchesNode(n *Node) bool { return s.mismatch(n).OK() && s.featureMismatch(n).OK() }

// taintMismatch is a taint of the node that the pod does not tolerate.
func (s *Spec) taintMismatch(n *Node) Misfit {
	for _, taint := range n.Taints {
		if !tolerates(s.Tolerations, taint) {
			return Misfit{Code: TaintNotTolerated, What: taint.String()}
		}
	}
	return Misfit{}
}

// placeMismatch is the nodeSelector or the node affinity, where it does not match the node.
func (s *Spec) placeMismatch(n *Node) Misfit {
	for _, r := range s.NodeSelector {
		if !r.holds(n) {
			return Misfit{Code: NodeSelectorMismatch, What: r.Key + "=" + r.Values[0]}
		}
	}
	if s.NodeAffinity != nil && !slices.ContainsFunc(s.NodeAffinity, func(t NodeSelectorTerm) bool { return t.holds(n) }) {
		return Misfit{Code: NodeAffinityMismatch}
	}
	return Misfit{}
}

func (t NodeSelectorTerm) holds(n *Node) bool {
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
