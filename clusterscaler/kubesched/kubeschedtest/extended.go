package kubeschedtest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The extended resources that the device classes any and large provide; the first only where its class says so.
const (
	extendedAny   corev1.ResourceName = "example.com/any"
	extendedLarge                     = corev1.ResourceName(resourcev1.ResourceDeviceClassPrefix + "large")
)

// ask lets the pod ask for so many, one of them in an init container.
func ask(p *corev1.Pod, of corev1.ResourceName, count int) {
	p.Spec.Containers[0].Resources.Requests[of] = *resource.NewQuantity(int64(count), resource.DecimalSI)
	if count > 1 {
		p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{Name: "init", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{of: *resource.NewQuantity(int64(count+1), resource.DecimalSI)},
		}})
	}
}

// plugin lets all nodes offer a resource by a device plugin, seldom. Then it is a device on none of them.
func (b *builder) plugin() {
	if !b.one(8) {
		return
	}
	for _, n := range b.Nodes {
		n.Status.Allocatable[extendedAny] = *resource.NewQuantity(int64(1+b.IntN(3)), resource.DecimalSI)
	}
}

// given is a device of its node that kube-scheduler has given the pod for an extended resource.
func (b *builder) given(p *corev1.Pod) {
	at := slices.IndexFunc(b.ResourceSlices, func(s *resourcev1.ResourceSlice) bool {
		return s.Spec.NodeName != nil && *s.Spec.NodeName == p.Spec.NodeName
	})
	if at < 0 {
		return
	}
	s := b.ResourceSlices[at]
	device := s.Spec.Devices[len(s.Spec.Devices)-1].Name
	if b.taken(s.Spec.Pool.Name, device) {
		return
	}
	ask(p, extendedLarge, 1)
	c := &resourcev1.ResourceClaim{ObjectMeta: named(namespace, p.Name+"-extended-resources-x")}
	c.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"}
	c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID, Controller: new(true)}}
	c.Spec.Devices.Requests = []resourcev1.DeviceRequest{{Name: "container-0-request-1", Exactly: &resourcev1.ExactDeviceRequest{
		DeviceClassName: "large", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1,
	}}}
	c.Status.Allocation = &resourcev1.AllocationResult{
		Devices: resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{{
			Request: "container-0-request-1", Driver: s.Spec.Driver, Pool: s.Spec.Pool.Name, Device: device,
		}}},
		NodeSelector: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{p.Spec.NodeName}}},
		}}},
	}
	b.DeviceClaims = append(b.DeviceClaims, c)
	p.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: c.Name}
}

// taken is whether a claim has the device, which no other can have then.
func (b *builder) taken(pool, device string) bool {
	return slices.ContainsFunc(b.DeviceClaims, func(c *resourcev1.ResourceClaim) bool {
		a := c.Status.Allocation
		return a != nil && slices.ContainsFunc(a.Devices.Results, func(r resourcev1.DeviceRequestAllocationResult) bool { return r.Pool == pool && r.Device == device })
	})
}
