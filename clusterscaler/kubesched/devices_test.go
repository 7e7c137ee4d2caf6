package kubesched_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

func deviceClass(name string) *resourcev1.DeviceClass {
	c := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Spec.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{Expression: `device.driver == "gpus.example.com"`}}}
	return c
}

// slice has so many devices of the node.
func slice(node string, devices int) *resourcev1.ResourceSlice {
	s := &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "slice-of-" + node}}
	s.Spec.Driver, s.Spec.NodeName = "gpus.example.com", &node
	s.Spec.Pool = resourcev1.ResourcePool{Name: node, Generation: 1, ResourceSliceCount: 1}
	for i := range devices {
		s.Spec.Devices = append(s.Spec.Devices, resourcev1.Device{Name: fmt.Sprint("d", i)})
	}
	return s
}

// deviceClaim asks for one device of the class, and has that of a node if one is named.
func deviceClaim(name, class, node, device string) *resourcev1.ResourceClaim {
	c := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("claim-" + name)}}
	c.Spec.Devices.Requests = []resourcev1.DeviceRequest{{Name: "gpu", Exactly: &resourcev1.ExactDeviceRequest{
		DeviceClassName: class, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1,
	}}}
	if node != "" {
		c.Status.Allocation = &resourcev1.AllocationResult{
			Devices: resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{
				{Request: "gpu", Driver: "gpus.example.com", Pool: node, Device: device},
			}},
			NodeSelector: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
			}}},
		}
	}
	return c
}

// gpuPod uses the device claim.
func gpuPod(name, node, claim string) *corev1.Pod {
	p := pod(name, node)
	p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim}}
	return p
}

// training are pods on the node with one claim each, taken these claims, with as many of the node's devices.
func training(node string, from, to int) (pods []*corev1.Pod) {
	for i := from; i < to; i++ {
		name := fmt.Sprint("train-", i)
		pods = append(pods, gpuPod(name, node, name))
	}
	return pods
}

func addAllocated(node string, from, to int) (claims []*resourcev1.ResourceClaim) {
	for i := from; i < to; i++ {
		claims = append(claims, deviceClaim(fmt.Sprint("train-", i), "gpu", node, fmt.Sprint("d", i)))
	}
	return claims
}

func TestPlansWithDevices(t *testing.T) {
	t.Parallel()
	class := []*resourcev1.DeviceClass{deviceClass("gpu")}
	var five []*corev1.Pod
	var fiveClaims []*resourcev1.ResourceClaim
	for i := range 5 {
		name := fmt.Sprint("train-", i)
		five, fiveClaims = append(five, gpuPod(name, "", name)), append(fiveClaims, deviceClaim(name, "gpu", "", ""))
	}
	for name, c := range map[string]struct {
		scenario
		want string
	}{
		"a new node has as many devices as one of its group": {
			scenario{nodes: []string{"a-1"}, pods: append(five, pod("web", "a-1")), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: fiveClaims, ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 2)},
			}},
			"grow a by 2 for shop/train-2 shop/train-3 shop/train-4\nshop/train-0: FitsNow: node a-1\nshop/train-1: FitsNow: node a-1\n",
		},
		"a device that is broken is none of a new node's": {
			scenario{nodes: []string{"a-1"}, pods: append(five[:1:1], pod("web", "a-1")), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: fiveClaims[:1], ResourceSlices: func() []*resourcev1.ResourceSlice {
					s := slice("a-1", 1)
					s.Spec.Devices[0].Taints = []resourcev1.DeviceTaint{{Key: "broken", Effect: resourcev1.DeviceTaintEffectNoSchedule}}
					return []*resourcev1.ResourceSlice{s}
				}(),
			}},
			"grow a by 1 for shop/train-0\nkeep a-1: NoPlaceToMovePods: pod shop/web, pods to move 1, closest none: no other node is ready and stays\n",
		},
		"no node of a group stands that has devices": {
			scenario{pods: five[:1], storage: kubesched.Objects{DeviceClasses: class, DeviceClaims: fiveClaims}},
			"shop/train-0: NotTriggerScaleUp: groups a DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims; " +
				"b DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims\n",
		},
		"a device class that is missing is a reason": {
			scenario{pods: five[:1], storage: kubesched.Objects{DeviceClaims: fiveClaims}},
			"shop/train-0: NotTriggerScaleUp: groups a DevicesUnavailable: plugin DynamicResources, reason request gpu: device class gpu does not exist; " +
				"b DevicesUnavailable: plugin DynamicResources, reason request gpu: device class gpu does not exist\n",
		},
		"a pod moves to a free device": {
			scenario{nodes: []string{"a-1", "a-2", "b-1"}, pods: slices.Concat(busyPods("b-1"), training("a-1", 0, 2), training("a-2", 2, 3)), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: append(addAllocated("a-1", 0, 2), addAllocated("a-2", 2, 3)...),
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 3), slice("a-2", 6)},
			}},
			"remove a-2: shop/train-2 to a-1\n",
		},
		"two pods do not move to one device": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(training("a-1", 0, 2), training("a-2", 2, 4)...), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: append(addAllocated("a-1", 0, 2), addAllocated("a-2", 2, 4)...),
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 3), slice("a-2", 6)},
			}},
			"keep a-2: NoPlaceToMovePods: pod shop/train-3, pods to move 2, closest a-1 DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims\n",
		},
		"a node that has just come is waited for to tell of its devices": {
			scenario{nodes: []string{"a-1", "a-2"}, young: "a-2", pods: append(busyPods("a-1"), gpuPod("train-0", "", "train-0")), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: []*resourcev1.ResourceClaim{deviceClaim("train-0", "gpu", "", ""), deviceClaim("other", "gpu", "a-1", "d0")},
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 1)},
			}},
			"shop/train-0: FitsNow: node a-2\nkeep a-1: NoPlaceToMovePods: pod shop/web-a-1-0, pods to move 3, closest none: no other node is ready and stays\n",
		},
		"a node that came long ago is not": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(busyPods("a-1", "a-2"), gpuPod("train-0", "", "train-0")), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: []*resourcev1.ResourceClaim{deviceClaim("train-0", "gpu", "", ""), deviceClaim("other", "gpu", "a-1", "d0")},
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 1)},
			}},
			"grow a by 1 for shop/train-0\nkeep a-1: NoPlaceToMovePods: pod shop/web-a-1-1, pods to move 3, closest a-2 InsufficientCPU: need 1000m, free 0m\n",
		},
		"who shares a claim goes where its device is": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(busyPods("a-1"), pod("web", "a-2"), pod("db", "a-2"), gpuPod("train-0", "a-2", "train-0"), gpuPod("train-1", "", "train-0")), storage: kubesched.Objects{
				DeviceClasses: class, DeviceClaims: []*resourcev1.ResourceClaim{deviceClaim("train-0", "gpu", "a-2", "d0")},
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 1), slice("a-2", 1)},
			}},
			"shop/train-1: FitsNow: node a-2\nkeep a-1: NoPlaceToMovePods: pod shop/web-a-1-0, pods to move 3, closest a-2 InsufficientCPU: need 1000m, free 0m\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := summary(c.decide(t)); got != c.want {
				t.Errorf("planned\n%swanted\n%s", got, c.want)
			}
		})
	}
}
