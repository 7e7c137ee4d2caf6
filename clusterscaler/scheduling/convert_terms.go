package scheduling

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podTermsOf reads the required affinity and anti-affinity to other pods.
func podAffinityOf(p *corev1.Pod) (affinity, antiAffinity []PodAffinityTerm) {
	a := p.Spec.Affinity
	if a == nil {
		return nil, nil
	}
	if a.PodAffinity != nil {
		affinity = podAffinityTermsOf(p, a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	}
	if a.PodAntiAffinity != nil {
		antiAffinity = podAffinityTermsOf(p, a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	}
	return affinity, antiAffinity
}

func podAffinityTermsOf(p *corev1.Pod, terms []corev1.PodAffinityTerm) []PodAffinityTerm {
	out := make([]PodAffinityTerm, 0, len(terms))
	for i := range terms {
		t := &terms[i]
		term := PodAffinityTerm{TopologyKey: t.TopologyKey}
		term.Pods.Labels = selectorOf(t.LabelSelector)
		term.Pods.Labels.add(p.Labels, In, t.MatchLabelKeys)
		term.Pods.Labels.add(p.Labels, NotIn, t.MismatchLabelKeys)
		term.Pods.Namespaces = t.Namespaces
		if t.NamespaceSelector != nil {
			labels := selectorOf(t.NamespaceSelector)
			term.Pods.NamespaceLabels = &labels
		} else if len(t.Namespaces) == 0 {
			term.Pods.Namespaces = []string{p.Namespace}
		}
		out = append(out, term)
	}
	return out
}

// add requires the pod's own values of these keys, as the API server does when the pod is created. For the pod of a template
// it has not done so yet.
func (s *LabelSelector) add(labels map[string]string, op Operator, keys []string) {
	if s.Nothing {
		return
	}
	for _, key := range keys {
		if value, has := labels[key]; has {
			r := Requirement{Key: key, Operator: op, Values: []string{value}}
			if !containsRequirement(s.All, r) {
				s.All = append(s.All, r)
			}
		}
	}
}

func containsRequirement(all []Requirement, r Requirement) bool {
	for _, o := range all {
		if o.Key == r.Key && o.Operator == r.Operator && len(o.Values) == 1 && o.Values[0] == r.Values[0] {
			return true
		}
	}
	return false
}

// topologySpreadOf reads the topology spread constraints with DoNotSchedule.
func topologySpreadOf(p *corev1.Pod) []TopologySpreadConstraint {
	var out []TopologySpreadConstraint
	for i := range p.Spec.TopologySpreadConstraints {
		t := &p.Spec.TopologySpreadConstraints[i]
		if t.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		s := TopologySpreadConstraint{
			TopologyKey: t.TopologyKey, MaxSkew: t.MaxSkew, MinDomains: 1, Pods: selectorOf(t.LabelSelector),
			IgnoreAffinity: t.NodeAffinityPolicy != nil && *t.NodeAffinityPolicy == corev1.NodeInclusionPolicyIgnore,
			HonorTaints:    t.NodeTaintsPolicy != nil && *t.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor,
		}
		if t.MinDomains != nil {
			s.MinDomains = *t.MinDomains
		}
		s.Pods.add(p.Labels, In, t.MatchLabelKeys)
		out = append(out, s)
	}
	return out
}

// selectorOf reads a selector; an absent one chooses nothing.
func selectorOf(s *metav1.LabelSelector) LabelSelector {
	if s == nil {
		return LabelSelector{Nothing: true}
	}
	var out LabelSelector
	for key, value := range s.MatchLabels {
		out.All = append(out.All, Requirement{Key: key, Operator: In, Values: []string{value}})
	}
	for _, e := range s.MatchExpressions {
		out.All = append(out.All, Requirement{Key: e.Key, Operator: Operator(e.Operator), Values: e.Values})
	}
	return out
}
