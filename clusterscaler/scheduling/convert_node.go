package scheduling

import corev1 "k8s.io/api/core/v1"

// NodeOf reads what a node offers.
func NodeOf(n *corev1.Node) Node {
	return Node{
		Name:          n.Name,
		Labels:        n.Labels,
		Taints:        TaintsOf(n.Spec.Taints),
		Unschedulable: n.Spec.Unschedulable,
		Allocatable:   ResourcesOf(n.Status.Allocatable),
		Features:      n.Status.DeclaredFeatures,
	}
}

// TaintsOf keeps the taints that keep pods off.
func TaintsOf(taints []corev1.Taint) []Taint {
	var out []Taint
	for _, t := range taints {
		if t.Effect != corev1.TaintEffectPreferNoSchedule {
			out = append(out, Taint{Key: t.Key, Value: t.Value, Effect: Effect(t.Effect)})
		}
	}
	return out
}

// ResourcesOf reads a list of quantities, rounded up to whole units as the scheduler does.
func ResourcesOf(list corev1.ResourceList) Resources {
	var r Resources
	for name, q := range list {
		switch name {
		case corev1.ResourceCPU:
			r.MilliCPU = q.MilliValue()
		case corev1.ResourceMemory:
			r.Memory = q.Value()
		case corev1.ResourceEphemeralStorage:
			r.EphemeralStorage = q.Value()
		case corev1.ResourcePods:
			r.Pods = q.Value()
		default:
			r.addExtended(string(name), q.Value())
		}
	}
	return r
}
