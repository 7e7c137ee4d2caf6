package kubesched_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// counterSet has amounts of memory and slots.
func counterSet(memory, slots string) map[string]resourcev1.Counter {
	return map[string]resourcev1.Counter{"memory": {Value: resource.MustParse(memory)}, "slots": {Value: resource.MustParse(slots)}}
}

// partOf is a device that draws on a counter set.
func partOf(set, name, memory, slots string) resourcev1.Device {
	return resourcev1.Device{Name: name, ConsumesCounters: []resourcev1.DeviceCounterConsumption{{CounterSet: set, Counters: counterSet(memory, slots)}}}
}

// partitioned is a slice of the node with counter sets gpu-0 and gpu-1 of 80Gi and 8 slots, and these devices beside w0 and w1,
// which are whole.
func partitioned(parts ...resourcev1.Device) *resourcev1.ResourceSlice {
	s := slice("n", 0)
	for _, set := range []string{"gpu-0", "gpu-1"} {
		s.Spec.SharedCounters = append(s.Spec.SharedCounters, resourcev1.CounterSet{Name: set, Counters: counterSet("80Gi", "8")})
	}
	s.Spec.Devices = append(parts, resourcev1.Device{Name: "w0"}, resourcev1.Device{Name: "w1"})
	return s
}

