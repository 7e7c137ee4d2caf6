package recommend

import (
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
)

// integerCPUAnnotation asks for whole cores. The container's name is between its two parts, and the value is "true".
const (
	integerCPUPrefix = "vpa-post-processor.kubernetes.io/"
	integerCPUSuffix = "_integerCPU"
)

// policyOf is the policy with exactly that container's name, else the policy with the name "*", else nil.
func policyOf(p *vpav1.PodResourcePolicy, container string) *vpav1.ContainerResourcePolicy {
	var general *vpav1.ContainerResourcePolicy
	if p == nil {
		return nil
	}
	for i := range p.ContainerPolicies {
		switch c := &p.ContainerPolicies[i]; c.ContainerName {
		case container:
			return c
		case vpav1.DefaultContainerResourcePolicy:
			general = c
		}
	}
	return general
}

func isOff(p *vpav1.ContainerResourcePolicy) bool {
	return p != nil && p.Mode != nil && *p.Mode == vpav1.ContainerScalingModeOff
}

// controls is true if the policy allows a recommendation for the resource.
func controls(p *vpav1.ContainerResourcePolicy, r corev1.ResourceName) bool {
	return p == nil || p.ControlledResources == nil || slices.Contains(*p.ControlledResources, r)
}

// limits are the smallest and largest amounts allowed; a zero quantity is no limit.
type limits struct{ min, max corev1.ResourceList }

// limitsOf joins a policy with the maximum for all containers. That maximum is used where the policy has none.
func limitsOf(p *vpav1.ContainerResourcePolicy, globalMax corev1.ResourceList) limits {
	l := limits{max: globalMax}
	if p == nil {
		return l
	}
	l.min = p.MinAllowed
	if p.MaxAllowed != nil {
		l.max = p.MaxAllowed.DeepCopy()
		for name, q := range globalMax {
			if _, set := l.max[name]; !set {
				l.max[name] = q
			}
		}
	}
	return l
}

// apply raises to the minimum first, then lowers to the maximum, so that the maximum wins.
func (l limits) apply(list corev1.ResourceList) {
	for name, q := range list {
		if low, set := l.min[name]; set && !low.IsZero() && q.Cmp(low) < 0 {
			q = low
		}
		if high, set := l.max[name]; set && !high.IsZero() && q.Cmp(high) > 0 {
			q = high
		}
		list[name] = q
	}
}

// quantity writes an amount as the API does, rounded up as configured.
func (s *Settings) quantity(name corev1.ResourceName, v int64) resource.Quantity {
	if name == corev1.ResourceCPU {
		return *resource.NewScaledQuantity(roundUp(v, s.RoundCPUMilli), resource.Milli)
	}
	return *resource.NewQuantity(roundUp(v, s.RoundMemoryBytes), resource.BinarySI)
}

// roundUp rounds to a multiple of step; a step of one or less changes nothing.
func roundUp(v, step int64) int64 {
	if step <= 1 {
		return v
	}
	return int64(math.Ceil(float64(v)/float64(step))) * step
}

// wholeCores rounds the CPU of all lists up to whole cores.
func wholeCores(lists ...corev1.ResourceList) {
	for _, list := range lists {
		if q, ok := list[corev1.ResourceCPU]; ok {
			q.RoundUp(0)
			list[corev1.ResourceCPU] = q
		}
	}
}
