package kubesched

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// deviceManager shows DynamicResources the claims as they are in a CycleState, and the slices that matter for one node.
type deviceManager struct {
	// claims are those of the Snapshot, sorted by name; byName finds them.
	claims []*resourcev1.ResourceClaim
	byName map[types.NamespacedName]*resourcev1.ResourceClaim
	// allocated are the claims of the Snapshot that have devices.
	allocated claimsByPool
	// state has the claims that differ from the Snapshot.
	state   *CycleState
	classes map[string]*resourcev1.DeviceClass
	slices  []*resourcev1.ResourceSlice
	// pending collects what Reserve allocates.
	pending []*resourcev1.ResourceClaim
}

func (m *deviceManager) ResourceClaims() fwk.ResourceClaimTracker     { return m }
func (m *deviceManager) ResourceSlices() fwk.ResourceSliceLister      { return m }
func (m *deviceManager) DeviceClasses() fwk.DeviceClassLister         { return deviceClasses(m.classes) }
func (m *deviceManager) DeviceClassResolver() fwk.DeviceClassResolver { return noExtended{} }

// noExtended knows no extended resource that is a device: the plugins see a claim for it instead (DeviceResources).
type noExtended struct{}

func (noExtended) GetDeviceClass(corev1.ResourceName) *resourcev1.DeviceClass { return nil }

type deviceClasses map[string]*resourcev1.DeviceClass

// List implements fwk.DeviceClassLister.
func (c deviceClasses) List() ([]*resourcev1.DeviceClass, error) {
	var out []*resourcev1.DeviceClass
	for _, name := range slices.Sorted(maps.Keys(c)) {
		out = append(out, c[name])
	}
	return out, nil
}

// Get implements fwk.DeviceClassLister.
func (c deviceClasses) Get(name string) (*resourcev1.DeviceClass, error) {
	if class, known := c[name]; known {
		return class, nil
	}
	return nil, apierrors.NewNotFound(resourcev1.Resource("deviceclasses"), name)
}

// ListWithDeviceTaintRules implements fwk.ResourceSliceLister. Taints in slices are known, but not the rules.
func (m *deviceManager) ListWithDeviceTaintRules() ([]*resourcev1.ResourceSlice, error) {
	return m.slices, nil
}

// List implements fwk.ResourceClaimTracker.
func (m *deviceManager) List() ([]*resourcev1.ResourceClaim, error) {
	out := make([]*resourcev1.ResourceClaim, 0, len(m.claims))
	for _, c := range m.claims {
		out = append(out, m.now(c))
	}
	return out, nil
}

// now is the claim as it is in the CycleState.
func (m *deviceManager) now(c *resourcev1.ResourceClaim) *resourcev1.ResourceClaim {
	return m.state.claim(nameOf(c))
}

func nameOf(o interface {
	GetNamespace() string
	GetName() string
}) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Get implements fwk.ResourceClaimTracker.
func (m *deviceManager) Get(namespace, name string) (*resourcev1.ResourceClaim, error) {
	c, known := m.byName[types.NamespacedName{Namespace: namespace, Name: name}]
	if !known {
		return nil, fmt.Errorf("could not find ResourceClaim %q", namespace+"/"+name) // as kube-scheduler's cache says it
	}
	return m.now(c), nil
}

// ListAllAllocatedDevices implements fwk.ResourceClaimTracker.
func (m *deviceManager) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	state, err := m.GatherAllocatedState()
	if err != nil {
		return nil, err
	}
	return state.AllocatedDevices, nil
}

// GatherAllocatedState implements fwk.ResourceClaimTracker. It gathers only the pools that ListWithDeviceTaintRules shows: the
// plugin asks about no others.
func (m *deviceManager) GatherAllocatedState() (*structured.AllocatedState, error) {
	out := &structured.AllocatedState{
		AllocatedDevices:         sets.New[structured.DeviceID](),
		AllocatedSharedDeviceIDs: sets.New[structured.SharedDeviceID](),
		AggregatedCapacity:       structured.NewConsumedCapacityCollection(),
	}
	seen := map[pool]bool{}
	for _, s := range m.slices {
		p := pool{s.Spec.Driver, s.Spec.Pool.Name}
		if !seen[p] {
			seen[p] = true
			m.state.eachAllocated(p, func(r *resourcev1.DeviceRequestAllocationResult) { addAllocated(out, r) })
		}
	}
	return out, nil
}