// In each line the pods on node n have these devices of it.
func TestDeviceUse(t *testing.T) {
	t.Parallel()
	parts := []resourcev1.Device{
		partOf("gpu-0", "p0", "20Gi", "1"), partOf("gpu-0", "p1", "20Gi", "4"), partOf("gpu-1", "p2", "80Gi", "8"),
	}
	other := slice("n", 4)
	other.Name, other.Spec.Driver = "other", "a.example.com"
	generations := func(of ...int64) (out []*resourcev1.ResourceSlice) {
		for i, g := range of {
			s := slice("n", 1)
			s.Name += string(rune('a' + i))
			s.Spec.Devices[0].Name = string(rune('a' + i))
			s.Spec.Pool.Generation, s.Spec.Pool.ResourceSliceCount = g, 2
			out = append(out, s)
		}
		return out
	}
	elsewhere := slice("m", 4)
	everywhere := slice("n", 4)
	everywhere.Spec.NodeName, everywhere.Spec.AllNodes = nil, new(true)
	const pool = "gpus.example.com/n"
	for name, c := range map[string]struct {
		slices []*resourcev1.ResourceSlice
		taken  string
		want   scheduling.DeviceUse
	}{
		"nothing is taken":                    {[]*resourcev1.ResourceSlice{slice("n", 4)}, "", scheduling.DeviceUse{Pool: pool}},
		"whole devices are counted":           {[]*resourcev1.ResourceSlice{slice("n", 4)}, "d0 d2 d3", scheduling.DeviceUse{Pool: pool, Share: 0.75}},
		"a device that is no more":            {[]*resourcev1.ResourceSlice{slice("n", 4)}, "d0 d7", scheduling.DeviceUse{Pool: pool, Share: 0.25}},
		"access for administration":           {[]*resourcev1.ResourceSlice{slice("n", 4)}, "d0 admin:d1", scheduling.DeviceUse{Pool: pool, Share: 0.25}},
		"the fullest pool":                    {[]*resourcev1.ResourceSlice{other, slice("n", 4)}, "d0", scheduling.DeviceUse{Pool: pool, Share: 0.25}},
		"pools as full as each other":         {[]*resourcev1.ResourceSlice{slice("n", 4), other}, "", scheduling.DeviceUse{Pool: "a.example.com/n"}},
		"the scarcest counter of a set":       {[]*resourcev1.ResourceSlice{partitioned(parts...)}, "p0 p1", scheduling.DeviceUse{Pool: pool, Share: 0.3125}}, // slots: 5 of 8, nothing of the other
		"both sets":                           {[]*resourcev1.ResourceSlice{partitioned(parts...)}, "p0 p2", scheduling.DeviceUse{Pool: pool, Share: 0.625}},
		"whole devices alone of a mixed pool": {[]*resourcev1.ResourceSlice{partitioned(parts...)}, "w0", scheduling.DeviceUse{Pool: pool, Share: 0.5}},
		"both kinds of a mixed pool":          {[]*resourcev1.ResourceSlice{partitioned(parts...)}, "w0 p2", scheduling.DeviceUse{Pool: pool, Share: 0.5}},
		"the newest generation":               {generations(1, 2, 2), "a b", scheduling.DeviceUse{Pool: pool, Share: 0.5}},
		"a pool that is not all there": {generations(1, 1, 2), "b", scheduling.DeviceUse{
			Pool: pool, Unknown: "pool gpus.example.com/n shows 1 of 2 slices of its generation 2",
		}},
		"a claim without devices":   {[]*resourcev1.ResourceSlice{slice("n", 1)}, "d0 none", scheduling.DeviceUse{Pool: pool, Unknown: "claims of its pods without devices: 1"}},
		"devices of another node":   {[]*resourcev1.ResourceSlice{elsewhere}, "", scheduling.DeviceUse{}},
		"devices that all can have": {[]*resourcev1.ResourceSlice{everywhere}, "", scheduling.DeviceUse{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := kubesched.Objects{DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")}, ResourceSlices: c.slices}
			var pods []*corev1.Pod
			for i, device := range strings.Fields(c.taken) {
				name := "c" + string(rune('0'+i))
				device, admin := strings.CutPrefix(device, "admin:")
				claim := deviceClaim(name, "gpu", "n", device)
				if claim.Status.Allocation.Devices.Results[0].AdminAccess = &admin; device == "none" {
					claim.Status.Allocation = nil
				}
				o.DeviceClaims = append(o.DeviceClaims, claim)
				pods = append(pods, gpuPod("p"+name, "n", name))
			}
			snapshot, err := kubesched.New(&o, pods)
			if err != nil {
				t.Fatal(err)
			}
			cluster, of := judged(snapshot, []*corev1.Node{node("n", "a")}, pods)
			const id = scheduling.NodeID(0)
			mark := cluster.Mark()
			for _, class := range of {
				cluster.Place(class, id, 1)
			}
			if got := cluster.Devices(id); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			cluster.Undo(mark)
			if got := cluster.Devices(id); len(of) > 0 && got.Share > 0 {
				t.Errorf("%+v without pods", got)
			}
		})
	}
}

// A node with devices for claims is used as much as they are, whatever its pods ask of CPU and memory.
func TestNodesAreKeptForTheirDevices(t *testing.T) {
	t.Parallel()
	half := slice("a-1", 1)
	half.Spec.Pool.ResourceSliceCount = 2
	for name, c := range map[string]struct {
		scenario
		used float64
		want string
	}{
		"its devices are idle": {
			scenario{nodes: []string{"a-1"}, pods: busyPods("a-1"), storage: kubesched.Objects{ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 4)}}},
			0, "NoPlaceToMovePods: pod shop/web-a-1-0, pods to move 3, closest none: no other node is ready and stays",
		},
		"its only device is taken": {
			scenario{nodes: []string{"a-1"}, pods: []*corev1.Pod{gpuPod("train", "a-1", "train")}, storage: kubesched.Objects{
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 1)}, DeviceClaims: []*resourcev1.ResourceClaim{deviceClaim("train", "gpu", "a-1", "d0")},
				DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")},
			}},
			1, "NotUnderutilized: utilization 100%, of gpus.example.com/a-1, threshold 50%",
		},
		"a pod is about to run there": {
			scenario{nodes: []string{"a-1"}, pods: []*corev1.Pod{gpuPod("train", "", "train")}, storage: kubesched.Objects{
				ResourceSlices: []*resourcev1.ResourceSlice{slice("a-1", 1)}, DeviceClaims: []*resourcev1.ResourceClaim{deviceClaim("train", "gpu", "", "")},
				DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")},
			}},
			1, "NotUnderutilized: utilization 100%, of gpus.example.com/a-1, threshold 50%",
		},
		"its driver has not told of all": {
			scenario{nodes: []string{"a-1"}, storage: kubesched.Objects{ResourceSlices: []*resourcev1.ResourceSlice{half}}},
			0, "UnexpectedError: why pool gpus.example.com/a-1 shows 1 of 2 slices of its generation 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.decide(t)
			if n := p.Nodes[0]; n.Utilization != c.used || n.Verdict.Message() != c.want {
				t.Errorf("%v, %s; want %v, %s", n.Utilization, n.Verdict.Message(), c.used, c.want)
			}
		})
	}
}
