package kubesched

import (
	"slices"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
)

// claimsByPool has the claims that have devices of each pool.
type claimsByPool map[pool]map[types.NamespacedName]int

func claimsByPoolOf(claims []*resourcev1.ResourceClaim) claimsByPool {
	h := claimsByPool{}
	for _, c := range claims {
		h.add(c, 1)
	}
	return h
}

// add counts the claim n times more.
func (h claimsByPool) add(c *resourcev1.ResourceClaim, n int) {
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

// eachAllocated visits the devices of the pool that claims have now.
func (s *CycleState) eachAllocated(p pool, yield func(*resourcev1.DeviceRequestAllocationResult)) {
	of := func(name types.NamespacedName) {
		a := s.claim(name).Status.Allocation
		for i := 0; a != nil && i < len(a.Devices.Results); i++ {
			if r := &a.Devices.Results[i]; r.Driver == p.driver && r.Pool == p.name {
				yield(r)
			}
		}
	}
	before := s.snapshot.devices.allocated[p]
	for name := range before {
		of(name)
	}
	for name := range s.gained[p] {
		if before[name] == 0 {
			of(name)
		}
	}
}

// takenText lists the devices of the pool that are taken. ok is false where parts of a device are taken.
func (s *CycleState) takenText(p pool) (text string, ok bool) {
	if known, is := s.takenTexts[p]; is {
		return known.text, known.ok
	}
	var names []string
	ok = true
	s.eachAllocated(p, func(r *resourcev1.DeviceRequestAllocationResult) {
		switch {
		case r.ShareID != nil || r.ConsumedCapacity != nil:
			ok = false
		case r.AdminAccess == nil || !*r.AdminAccess:
			names = append(names, r.Device)
		}
	})
	slices.Sort(names)
	text = strings.Join(names, ",")
	s.takenTexts[p] = takenText{text, ok}
	return text, ok
}

type takenText struct {
	text string
	ok   bool
}

// dropTexts drops the takenTexts of the pools of which the claim has devices.
func (s *CycleState) dropTexts(c *resourcev1.ResourceClaim) {
	if c == nil || c.Status.Allocation == nil {
		return
	}
	for i := range c.Status.Allocation.Devices.Results {
		r := &c.Status.Allocation.Devices.Results[i]
		delete(s.takenTexts, pool{r.Driver, r.Pool})
	}
}