// addAllocated adds an allocated device. Access for administration takes nothing.
func addAllocated(state *structured.AllocatedState, r *resourcev1.DeviceRequestAllocationResult) {
	if r.AdminAccess != nil && *r.AdminAccess {
		return
	}
	id := structured.MakeDeviceID(r.Driver, r.Pool, r.Device)
	if r.ShareID == nil {
		state.AllocatedDevices.Insert(id)
		return
	}
	state.AllocatedSharedDeviceIDs.Insert(structured.MakeSharedDeviceID(id, r.ShareID))
	if r.ConsumedCapacity != nil {
		state.AggregatedCapacity.Insert(structured.NewDeviceConsumedCapacity(id, r.ConsumedCapacity))
	}
}

// SignalClaimPendingAllocation implements fwk.ResourceClaimTracker: Reserve calls it with what it has allocated.
func (m *deviceManager) SignalClaimPendingAllocation(_ types.UID, c *resourcev1.ResourceClaim) error {
	m.pending = append(m.pending, c)
	return nil
}

// GetPendingAllocation implements fwk.ResourceClaimTracker: nothing stays pending, since allocateDevices changes the claim at
// once.
func (m *deviceManager) GetPendingAllocation(types.UID) *resourcev1.AllocationResult { return nil }

// MaybeRemoveClaimPendingAllocation implements fwk.ResourceClaimTracker.
func (m *deviceManager) MaybeRemoveClaimPendingAllocation(types.UID, bool) bool { return false }

var errReadOnly = errors.New("a simulation binds no claims")

// AssumeClaimAfterAPICall implements fwk.ResourceClaimTracker.
func (m *deviceManager) AssumeClaimAfterAPICall(*resourcev1.ResourceClaim) error { return errReadOnly }

// AssumedClaimRestore implements fwk.ResourceClaimTracker.
func (m *deviceManager) AssumedClaimRestore(string, string) {}

// pool identifies a pool of devices, to which slices belong.
type pool struct{ driver, name string }

// sliceIndex finds the slices that matter for a node.
type sliceIndex struct {
	byPool map[pool][]*resourcev1.ResourceSlice
	// byNode are the pools of which a node has slices of its own, sorted.
	byNode map[string][]pool
	// shared are the pools with slices that are not of one node alone.
	shared []pool
	// shapes keeps the results of shape; "" is none.
	shapes map[shapeKey]string
}

func newSliceIndex(all []*resourcev1.ResourceSlice) *sliceIndex {
	x := &sliceIndex{byPool: map[pool][]*resourcev1.ResourceSlice{}, byNode: map[string][]pool{}, shapes: map[shapeKey]string{}}
	for _, s := range all {
		p := pool{s.Spec.Driver, s.Spec.Pool.Name}
		x.byPool[p] = append(x.byPool[p], s)
		if s.Spec.NodeName == nil {
			x.shared = appendNew(x.shared, p)
		} else {
			x.byNode[*s.Spec.NodeName] = appendNew(x.byNode[*s.Spec.NodeName], p)
		}
	}
	for _, own := range x.byNode {
		slices.SortFunc(own, func(a, b pool) int { return cmp.Or(cmp.Compare(a.driver, b.driver), cmp.Compare(a.name, b.name)) })
	}
	return x
}

func appendNew(list []pool, p pool) []pool {
	if slices.Contains(list, p) {
		return list
	}
	return append(list, p)
}

// of are the slices of each pool that has a slice for the node.
func (x *sliceIndex) of(node string) []*resourcev1.ResourceSlice {
	var out []*resourcev1.ResourceSlice
	for _, p := range x.shared {
		out = append(out, x.byPool[p]...)
	}
	for _, p := range x.byNode[node] {
		if !slices.Contains(x.shared, p) {
			out = append(out, x.byPool[p]...)
		}
	}
	return out
}

// devicesOf is the number of devices of the node alone.
func (x *sliceIndex) devicesOf(node string) int {
	n := 0
	for _, p := range x.byNode[node] {
		for _, s := range x.ownSlices(p, node) {
			n += len(s.Spec.Devices)
		}
	}
	return n
}

// ofNewNode are the slices of a new node that has the same devices as an existing one, in pools of its own.
func (x *sliceIndex) ofNewNode(node, fresh string) []*resourcev1.ResourceSlice {
	out := x.of("")
	for _, p := range x.byNode[node] {
		for _, s := range x.ownSlices(p, node) {
			s = s.DeepCopy()
			s.Name = fmt.Sprintf("%s of %s", s.Name, fresh)
			s.Spec.NodeName = &fresh
			s.Spec.Pool.Name = p.ofNewNode(fresh).name
			withoutTaints(&s.Spec)
			out = append(out, s)
		}
	}
	return out
}
