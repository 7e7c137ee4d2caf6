package kubesched

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// unallocated is whether one of the claims has no devices.
func (s *CycleState) unallocated(claims []types.NamespacedName) bool {
	return slices.ContainsFunc(claims, func(name types.NamespacedName) bool {
		c := s.claim(name)
		return c != nil && c.Status.Allocation == nil
	})
}

// claim is the device claim as it is now; nil where there is none.
func (s *CycleState) claim(name types.NamespacedName) *resourcev1.ResourceClaim {
	if changed, is := s.changed[name]; is {
		return changed
	}
	return s.snapshot.devices.byName[name]
}

// allocateDevices gives the pod's claims the devices that the plugin has found on the node.
func (s *CycleState) allocateDevices(claims []types.NamespacedName, pod *corev1.Pod, node string, state fwk.CycleState) (undo func()) {
	m := s.snapshot.devices
	m.pending = nil // Reserve fills it
	if status := s.snapshot.plugins.devices.Reserve(s.snapshot.plugins.ctx, state, pod, node); !status.IsSuccess() {
		return nil
	}
	var changes []func()
	for _, c := range m.pending {
		if slices.Contains(claims, nameOf(c)) {
			changes = append(changes, s.changeClaim(c))
		}
	}
	return undoAll(changes)
}

// releaseDevices takes the devices from those claims of a pod that no other pod uses.
func (s *CycleState) releaseDevices(h placedPod) (undo func()) {
	var changes []func()
	for _, name := range h.demand.devices[h.pod] {
		c := s.claim(name)
		if c == nil || s.users[deviceUserKey(name)] > 0 {
			continue
		}
		if c.Status.Allocation != nil {
			c = c.DeepCopy()
			c.Status = resourcev1.ResourceClaimStatus{}
			changes = append(changes, s.changeClaim(c))
		}
	}
	return undoAll(changes)
}

// restoreDevices gives a running pod, which comes back to its own node, the devices that it has there.
func (s *CycleState) restoreDevices(claims []types.NamespacedName) (undo func()) {
	var changes []func()
	for _, name := range claims {
		own, now := s.snapshot.devices.byName[name], s.claim(name)
		if own != nil && own.Status.Allocation != nil && now.Status.Allocation == nil {
			changes = append(changes, s.changeClaim(own))
		}
	}
	return undoAll(changes)
}

// changeClaim replaces a claim.
func (s *CycleState) changeClaim(c *resourcev1.ResourceClaim) (undo func()) {
	name := nameOf(c)
	now := s.claim(name)
	before, was := s.changed[name]
	s.changed[name] = c
	s.gained.add(c, 1)
	s.dropTexts(now)
	s.dropTexts(c)
	return func() {
		s.gained.add(c, -1)
		s.dropTexts(now)
		s.dropTexts(c)
		if was {
			s.changed[name] = before
		} else {
			delete(s.changed, name)
		}
	}
}

func undoAll(changes []func()) func() {
	return func() {
		for _, undo := range slices.Backward(changes) {
			undo()
		}
	}
}
