package kubeschedtest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	deviceDriver = "gpus.example.com"
	fabricDriver = "fabric.example.com"
)

// devices makes slices of the nodes, one that several nodes reach, device classes and claims that are there for all. The
// devices that a request may have on a node are alike, so that it does not matter which of them it gets.
func (b *builder) devices() {
	for _, name := range []string{"any", "large", "fabric"} {
		c := &resourcev1.DeviceClass{ObjectMeta: named("", name)}
		expression := fmt.Sprintf("device.driver == %q", deviceDriver)
		switch name {
		case "large":
			expression += fmt.Sprintf(" && device.attributes[%q].large", deviceDriver)
		case "fabric":
			expression = fmt.Sprintf("device.driver == %q", fabricDriver)
		}
		if name == "any" && !b.one(4) {
			c.Spec.ExtendedResourceName = new(string(extendedAny))
		}
		c.Spec.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{Expression: expression}}}
		if !b.one(8) {
			b.DeviceClasses = append(b.DeviceClasses, c)
		}
	}
	for _, n := range b.Nodes {
		if b.one(3) {
			continue
		}
		s := b.slice(n.Name, deviceDriver)
		s.Spec.NodeName = &n.Name
	}
	if b.one(3) {
		s := b.slice("fabric", fabricDriver)
		s.Spec.NodeSelector = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}},
		}}}
	}
	b.DeviceClaims = append(b.DeviceClaims, &resourcev1.ResourceClaim{ObjectMeta: named(namespace, "shared-device"), Spec: b.deviceSpec()})
	taken := &resourcev1.ResourceClaim{ObjectMeta: named(namespace, "taken-device"), Spec: b.deviceSpec()}
	if len(b.ResourceSlices) > 0 {
		s := b.ResourceSlices[0]
		taken.Status.Allocation = &resourcev1.AllocationResult{
			Devices: resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{{
				Request: "r", Driver: s.Spec.Driver, Pool: s.Spec.Pool.Name, Device: "d0",
			}}},
		}
		if s.Spec.NodeName != nil {
			taken.Status.Allocation.NodeSelector = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{*s.Spec.NodeName}}},
			}}}
		}
	}
	b.DeviceClaims = append(b.DeviceClaims, taken)
}

func (b *builder) slice(pool, driver string) *resourcev1.ResourceSlice {
	s := &resourcev1.ResourceSlice{ObjectMeta: named("", "slice-"+pool)}
	s.Spec.Driver = driver
	large := b.one(2)
	s.Spec.Pool = resourcev1.ResourcePool{Name: pool, Generation: 1, ResourceSliceCount: 1}
	for i := range 1 + b.IntN(3) {
		s.Spec.Devices = append(s.Spec.Devices, resourcev1.Device{
			Name: fmt.Sprint("d", i), Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"large": {BoolValue: &large}},
		})
	}
	b.ResourceSlices = append(b.ResourceSlices, s)
	return s
}

func (b *builder) deviceSpec() resourcev1.ResourceClaimSpec {
	r := resourcev1.DeviceRequest{Name: "r", Exactly: &resourcev1.ExactDeviceRequest{
		DeviceClassName: pick(b, "any", "any", "large", "fabric"), AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: int64(1 + b.IntN(2)),
	}}
	return resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{r}}}
}

// deviceClaim gives the pod a claim that is made for it, which may not be there yet.
func (b *builder) deviceClaim(p *corev1.Pod, spec resourcev1.ResourceClaimSpec) {
	ref := corev1.PodResourceClaim{Name: fmt.Sprint("d", len(p.Spec.ResourceClaims)), ResourceClaimTemplateName: new("template")}
	p.Spec.ResourceClaims = append(p.Spec.ResourceClaims, ref)
	if b.one(10) {
		return
	}
	c := &resourcev1.ResourceClaim{ObjectMeta: named(namespace, p.Name+"-"+ref.Name), Spec: spec}
	c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID, Controller: new(true)}}
	b.DeviceClaims = append(b.DeviceClaims, c)
	p.Status.ResourceClaimStatuses = append(p.Status.ResourceClaimStatuses, corev1.PodResourceClaimStatus{Name: ref.Name, ResourceClaimName: &c.Name})
}
