package kubesched

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// CycleState follows the pods of one Cluster. It implements scheduling.CycleState.
type CycleState struct {
	snapshot *Snapshot
	// pods are the pods with a demand on each node, in the order in which they came.
	pods map[scheduling.NodeID][]placedPod
	// placed says which pods of a demand are on a node.
	placed map[*demand]*placements
	// users counts the pods on nodes that use a claim: a ReadWriteOncePod volume claim, or a device claim.
	users map[string]int
	// changed has the device claims that differ from the Snapshot.
	changed map[types.NamespacedName]*resourcev1.ResourceClaim
	// gained are claims with devices that they have not in the Snapshot. A claim may stay here after it has lost them again.
	gained claimsByPool
	// takenTexts keeps the takenText of pools.
	takenTexts map[pool]takenText
	// bindings are free volumes that pods here are bound to, and nodes that were chosen for their claims.
	bindings []*binding
}

// placedPod is a pod on a node, by its index in the demand.
type placedPod struct {
	demand  *demand
	pod     int
	binding *binding
}

// NewCycleState implements scheduling.FilterPlugins.
func (snap *Snapshot) NewCycleState() scheduling.CycleState {
	return &CycleState{
		snapshot: snap, pods: map[scheduling.NodeID][]placedPod{}, placed: map[*demand]*placements{}, users: map[string]int{},
		changed: map[types.NamespacedName]*resourcev1.ResourceClaim{}, gained: claimsByPool{}, takenTexts: map[pool]takenText{},
	}
}

const pluginNone = scheduling.Plugin("none")

// Filter implements scheduling.CycleState.
func (s *CycleState) Filter(key string, id scheduling.NodeID, n *scheduling.Node) scheduling.Refusal {
	snap := s.snapshot
	d := snap.demands[key]
	if d == nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: "the pod's volumes and claims are not known yet"}
	}
	snap.mu.Lock()
	defer snap.mu.Unlock()
	p := snap.factsOf(n)
	if !d.claiming() && !snap.hasOwnAttachments(p) { // else the plugins' order is kept: what a device claim lacks comes first
		if r := snap.filterEmptyNode(d, p); r.Plugin != "" || s.cacheable(d, id, p) {
			return r
		}
	}
	at := s.placementsOf(d).next()
	cacheKey, _, cacheable := s.deviceCacheKey(d, at, s.nameOf(id, p), p)
	if e := snap.deviceCache[cacheKey]; cacheable && e != nil {
		return e.refusal
	}
	r, _ := s.filterWithPods(d, at, id, p)
	if cacheable {
		snap.cacheDevices(cacheKey, &deviceCacheEntry{refusal: r})
	}
	return r
}

// maxAnswers bounds each cache of answers.
const maxAnswers = 1 << 20

// hasOwnAttachments is whether the kind of the node does not say what is attached to it, since claims name the node.
func (snap *Snapshot) hasOwnAttachments(p *nodeFacts) bool {
	return snap.attached[p.node.Name] && snap.selected[p.node.Name]
}

// filterEmptyNode is why pods of the demand fit on no node of that kind, even an empty one. Volumes attached to the node are left
// out: other nodes of the kind do not have them, and filterWithPods counts them.
func (snap *Snapshot) filterEmptyNode(d *demand, p *nodeFacts) scheduling.Refusal {
	q := emptyNodeKey{d, p.kind}
	r, known := snap.emptyNode[q]
	if known {
		return r
	}
	snap.activate(nil)
	snap.used.inUse = nil
	name := p.node.Name
	if snap.attached[name] {
		name += " with nothing attached"
	}
	info, err := snap.nodeInfo(p, name, nil)
	if err != nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: err.Error()}
	}
	r, _ = snap.plugins.filter(d.pods[0], info, snap.plugins.volumes)
	r = snap.withCause(r, d, 0, p.node)
	if len(snap.emptyNode) > maxAnswers {
		clear(snap.emptyNode)
	}
	snap.emptyNode[q] = r
	return r
}

func (snap *Snapshot) cacheDevices(q deviceCacheKey, a *deviceCacheEntry) {
	if len(snap.deviceCache) > maxAnswers {
		clear(snap.deviceCache)
	}
	snap.deviceCache[q] = a
}

// cacheable is whether the pods on nodes change nothing about the answer of filterEmptyNode.
func (s *CycleState) cacheable(d *demand, id scheduling.NodeID, p *nodeFacts) bool {
	crowded := len(s.pods[id]) > 0 || s.snapshot.attached[p.node.Name]
	return !d.binds && len(d.exclusive[0]) == 0 && !(crowded && (d.inline || p.limited))
}

// placements counts for each pod of a demand on how many nodes it is.
type placements struct {
	counts []int
	// from is not past the first pod that is on no node.
	from int
}

func (s *CycleState) placementsOf(d *demand) *placements {
	l := s.placed[d]
	if l == nil {
		l = &placements{counts: make([]int, len(d.pods))}
		s.placed[d] = l
	}
	return l
}

func (l *placements) add(pod, n int) {
	l.counts[pod] += n
	if l.counts[pod] == 0 {
		l.from = min(l.from, pod)
	}
}

