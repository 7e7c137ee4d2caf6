package kubesched_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

const gpuResource = "example.com/gpu"

// asking asks for so many of the extended resource.
func asking(name, node string, of corev1.ResourceName, n int) *corev1.Pod {
	p := pod(name, node)
	p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{of: resource.MustParse(fmt.Sprint(n))}
	return p
}

// given has a device of its node by the claim that kube-scheduler made for it.
func given(name, node, device string) (*corev1.Pod, *resourcev1.ResourceClaim) {
	p, c := asking(name, node, gpuResource, 1), deviceClaim(name+"-extended-resources-x", "gpu", node, device)
	c.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"}
	c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: name, UID: p.UID, Controller: new(true)}}
	p.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: c.Name}
	return p, c
}

func gpuClass() []*resourcev1.DeviceClass {
	c := deviceClass("gpu")
	c.Spec.ExtendedResourceName = new(gpuResource)
	return []*resourcev1.DeviceClass{c}
}

// Pods that ask for an extended resource which is a device get one, as those that claim it.
func TestPlansWithExtendedResources(t *testing.T) {
	t.Parallel()
	three := []*corev1.Pod{asking("train-0", "", gpuResource, 1), asking("train-1", "", gpuResource, 1), asking("train-2", "", gpuResource, 1)}
	running, made := given("train-0", "a-2", "d0")
	for name, c := range map[string]struct {
		scenario
		want string
	}{
		"a new node has as many devices as one of its group": {
			scenario{nodes: []string{"a-1"}, pods: append(three, busyPods("a-1")...), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 2)},
			}},
			"grow a by 1 for shop/train-2\nshop/train-0: FitsNow: node a-1\nshop/train-1: FitsNow: node a-1\n",
		},
		"each class provides a resource of its own name": {
			scenario{nodes: []string{"a-1"}, pods: append(busyPods("a-1"), asking("train-0", "", "deviceclass.resource.kubernetes.io/gpu", 2), asking("train-1", "", "deviceclass.resource.kubernetes.io/gpu", 3)), storage: kubesched.Objects{
				DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")}, ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 2)},
			}},
			"shop/train-0: FitsNow: node a-1\n" +
				"shop/train-1: NotTriggerScaleUp: groups a DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims; " +
				"b DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims\n",
		},
		"what no class provides is not to be had": {
			scenario{nodes: []string{"a-1"}, pods: append(busyPods("a-1"), three[0]), storage: kubesched.Objects{
				DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")}, ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 2)},
			}},
			"shop/train-0: NotTriggerScaleUp: groups a InsufficientResource: resource example.com/gpu, need 1, free 0; b InsufficientResource: resource example.com/gpu, need 1, free 0\n" +
				"keep a-1: NoPlaceToMovePods: pod shop/web-a-1-0, pods to move 3, closest none: no other node is ready and stays\n",
		},
		"what a device plugin offers counts there, and is no device elsewhere": {
			scenario{nodes: []string{"a-1", "b-1"}, offering: "b-1", pods: slices.Concat(busyPods("a-1", "b-1"), three[:2]), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 2)},
			}},
			"shop/train-0: FitsNow: node b-1\n" +
				"shop/train-1: NotTriggerScaleUp: groups a InsufficientResource: resource example.com/gpu, need 1, free 0; b InsufficientResource: resource example.com/gpu, need 1, free 0\n" +
				"keep a-1: NoPlaceToMovePods: pod shop/web-a-1-1, pods to move 3, closest b-1 InsufficientCPU: need 1000m, free 0m\n",
		},
		"a pod that has a device moves to a free one": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(training("a-1", 1, 3), running), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), DeviceClaims: append(addAllocated("a-1", 1, 3), made),
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 3), slice("a-2", 3)},
			}},
			"remove a-2: shop/train-0 to a-1\n",
		},
		"and stays where there is none": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(training("a-1", 1, 3), running), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), DeviceClaims: append(addAllocated("a-1", 0, 3), made),
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 3), slice("a-2", 3)},
			}},
			"keep a-2: NoPlaceToMovePods: pod shop/train-0, pods to move 1, closest a-1 DevicesUnavailable: plugin DynamicResources, reason cannot allocate all claims\n",
		},
		"a pod that runs without a device that it asks for keeps its node": {
			scenario{nodes: []string{"a-1", "a-2"}, pods: append(training("a-1", 1, 3), asking("train-0", "a-2", gpuResource, 1)), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), DeviceClaims: addAllocated("a-1", 1, 3), ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 3), slice("a-2", 3)},
			}},
			"keep a-2: NoPlaceToMovePods: pod shop/train-0, pods to move 1, closest a-1 InsufficientResource: resource example.com/gpu, need 1, free 0\n",
		},
		"its device is not free for another": {
			scenario{nodes: []string{"a-2"}, pods: append(busyPods("a-2"), running, three[1]), storage: kubesched.Objects{
				DeviceClasses: gpuClass(), DeviceClaims: []*resourcev1.ResourceClaim{made}, ResourceSlices: []*resourcev1.ResourceSlice{slice("a-2", 1)},
			}},
			"grow a by 1 for shop/train-1\n",
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

// Init containers use what those after them have, and the one that needs most beyond that has a request of its own.
func TestRequestsForExtendedResources(t *testing.T) {
	t.Parallel()
	r := (&kubesched.Objects{DeviceClasses: gpuClass()}).DeviceResources(func(corev1.ResourceName) bool { return false })
	for _, c := range []struct{ init, containers, want string }{
		{"", "1", "container 1"},
		{"", "2 0 3", "container 3, container 2"},
		{"3", "2", "container 2, init-container 1"},
		{"1 2", "2", "container 2"},
		{"4 6 5", "2 1", "container 1, container 2, init-container 3"},
		{"3 2s", "1", "container 1, container 2"},
		{"2s 3", "1", "container 1, container 2, init-container 2"}, // the sidecar before it keeps its own
		{"0", "0", ""},
	} {
		p := pod("p", "")
		p.Spec.Containers = nil
		for _, word := range strings.Fields(c.init) {
			p.Spec.InitContainers = append(p.Spec.InitContainers, container(word))
		}
		for _, word := range strings.Fields(c.containers) {
			p.Spec.Containers = append(p.Spec.Containers, container(word))
		}
		claiming, claim := r.Claim(p)
		var got []string
		if claim != nil {
			for _, request := range claim.Spec.Devices.Requests {
				got = append(got, fmt.Sprintf("%s %d", request.Name[:strings.LastIndex(request.Name, "-")], request.Exactly.Count))
			}
		}
		if text := strings.Join(got, ", "); text != c.want || (claiming == p) != (c.want == "") || len(p.Spec.ResourceClaims) > 0 {
			t.Errorf("init containers %q, containers %q: %q, want %q", c.init, c.containers, text, c.want)
		}
	}
}

// container asks for so many GPUs; with an s it is a sidecar.
func container(text string) corev1.Container {
	count, sidecar := strings.CutSuffix(text, "s")
	c := corev1.Container{}
	c.Resources.Requests = corev1.ResourceList{gpuResource: resource.MustParse(count)}
	if sidecar {
		c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	}
	return c
}
