package scheduling

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/resource"
)

// SpecOf reads what the scheduler filters by from a pod.
func SpecOf(p *corev1.Pod) Spec {
	s := Spec{Requests: ResourcesOf(resource.PodRequests(p, resource.PodResourcesOptions{UseStatusResources: true}))}
	s.Requests.Pods = 1
	for key, value := range p.Spec.NodeSelector {
		s.Selector = append(s.Selector, Requirement{Key: key, Operator: In, Values: []string{value}})
	}
	if a := p.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		s.Affinity = termsOf(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms)
	}
	for _, t := range p.Spec.Tolerations {
		if keep, ok := tolerationOf(t); ok {
			s.Tolerations = append(s.Tolerations, keep)
		}
	}
	s.Namespace, s.Labels, s.Terminating = p.Namespace, p.Labels, p.DeletionTimestamp != nil
	s.Near, s.Apart = podTermsOf(p)
	s.Spread = spreadOf(p)
	s.Features = featuresOf(p)
	eachContainer(p, func(c *corev1.Container) {
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				s.Ports = append(s.Ports, portOf(port))
			}
		}
	})
	return s
}

// eachContainer visits the containers that run side by side: plain ones and sidecars.
func eachContainer(p *corev1.Pod, f func(*corev1.Container)) {
	for i := range p.Spec.InitContainers {
		c := &p.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			f(c)
		}
	}
	for i := range p.Spec.Containers {
		f(&p.Spec.Containers[i])
	}
}

func termsOf(terms []corev1.NodeSelectorTerm) []Term {
	out := make([]Term, 0, len(terms))
	for _, t := range terms {
		term := make(Term, 0, len(t.MatchExpressions)+len(t.MatchFields))
		for _, e := range t.MatchExpressions {
			term = append(term, Requirement{Key: e.Key, Operator: Operator(e.Operator), Values: e.Values})
		}
		for _, e := range t.MatchFields {
			r := Requirement{Operator: Operator(e.Operator), Values: e.Values}
			if e.Key != metav1.ObjectNameField {
				r.Operator = "" // no other field can be asked about: holds nowhere
			}
			term = append(term, r)
		}
		out = append(out, term)
	}
	return out
}

// tolerationOf drops what lets a pod onto no further node. Numeric comparisons are among it: they are
// behind a feature gate, and not to tolerate errs on the side of waiting.
func tolerationOf(t corev1.Toleration) (Toleration, bool) {
	if t.Effect == corev1.TaintEffectPreferNoSchedule {
		return Toleration{}, false
	}
	switch t.Operator {
	case corev1.TolerationOpExists:
		return Toleration{Key: t.Key, Exists: true, Effect: Effect(t.Effect)}, true
	case corev1.TolerationOpEqual, "":
		return Toleration{Key: t.Key, Value: t.Value, Effect: Effect(t.Effect)}, true
	default:
		return Toleration{}, false
	}
}

func portOf(p corev1.ContainerPort) Port {
	out := Port{IP: p.HostIP, Protocol: string(p.Protocol), Port: p.HostPort}
	if out.IP == "0.0.0.0" { // not "::", which is an address like any other to kube-scheduler
		out.IP = ""
	}
	if out.Protocol == "" {
		out.Protocol = string(corev1.ProtocolTCP)
	}
	return out
}

// Constraint names what of a pod is not modelled: "volume NAME", "resource claims", "scheduling group". Empty
// when all of it is. A Judge decides on all but the scheduling group.
func Constraint(p *corev1.Pod) string {
	switch {
	case claimed(p) != "":
		return claimed(p)
	case p.Spec.SchedulingGroup != nil:
		return "scheduling group"
	}
	return ""
}

// NeedsJudge is whether the pod has volumes or device claims on which only a Judge can decide.
func NeedsJudge(p *corev1.Pod) bool { return claimed(p) != "" }

// JudgedConstraint is Constraint where a Judge decides.
func JudgedConstraint(p *corev1.Pod) string {
	if p.Spec.SchedulingGroup != nil {
		return "scheduling group"
	}
	return ""
}

// claimed names the volume, or says that there are device claims, on which only a Judge can decide.
func claimed(p *corev1.Pod) string {
	for i := range p.Spec.Volumes {
		if !placeless(&p.Spec.Volumes[i].VolumeSource) {
			return "volume " + p.Spec.Volumes[i].Name
		}
	}
	if len(p.Spec.ResourceClaims) > 0 {
		return "resource claims"
	}
	return ""
}

// placeless is whether a volume of that kind can be had on every node and counts against no limit.
func placeless(v *corev1.VolumeSource) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil ||
		v.EmptyDir != nil || v.HostPath != nil || v.NFS != nil || v.Image != nil || v.GitRepo != nil
}
