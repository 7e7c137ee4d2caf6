package vpa

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/config"
)

// CheckManifest says what is wrong with the VerticalPodAutoscaler in doc, one YAML or JSON document of the
// file of that name: each problem with its path. It asks no cluster. It refuses what the admission webhook
// of VPA 1.8 refuses.
func CheckManifest(file string, doc []byte) error {
	v, err := decodeStrict(doc)
	if err != nil {
		return config.Problems{{File: file, Message: err.Error()}}
	}
	var ps config.Problems
	checkTarget(&ps, v)
	if len(v.Spec.Recommenders) > 1 {
		ps.Add("spec.recommenders", "has %d entries; at most one is possible", len(v.Spec.Recommenders))
	}
	if u := v.Spec.UpdatePolicy; u != nil {
		modes := []vpav1.UpdateMode{"Off", "Initial", "Recreate", "Auto", "InPlaceOrRecreate", "InPlace"}
		switch {
		case u.UpdateMode == nil:
			ps.Add("spec.updatePolicy.updateMode", "is required where there is an updatePolicy; one of %v", modes)
		case !slices.Contains(modes, *u.UpdateMode):
			ps.Add("spec.updatePolicy.updateMode", "%q is not one of %v", *u.UpdateMode, modes)
		}
		if u.MinReplicas != nil && *u.MinReplicas <= 0 {
			ps.Add("spec.updatePolicy.minReplicas", "%d is not above zero", *u.MinReplicas)
		}
	}
	if p := v.Spec.ResourcePolicy; p != nil {
		seen := map[string]bool{}
		for i := range p.ContainerPolicies {
			c := &p.ContainerPolicies[i]
			path := fmt.Sprintf("spec.resourcePolicy.containerPolicies[%d]", i)
			if seen[c.ContainerName] {
				ps.Add(path+".containerName", "%q has a policy already", c.ContainerName)
			}
			seen[c.ContainerName] = true
			checkPolicy(&ps, path, c)
		}
	}
	for i := range ps {
		ps[i].File = file
	}
	return ps.AsError()
}

// decodeStrict reads a manifest as the API server does with strict field validation.
func decodeStrict(doc []byte) (*vpav1.VerticalPodAutoscaler, error) {
	scheme := runtime.NewScheme()
	if err := vpav1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	kind := vpav1.SchemeGroupVersion.WithKind("VerticalPodAutoscaler")
	v := &vpav1.VerticalPodAutoscaler{}
	_, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(doc, &kind, v)
	return v, err
}

func checkTarget(ps *config.Problems, v *vpav1.VerticalPodAutoscaler) {
	ref := v.Spec.TargetRef
	switch {
	case ref == nil:
		ps.Add("spec.targetRef", "is required")
	case ref.Name == "":
		ps.Add("spec.targetRef.name", "is required")
	default:
		if _, known := targetKinds()[ref.Kind]; !known {
			ps.Add("spec.targetRef.kind", "%q is not supported; supported are Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and CronJob", ref.Kind)
		}
	}
}

func checkPolicy(ps *config.Problems, path string, c *vpav1.ContainerResourcePolicy) {
	if c.ContainerName == "" {
		ps.Add(path+".containerName", "is required; * is the policy of all others")
	}
	modes := []vpav1.ContainerScalingMode{vpav1.ContainerScalingModeAuto, vpav1.ContainerScalingModeOff}
	if c.Mode != nil && !slices.Contains(modes, *c.Mode) {
		ps.Add(path+".mode", "%q is not one of %v", *c.Mode, modes)
	}
	resources := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}
	if c.ControlledResources != nil {
		for _, r := range *c.ControlledResources {
			if !slices.Contains(resources, r) {
				ps.Add(path+".controlledResources", "%q is not one of %v", r, resources)
			}
		}
	}
	if is(c.Mode, vpav1.ContainerScalingModeOff) && is(c.ControlledValues, vpav1.ContainerControlledValuesRequestsAndLimits) {
		ps.Add(path+".controlledValues", "must be left out where mode is Off: nothing of the container is controlled")
	}
	checkBounds(ps, path, c)
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

// checkBounds checks minAllowed and maxAllowed, in the order of their resources.
func checkBounds(ps *config.Problems, path string, c *vpav1.ContainerResourcePolicy) {
	for _, bound := range []struct {
		field string
		list  corev1.ResourceList
	}{{".minAllowed.", c.MinAllowed}, {".maxAllowed.", c.MaxAllowed}} {
		field, list := path+bound.field, bound.list
		if q, set := list[corev1.ResourceCPU]; set && !exact(q, resource.Milli) {
			ps.Add(field+"cpu", "%s is not a whole number of millicores", q.String())
		}
		if q, set := list[corev1.ResourceMemory]; set && !exact(q, 0) {
			ps.Add(field+"memory", "%s is not a whole number of bytes", q.String())
		}
	}
	for _, r := range slices.Sorted(maps.Keys(c.MinAllowed)) {
		low, high := c.MinAllowed[r], c.MaxAllowed[r]
		if _, set := c.MaxAllowed[r]; set && high.Cmp(low) < 0 {
			ps.Add(path+".maxAllowed."+string(r), "%s is less than minAllowed, %s", high.String(), low.String())
		}
	}
}

// exact is whether q is a whole number of that unit.
func exact(q resource.Quantity, unit resource.Scale) bool {
	_, whole := q.AsScale(unit)
	return whole
}
