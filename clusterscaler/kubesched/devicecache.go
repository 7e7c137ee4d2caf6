package kubesched

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// deviceCacheKey is all on which the answer about the devices of a node depends, for pods whose claims are not shared and have no
// devices yet: what the claims ask for, which devices the node has, and which of them are taken.
//
// Without the cache BenchmarkDevices takes 28 times the CPU for a scale-up, and 80 times for a scale-down.
type deviceCacheKey struct {
	kind  string
	shape string
	taken string
}

// deviceCacheKey is the key for the node, and the node's pools in an order that is the same for all nodes with the key. ok is false
// where the answer is not cacheable.
func (s *CycleState) deviceCacheKey(d *demand, at int, name string, p *nodeFacts) (key deviceCacheKey, pools []pool, ok bool) {
	x := s.snapshot.slices
	if d.deviceKind == "" || len(x.shared) > 0 || s.anyAllocated(d, at) {
		return key, nil, false
	}
	key.kind = d.deviceKind
	like := name
	if p.profile.devicesOf != "" {
		like = p.profile.devicesOf
	}
	if key.shape, ok = x.shape(like, p.profile.devicesOf != ""); !ok {
		return key, nil, false
	}
	pools = x.byNode[like]
	if p.profile.devicesOf != "" {
		pools = slices.Clone(pools)
	}
	var taken []string
	for i := range pools {
		if p.profile.devicesOf != "" {
			pools[i] = pools[i].ofNewNode(name)
		}
		text, told := s.takenText(pools[i])
		taken, ok = append(taken, text), ok && told
	}
	key.taken = strings.Join(taken, "|")
	return key, pools, ok
}

// anyAllocated is whether one of the claims has devices.
func (s *CycleState) anyAllocated(d *demand, at int) bool {
	for _, name := range d.devices[at] {
		if c := s.claim(name); c == nil || c.Status.Allocation != nil {
			return true
		}
	}
	return false
}

// shape is equal for nodes whose slices differ only by the names of pools and slices. isNew asks for the shape of a new node with
// the devices of this one. ok is false for a node that shares a pool with others.
func (x *sliceIndex) shape(node string, isNew bool) (text string, ok bool) {
	key := shapeKey{node, isNew}
	if text, known := x.shapes[key]; known {
		return text, text != ""
	}
	var parts []string
	ok = true
	for _, p := range x.byNode[node] {
		own := x.ownSlices(p, node)
		ok = ok && len(own) == len(x.byPool[p])
		for _, s := range own {
			spec := s.Spec.DeepCopy()
			spec.NodeName, spec.Pool.Name = nil, ""
			if isNew {
				withoutTaints(spec)
			}
			parts = append(parts, inJSON(spec))
		}
		parts = append(parts, p.driver)
	}
	if ok {
		text = digest(strings.Join(parts, "\n"))
	}
	x.shapes[key] = text
	return text, ok
}

type shapeKey struct {
	node  string
	isNew bool
}

// ofNewNode is the pool that a new node with the same devices has instead.
func (p pool) ofNewNode(node string) pool {
	return pool{p.driver, fmt.Sprintf("%s of %s", p.name, node)}
}

// withoutTaints drops the taints of devices: those of a new node are not tainted.
func withoutTaints(s *resourcev1.ResourceSliceSpec) {
	for i := range s.Devices {
		s.Devices[i].Taints = nil
	}
}

// deviceCacheEntry is the plugin's answer, and the devices that it allocates to a pod with one claim, once it has done so.
type deviceCacheEntry struct {
	refusal    scheduling.Refusal
	allocation *resourcev1.AllocationResult
	// pools and node are what the allocation names.
	pools []pool
	node  string
}

// on is the allocation with the names of another node that has the same key.
func (e *deviceCacheEntry) on(node string, pools []pool) *resourcev1.AllocationResult {
	out := e.allocation.DeepCopy()
	for i := range out.Devices.Results {
		r := &out.Devices.Results[i]
		if at := slices.Index(e.pools, pool{r.Driver, r.Pool}); at >= 0 {
			r.Pool = pools[at].name
		}
	}
	if out.NodeSelector != nil {
		for i := range out.NodeSelector.NodeSelectorTerms {
			rename(out.NodeSelector.NodeSelectorTerms[i].MatchFields, e.node, node)
		}
	}
	return out
}

func rename(fields []corev1.NodeSelectorRequirement, from, to string) {
	for i := range fields {
		for j, value := range fields[i].Values {
			if value == from {
				fields[i].Values[j] = to
			}
		}
	}
}
