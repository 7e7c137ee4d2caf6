package kubesched_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Two nodes seem to have the same devices, and one of them is no place for a pod that claims one. In each line what tells them
// apart does, whichever is asked about first.
func TestNodesAreToldApart(t *testing.T) {
	t.Parallel()
	fabric := slice("", 1)
	fabric.Name, fabric.Spec.NodeName, fabric.Spec.Pool.Name = "fabric", nil, "fabric"
	fabric.Spec.NodeSelector = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}},
	}}}
	tainted := slice("n-2", 1)
	tainted.Spec.Devices[0].Taints = []resourcev1.DeviceTaint{{Key: "broken", Effect: resourcev1.DeviceTaintEffectNoSchedule}}
	ofTwo := func(node, pool string) *resourcev1.ResourceSlice {
		s := slice(node, 1)
		s.Spec.Pool.Name, s.Spec.Pool.ResourceSliceCount = pool, 2
		return s
	}
	shared := func(node string) *resourcev1.ResourceSlice {
		s := slice(node, 1)
		s.Spec.Devices[0].AllowMultipleAllocations = new(true)
		s.Spec.Devices[0].Capacity = map[resourcev1.QualifiedName]resourcev1.DeviceCapacity{"memory": {Value: resource.MustParse("10Gi")}}
		return s
	}
	has := func(node, device string, change func(*resourcev1.DeviceRequestAllocationResult)) *resourcev1.ResourceClaim {
		c := deviceClaim("of-"+node, "gpu", node, device)
		change(&c.Status.Allocation.Devices.Results[0])
		return c
	}
	nothing := func(*resourcev1.DeviceRequestAllocationResult) {}
	for name, c := range map[string]struct {
		slices []*resourcev1.ResourceSlice
		claims []*resourcev1.ResourceClaim
		// capacity is what the pod wants of a device; nil is all of it.
		capacity *resourcev1.CapacityRequirements
	}{
		"devices that the nodes of one zone reach": {[]*resourcev1.ResourceSlice{fabric}, nil, nil},
		"a taint on the device of one":             {[]*resourcev1.ResourceSlice{slice("n-1", 1), tainted}, nil, nil},
		"a device taken, and one looked at by an admin": {[]*resourcev1.ResourceSlice{slice("n-1", 1), slice("n-2", 1)}, []*resourcev1.ResourceClaim{
			has("n-1", "d0", func(r *resourcev1.DeviceRequestAllocationResult) { r.AdminAccess = new(true) }), has("n-2", "d0", nothing),
		}, nil},
		"a pool of which another node's slice is not there": {[]*resourcev1.ResourceSlice{ofTwo("n-1", "x"), ofTwo("n-3", "x"), ofTwo("n-2", "y")}, nil, nil},
		"shares of a device, all of one": {[]*resourcev1.ResourceSlice{shared("n-1"), shared("n-2")}, []*resourcev1.ResourceClaim{
			has("n-1", "d0", func(r *resourcev1.DeviceRequestAllocationResult) {
				r.ShareID, r.ConsumedCapacity = new(types.UID("s1")), map[resourcev1.QualifiedName]resource.Quantity{"memory": resource.MustParse("1Gi")}
			}),
			has("n-2", "d0", func(r *resourcev1.DeviceRequestAllocationResult) {
				r.ShareID, r.ConsumedCapacity = new(types.UID("s2")), map[resourcev1.QualifiedName]resource.Quantity{"memory": resource.MustParse("9Gi")}
			}),
		}, &resourcev1.CapacityRequirements{Requests: map[resourcev1.QualifiedName]resource.Quantity{"memory": resource.MustParse("5Gi")}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, first := range []scheduling.NodeID{0, 1} {
				wanting := deviceClaim("train", "gpu", "", "")
				wanting.Spec.Devices.Requests[0].Exactly.Capacity = c.capacity
				o := &kubesched.Objects{
					DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")}, ResourceSlices: c.slices, DeviceClaims: append(c.claims[:len(c.claims):len(c.claims)], wanting),
				}
				pods := []*corev1.Pod{gpuPod("train", "", "train")}
				snapshot, err := kubesched.New(o, pods)
				if err != nil {
					t.Fatal(err)
				}
				cluster, of := judged(snapshot, []*corev1.Node{node("n-1", "a"), node("n-2", "b")}, pods)
				for _, n := range []scheduling.NodeID{first, 1 - first} {
					if got := cluster.Fits(of[0], n); got.OK() != (n == 0) {
						t.Errorf("node %d asked first: node %d: %v", first, n, got)
					}
				}
			}
		})
	}
}