// next is the pod to ask the plugins about: the first that is on no node, else the last.
func (l *placements) next() int {
	for l.from < len(l.counts) && l.counts[l.from] > 0 {
		l.from++
	}
	return min(l.from, len(l.counts)-1)
}

// filterWithPods asks the plugins about a pod, with the pods that are on the nodes now.
func (s *CycleState) filterWithPods(d *demand, at int, id scheduling.NodeID, p *nodeFacts) (scheduling.Refusal, fwk.CycleState) {
	snap := s.snapshot
	snap.activate(s)
	own := d.exclusive[at]
	snap.used.inUse = func(claim string) bool {
		others := s.users[claim]
		if slices.Contains(own, claim) {
			others -= s.placementsOf(d).counts[at] // a pod that moves does not block itself
		}
		return others > 0
	}
	name := s.nameOf(id, p)
	var on []*corev1.Pod
	for _, h := range s.pods[id] {
		on = append(on, h.demand.volumesOnly[h.pod])
	}
	info, err := snap.nodeInfo(p, name, on)
	if err != nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: err.Error()}, nil
	}
	list := snap.plugins.withPods // filterEmptyNode has asked the others
	if d.binds || d.claiming() || snap.hasOwnAttachments(p) {
		list = snap.plugins.volumes
	}
	if d.claiming() {
		list = append(slices.Clone(list), snap.plugins.devices)
		snap.devices.slices = snap.slices.of(name)
		if p.profile.devicesOf != "" { // it has none of its own, or not yet
			snap.devices.slices = snap.slices.ofNewNode(p.profile.devicesOf, name)
		}
	}
	r, state := snap.plugins.filter(d.pods[at], info, list)
	return snap.withCause(r, d, at, p.node), state
}

// nameOf is the node's name; each copy of a template has one of its own.
func (s *CycleState) nameOf(id scheduling.NodeID, p *nodeFacts) string {
	if p.isCopy {
		return fmt.Sprintf("%s-%d", p.node.Name, id)
	}
	return p.node.Name
}

// AddPod implements scheduling.CycleState.
func (s *CycleState) AddPod(key string, id scheduling.NodeID, n *scheduling.Node) (undo func()) {
	d := s.snapshot.demands[key]
	if d == nil {
		return func() {}
	}
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	return s.locked(s.addPod(d, id, n))
}

// RemovePod implements scheduling.CycleState. Of several pods with the Demand it removes the one that came last.
func (s *CycleState) RemovePod(key string, id scheduling.NodeID, _ *scheduling.Node) (undo func()) {
	d := s.snapshot.demands[key]
	if d == nil {
		return func() {}
	}
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	return s.locked(s.removePod(d, id))
}

func (s *CycleState) locked(f func()) func() {
	return func() {
		s.snapshot.mu.Lock()
		defer s.snapshot.mu.Unlock()
		f()
	}
}

func (s *CycleState) addPod(d *demand, id scheduling.NodeID, n *scheduling.Node) (undo func()) {
	h := placedPod{demand: d, pod: s.placementsOf(d).next()}
	back := func() {}
	if d.pods[h.pod].Spec.NodeName == n.Name && !n.IsCopy() {
		back = s.restoreDevices(d.devices[h.pod])
	}
	var allocated func()
	if (d.binds && d.pods[h.pod].Spec.NodeName == "") || s.unallocated(d.devices[h.pod]) {
		h.binding, allocated = s.reserve(d, h.pod, id, n)
	}
	s.placementsOf(d).add(h.pod, 1)
	s.countUsers(h, 1)
	s.pods[id] = append(s.pods[id], h)
	return func() {
		s.pods[id] = s.pods[id][:len(s.pods[id])-1]
		s.countUsers(h, -1)
		s.placementsOf(d).add(h.pod, -1)
		s.removeBinding(h.binding)
		if allocated != nil {
			allocated()
		}
		back()
	}
}

// countUsers counts the pod n times more as a user of its claims.
func (s *CycleState) countUsers(h placedPod, n int) {
	for _, claim := range h.demand.exclusive[h.pod] {
		s.users[claim] += n
	}
	for _, claim := range h.demand.devices[h.pod] {
		s.users[deviceUserKey(claim)] += n
	}
}

func deviceUserKey(claim types.NamespacedName) string { return "device " + claim.String() }

func (s *CycleState) removePod(d *demand, id scheduling.NodeID) (undo func()) {
	list := s.pods[id]
	at := -1
	for i, h := range list {
		if h.demand == d {
			at = i
		}
	}
	if at < 0 {
		return func() {}
	}
	h := list[at]
	s.pods[id] = slices.Delete(list, at, at+1)
	s.placementsOf(d).add(h.pod, -1)
	s.countUsers(h, -1)
	s.removeBinding(h.binding)
	freed := s.releaseDevices(h)
	return func() {
		freed()
		s.addBinding(h.binding)
		s.countUsers(h, 1)
		s.placementsOf(d).add(h.pod, 1)
		s.pods[id] = slices.Insert(s.pods[id], at, h)
	}
}
