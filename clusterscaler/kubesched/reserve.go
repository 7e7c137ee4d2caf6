package kubesched

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// binding is what VolumeBinding would do for a pod: bind its claims to free volumes, or have volumes made for its node.
type binding struct {
	pod   *corev1.Pod
	node  string
	found *volumebinding.PodVolumes
	// assumed is what the plugin has assumed of it; nil while it has not.
	assumed *volumebinding.PodVolumes
}

// reserve gives the pod the free volumes and the devices that kube-scheduler would give it, if it fits.
func (s *CycleState) reserve(d *demand, at int, id scheduling.NodeID, n *scheduling.Node) (*binding, func()) {
	snap := s.snapshot
	p := snap.factsOf(n)
	pod, name := d.pods[at], s.nameOf(id, p)
	key, pools, cacheable := s.deviceCacheKey(d, at, name, p)
	if e := snap.deviceCache[key]; cacheable && e != nil && (e.refusal.Plugin != "" || e.allocation != nil) {
		if e.refusal.Plugin != "" {
			return nil, nil
		}
		c := s.claim(d.devices[at][0]).DeepCopy()
		c.Status.Allocation = e.on(name, pools)
		return nil, s.changeClaim(c)
	}
	r, state := s.filterWithPods(d, at, id, p)
	if r.Plugin != "" || state == nil {
		return nil, nil
	}
	var undo func()
	if len(d.devices[at]) > 0 {
		undo = s.allocateDevices(d.devices[at], pod, name, state)
	}
	if cacheable && len(d.devices[at]) == 1 && undo != nil {
		snap.cacheDevices(key, &deviceCacheEntry{allocation: s.claim(d.devices[at][0]).Status.Allocation, pools: pools, node: name})
	}
	if !d.binds {
		return nil, undo
	}
	claims, err := snap.plugins.binding.Binder.GetPodVolumeClaims(snap.plugins.logger, pod)
	if err != nil {
		return nil, undo
	}
	named := p.node.DeepCopy()
	named.Name = name
	found, reasons, err := snap.plugins.binding.Binder.FindPodVolumes(snap.plugins.logger, pod, claims, named)
	if err != nil || len(reasons) > 0 || len(found.StaticBindings)+len(found.DynamicProvisions) == 0 {
		return nil, undo
	}
	b := &binding{pod: pod, node: name, found: found}
	s.addBinding(b)
	return b, undo
}

// addBinding keeps a binding; the plugin assumes it.
func (s *CycleState) addBinding(b *binding) {
	if b == nil {
		return
	}
	s.bindings = append(s.bindings, b)
	if s.snapshot.active == s {
		s.snapshot.assume(b)
	}
}

// removeBinding drops a binding; the plugin forgets it.
func (s *CycleState) removeBinding(b *binding) {
	if b == nil {
		return
	}
	s.bindings = slices.DeleteFunc(s.bindings, func(other *binding) bool { return other == b })
	wasAssumed := b.assumed != nil
	s.snapshot.forget(b)
	if wasAssumed && len(b.found.DynamicProvisions) > 0 { // the plugin has also forgotten claims that the pod shares with others
		for _, other := range s.bindings {
			s.snapshot.assume(other)
		}
	}
}

// activate shows the plugins the bindings and device claims of this CycleState, and of no other.
func (snap *Snapshot) activate(s *CycleState) {
	if s == snap.active {
		return
	}
	if snap.active != nil {
		for _, b := range snap.active.bindings {
			snap.forget(b)
		}
	}
	snap.active = s
	if s == nil {
		return
	}
	for _, b := range s.bindings {
		snap.assume(b)
	}
	snap.devices.state = s
}

func (snap *Snapshot) assume(b *binding) {
	again := *b.found // the plugin changes it
	b.assumed = &again
	if _, err := snap.plugins.binding.Binder.AssumePodVolumes(snap.plugins.logger, b.pod, b.node, b.assumed); err != nil {
		b.assumed = nil
	}
}

func (snap *Snapshot) forget(b *binding) {
	if b.assumed != nil {
		snap.plugins.binding.Binder.RevertAssumedPodVolumes(b.assumed)
		b.assumed = nil
	}
}
