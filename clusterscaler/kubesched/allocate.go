package kubesched

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// unmet is whether one of the claims has no devices.
func (s *Sitting) unmet(claims []types.NamespacedName) bool {
	return slices.ContainsFunc(claims, func(name types.NamespacedName) bool {
		c := s.claim(name)
		return c != nil && c.Status.Allocation == nil
	})
}

// claim is the device claim as the sitting has it; nil where there is none.
func (s *Sitting) claim(name types.NamespacedName) *resourcev1.ResourceClaim {
	if changed, is := s.changed[name]; is {
		return changed
	}
	return s.view.devices.byName[name]
}

// allocate gives the pod's claims the devices that the plugin has found on the node.
func (s *Sitting) allocate(claims []types.NamespacedName, pod *corev1.Pod, node string, state fwk.CycleState) (undo func()) {
	m := s.view.devices
	m.noted = nil
	if status := s.view.plugins.devices.Reserve(s.view.plugins.ctx, state, pod, node); !status.IsSuccess() {
		return nil
	}
	var changes []func()
	for _, c := range m.noted {
		if slices.Contains(claims, nameOf(c)) {
			changes = append(changes, s.change(c))
		}
	}
	return undoing(changes)
}

// free takes the devices of a pod that has left away from the claims that nobody else uses.
func (s *Sitting) free(h held) (undo func()) {
	var changes []func()
	for _, name := range h.demand.devices[h.pod] {
		c := s.claim(name)
		if c == nil || s.using[deviceKey(name)] > 0 {
			continue
		}
		if c.Status.Allocation != nil {
			c = c.DeepCopy()
			c.Status = resourcev1.ResourceClaimStatus{}
			changes = append(changes, s.change(c))
		}
	}
	return undoing(changes)
}

// giveBack lets a pod that comes to the node where it runs have the devices that it has there: it had only been told of again.
func (s *Sitting) giveBack(claims []types.NamespacedName) (undo func()) {
	var changes []func()
	for _, name := range claims {
		own, now := s.view.devices.byName[name], s.claim(name)
		if own != nil && own.Status.Allocation != nil && now.Status.Allocation == nil {
			changes = append(changes, s.change(own))
		}
	}
	return undoing(changes)
}

// change replaces a claim.
func (s *Sitting) change(c *resourcev1.ResourceClaim) (undo func()) {
	name := nameOf(c)
	now := s.claim(name)
	before, was := s.changed[name]
	s.changed[name] = c
	s.gained.add(c, 1)
	s.forgetTexts(now)
	s.forgetTexts(c)
	return func() {
		s.gained.add(c, -1)
		s.forgetTexts(now)
		s.forgetTexts(c)
		if was {
			s.changed[name] = before
		} else {
			delete(s.changed, name)
		}
	}
}

func undoing(changes []func()) func() {
	return func() {
		for _, undo := range slices.Backward(changes) {
			undo()
		}
	}
}
