package kubesched

import (
	"slices"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
)

// holders has the claims that have devices of a pool.
type holders map[pool]map[types.NamespacedName]int

func holdersOf(claims []*resourcev1.ResourceClaim) holders {
	h := holders{}
	for _, c := range claims {
		h.add(c, 1)
	}
	return h
}

// add counts the claim n times more.
func (h holders) add(c *resourcev1.ResourceClaim, n int) {
	if c.Status.Allocation == nil {
		return
	}
	name := nameOf(c)
	for i := range c.Status.Allocation.Devices.Results {
		r := &c.Status.Allocation.Devices.Results[i]
		p := pool{r.Driver, r.Pool}
		if h[p] == nil {
			h[p] = map[types.NamespacedName]int{}
		}
		if h[p][name] += n; h[p][name] == 0 {
			delete(h[p], name)
		}
	}
}

// heldOf are the devices of the pool that claims have now.
func (s *Sitting) heldOf(p pool, yield func(*resourcev1.DeviceRequestAllocationResult)) {
	of := func(name types.NamespacedName) {
		a := s.claim(name).Status.Allocation
		for i := 0; a != nil && i < len(a.Devices.Results); i++ {
			if r := &a.Devices.Results[i]; r.Driver == p.driver && r.Pool == p.name {
				yield(r)
			}
		}
	}
	had := s.view.devices.had[p]
	for name := range had {
		of(name)
	}
	for name := range s.gained[p] {
		if had[name] == 0 {
			of(name)
		}
	}
}

// takenText lists the devices that are taken of the pool. Shares of devices have no such text.
func (s *Sitting) takenText(p pool) (text string, ok bool) {
	if known, is := s.texts[p]; is {
		return known.text, known.ok
	}
	var names []string
	ok = true
	s.heldOf(p, func(r *resourcev1.DeviceRequestAllocationResult) {
		switch {
		case r.ShareID != nil || r.ConsumedCapacity != nil:
			ok = false
		case r.AdminAccess == nil || !*r.AdminAccess:
			names = append(names, r.Device)
		}
	})
	slices.Sort(names)
	text = strings.Join(names, ",")
	s.texts[p] = takenText{text, ok}
	return text, ok
}

type takenText struct {
	text string
	ok   bool
}

// forgetTexts makes the pools of which the claim has devices be read again.
func (s *Sitting) forgetTexts(c *resourcev1.ResourceClaim) {
	if c == nil || c.Status.Allocation == nil {
		return
	}
	for i := range c.Status.Allocation.Devices.Results {
		r := &c.Status.Allocation.Devices.Results[i]
		delete(s.texts, pool{r.Driver, r.Pool})
	}
}
