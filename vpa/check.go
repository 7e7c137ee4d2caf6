package vpa

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/manifest"
	"github.com/trimtab/trimtab/vpa/target"
)

// CheckManifest says what is wrong with the VerticalPodAutoscaler in doc, one YAML or JSON document of the
// file of that name: each problem with its path. It asks no cluster. It refuses what the schema of
// the CRD and the admission webhook of VPA 1.8 refuse.
func CheckManifest(file string, doc []byte) error {
	v := new(vpav1.VerticalPodAutoscaler)
	if err := manifest.Decode(file, doc, v); err != nil {
		return err
	}
	var ps config.Problems
	checkTarget(&ps, v)
	if len(v.Spec.Recommenders) > 1 {
		ps.Add("spec.recommenders", "has %d entries; at most one is possible", len(v.Spec.Recommenders))
	}
	if u := v.Spec.UpdatePolicy; u != nil {
		checkUpdates(&ps, "spec.updatePolicy", u)
	}
	if p := v.Spec.ResourcePolicy; p != nil {
		for i := range p.ContainerPolicies {
			c := &p.ContainerPolicies[i]
			path := fmt.Sprintf("spec.resourcePolicy.containerPolicies[%d]", i)
			checkPolicy(&ps, path, c)
		}
	}
	for i := range ps {
		ps[i].File = file
	}
	return ps.AsError()
}

func checkTarget(ps *config.Problems, v *vpav1.VerticalPodAutoscaler) {
	ref := v.Spec.TargetRef
	switch {
	case ref == nil:
		ps.Add("spec.targetRef", "is required")
	case ref.Name == "":
		ps.Add("spec.targetRef.name", "is required")
	default:
		if !target.Supports(ref.Kind) {
			ps.Add("spec.targetRef.kind", "%q is not supported; supported are Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and CronJob", ref.Kind)
		}
	}
}

func checkUpdates(ps *config.Problems, path string, u *vpav1.PodUpdatePolicy) {
	if u.UpdateMode == nil {
		ps.Add(path+".updateMode", "is required where there is an updatePolicy; one of %v", updateModes())
	} else {
		checkOneOf(ps, path+".updateMode", *u.UpdateMode, updateModes()...)
	}
	if u.MinReplicas != nil && *u.MinReplicas <= 0 {
		ps.Add(path+".minReplicas", "%d is not above zero", *u.MinReplicas)
	}
	checkLeast(ps, path+".evictAfterOOMSeconds", u.EvictAfterOOMSeconds, 1)
	for i, r := range u.EvictionRequirements {
		at := fmt.Sprintf("%s.evictionRequirements[%d]", path, i)
		if r.Resources == nil {
			ps.Add(at+".resources", "is required")
		}
		checkOneOf(ps, at+".changeRequirement", r.ChangeRequirement, vpav1.TargetHigherThanRequests, vpav1.TargetLowerThanRequests)
	}
}

func updateModes() []vpav1.UpdateMode {
	return []vpav1.UpdateMode{"Off", "Initial", "Recreate", "Auto", "InPlaceOrRecreate", "InPlace"}
}

func checkOneOf[T ~string](ps *config.Problems, path string, got T, known ...T) {
	if !slices.Contains(known, got) {
		ps.Add(path, "%q is not one of %v", got, known)
	}
}

func checkLeast[T int32 | int64](ps *config.Problems, path string, got *T, least T) {
	if got != nil && *got < least {
		ps.Add(path, "%d is below %d", *got, least)
	}
}

func checkLeastQuantity(ps *config.Problems, path string, got *resource.Quantity, least int64) {
	if got != nil && got.CmpInt64(least) < 0 {
		ps.Add(path, "%s is below %d", got, least)
	}
}

func checkPolicy(ps *config.Problems, path string, c *vpav1.ContainerResourcePolicy) {
	if c.ContainerName == "" {
		ps.Add(path+".containerName", "is required; * is the policy of all others")
	}
	if c.Mode != nil {
		checkOneOf(ps, path+".mode", *c.Mode, vpav1.ContainerScalingModeAuto, vpav1.ContainerScalingModeOff)
	}
	if c.ControlledResources != nil {
		for _, r := range *c.ControlledResources {
			checkOneOf(ps, path+".controlledResources", r, corev1.ResourceCPU, corev1.ResourceMemory)
		}
	}
	if c.ControlledValues != nil {
		checkOneOf(ps, path+".controlledValues", *c.ControlledValues, vpav1.ContainerControlledValuesRequestsAndLimits, vpav1.ContainerControlledValuesRequestsOnly)
	}
	if is(c.Mode, vpav1.ContainerScalingModeOff) && is(c.ControlledValues, vpav1.ContainerControlledValuesRequestsAndLimits) {
		ps.Add(path+".controlledValues", "must be left out where mode is Off: nothing of the container is controlled")
	}
	checkBounds(ps, path, c)
	checkLeastQuantity(ps, path+".oomBumpUpRatio", c.OOMBumpUpRatio, 1)
	checkLeastQuantity(ps, path+".oomMinBumpUp", c.OOMMinBumpUp, 0)
	checkLeast(ps, path+".memoryAggregationIntervalSeconds", c.MemoryAggregationIntervalSeconds, 1)
	checkLeast(ps, path+".memoryAggregationIntervalCount", c.MemoryAggregationIntervalCount, 1)
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
