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
		s.NodeSelector = append(s.NodeSelector, Requirement{Key: key, Operator: In, Values: []string{value}})
	}
	if a := p.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		s.NodeAffinity = nodeSelectorTermsOf(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms)
	}
	for _, t := range p.Spec.Tolerations {
		if keep, ok := tolerationOf(t); ok {
			s.Tolerations = append(s.Tolerations, keep)
		}
	}
	s.Namespace, s.Labels, s.Terminating = p.Namespace, p.Labels, p.DeletionTimestamp != nil
	s.PodAffinity, s.PodAntiAffinity = podAffinityOf(p)
	s.TopologySpread = topologySpreadOf(p)
	s.Features = featuresOf(p)
	eachContainer(p, func(c *corev1.Container) {
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				s.HostPorts = append(s.HostPorts, hostPortOf(port))
			}
		}
	})
	return s
}

// eachContainer visits the containers that run at the same time: plain ones and sidecars.
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

func nodeSelectorTermsOf(terms []corev1.NodeSelectorTerm) []NodeSelectorTerm {
	out := make([]NodeSelectorTerm, 0, len(terms))
	for _, t := range terms {
		term := make(NodeSelectorTerm, 0, len(t.MatchExpressions)+len(t.MatchFields))
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

// tolerationOf drops tolerations that matter to no filter. Numeric comparisons are dropped too: they are behind a feature
// gate, and without them the pod waits rather than being placed wrongly.
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

func hostPortOf(p corev1.ContainerPort) HostPort {
	out := HostPort{IP: p.HostIP, Protocol: string(p.Protocol), Port: p.HostPort}
	if out.IP == "0.0.0.0" { // not "::", which is an address like any other to kube-scheduler
		out.IP = ""
	}
	if out.Protocol == "" {
		out.Protocol = string(corev1.ProtocolTCP)
	}
	return out
}

// Constraint names what of a pod is not modelled where there are no FilterPlugins: "volume NAME", "resource claims",
// "scheduling group". It is empty when all is modelled.
func Constraint(p *corev1.Pod) string {
	switch {
	case constraintOfClaims(p) != "":
		return constraintOfClaims(p)
	case p.Spec.SchedulingGroup != nil:
		return "scheduling group"
	}
	return ""
}

// NeedsFilterPlugins is whether the pod has volumes or device claims on which only FilterPlugins can decide.
func NeedsFilterPlugins(p *corev1.Pod) bool { return constraintOfClaims(p) != "" }

// ConstraintWithPlugins is Constraint where FilterPlugins decide on volumes and device claims.
func ConstraintWithPlugins(p *corev1.Pod) string {
	if p.Spec.SchedulingGroup != nil {
		return "scheduling group"
	}
	return ""
}

// constraintOfClaims names the volume, or says that there are device claims, on which only FilterPlugins can decide.
func constraintOfClaims(p *corev1.Pod) string {
	for i := range p.Spec.Volumes {
		if !onEveryNode(&p.Spec.Volumes[i].VolumeSource) {
			return "volume " + p.Spec.Volumes[i].Name
		}
	}
	if len(p.Spec.ResourceClaims) > 0 {
		return "resource claims"
	}
	return ""
}

// onEveryNode is whether every node can have a volume of that kind, and no limit counts it.
func onEveryNode(v *corev1.VolumeSource) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil ||
		v.EmptyDir != nil || v.HostPath != nil || v.NFS != nil || v.Image != nil || v.GitRepo != nil
}
