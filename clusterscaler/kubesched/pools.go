package kubesched

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Devices implements scheduling.CycleState. A node's own pools are those of which it has slices, and what the claims of its pods
// have is taken.
func (s *CycleState) Devices(id scheduling.NodeID, n *scheduling.Node) scheduling.DeviceUse {
	snap := s.snapshot
	pools := snap.slices.byNode[n.Name]
	if len(pools) == 0 || n.IsCopy() {
		return scheduling.DeviceUse{}
	}
	snap.mu.Lock()
	defer snap.mu.Unlock()
	fullest := scheduling.DeviceUse{Share: -1}
	taken, unmet := s.takenOn(id)
	for _, p := range pools {
		name := p.driver + "/" + p.name
		if unmet > 0 {
			return scheduling.DeviceUse{Pool: name, Unknown: fmt.Sprintf("claims of its pods without devices: %d", unmet)}
		}
		current, missing := newest(snap.slices.ownSlices(p, n.Name))
		if missing != "" {
			return scheduling.DeviceUse{Pool: name, Unknown: fmt.Sprintf("pool %s %s", name, missing)}
		}
		if share := poolShare(current, taken[p]); share > fullest.Share {
			fullest = scheduling.DeviceUse{Pool: name, Share: share}
		}
	}
	return fullest
}

// takenOn are the devices that claims of the pods on the node have, by pool, and how many of these claims have none.
// Access for administration takes nothing.
func (s *CycleState) takenOn(id scheduling.NodeID) (taken map[pool]map[string]bool, unmet int) {
	taken = map[pool]map[string]bool{}
	seen := map[types.NamespacedName]bool{}
	for _, h := range s.pods[id] {
		for _, name := range h.demand.devices[h.pod] {
			c := s.claim(name)
			if c == nil || seen[name] {
				continue
			}
			seen[name] = true
			if c.Status.Allocation == nil {
				unmet++
				continue
			}
			for i := range c.Status.Allocation.Devices.Results {
				r := &c.Status.Allocation.Devices.Results[i]
				if r.AdminAccess != nil && *r.AdminAccess {
					continue
				}
				p := pool{r.Driver, r.Pool}
				if taken[p] == nil {
					taken[p] = map[string]bool{}
				}
				taken[p][r.Device] = true
			}
		}
	}
	return taken, unmet
}

// ownSlices are the slices of the pool that are the node's own.
func (x *sliceIndex) ownSlices(p pool, node string) (own []*resourcev1.ResourceSlice) {
	for _, s := range x.byPool[p] {
		if s.Spec.NodeName != nil && *s.Spec.NodeName == node {
			own = append(own, s)
		}
	}
	return own
}

// newest are the slices of the pool's newest generation. missing says that the driver has not published all of them yet.
func newest(all []*resourcev1.ResourceSlice) (current []*resourcev1.ResourceSlice, missing string) {
	last := slices.MaxFunc(all, func(a, b *resourcev1.ResourceSlice) int {
		return cmp.Compare(a.Spec.Pool.Generation, b.Spec.Pool.Generation)
	}).Spec.Pool
	for _, s := range all {
		if s.Spec.Pool.Generation == last.Generation {
			current = append(current, s)
		}
	}
	if int64(len(current)) != last.ResourceSliceCount {
		return nil, fmt.Sprintf("shows %d of %d slices of its generation %d", len(current), last.ResourceSliceCount, last.Generation)
	}
	return current, ""
}

// poolShare is what share of the pool is taken, as in cluster-autoscaler. Whole devices are counted. Of a counter set, from which
// partitions of a device consume, the share of its scarcest counter is taken. Where both kinds are in use the mean over all
// devices and counter sets counts, else only the kind that is in use.
func poolShare(pool []*resourcev1.ResourceSlice, taken map[string]bool) float64 {
	whole, wholeTaken, partsTaken := 0, 0, 0
	sets := map[string]bool{}
	drawn := counters{}
	for _, s := range pool {
		for i := range s.Spec.Devices {
			d := &s.Spec.Devices[i]
			if len(d.ConsumesCounters) == 0 {
				whole++
				if taken[d.Name] {
					wholeTaken++
				}
				continue
			}
			if taken[d.Name] {
				partsTaken++
			}
			for _, c := range d.ConsumesCounters {
				sets[c.CounterSet] = true
				if taken[d.Name] {
					drawn.add(c.CounterSet, c.Counters)
				}
			}
		}
	}
	byCount := 0.0
	if whole > 0 {
		byCount = float64(wholeTaken) / float64(whole)
	}
	if partsTaken == 0 {
		return byCount
	}
	byParts := 0.0
	for set, share := range drawn.shares(pool) {
		if sets[set] {
			byParts += share / float64(len(sets))
		}
	}
	if wholeTaken == 0 {
		return byParts
	}
	return (byParts*float64(len(sets)) + byCount*float64(whole)) / float64(len(sets)+whole)
}

// counters are amounts by counter set and counter.
type counters map[string]map[string]float64

func (c counters) add(set string, amounts map[string]resourcev1.Counter) {
	if c[set] == nil {
		c[set] = map[string]float64{}
	}
	for name, amount := range amounts {
		c[set][name] += amount.Value.AsApproximateFloat64()
	}
}

// shares has for each counter set the share of its scarcest counter.
func (c counters) shares(pool []*resourcev1.ResourceSlice) map[string]float64 {
	has := counters{}
	for _, s := range pool {
		for i := range s.Spec.SharedCounters {
			has.add(s.Spec.SharedCounters[i].Name, s.Spec.SharedCounters[i].Counters)
		}
	}
	out := map[string]float64{}
	for set, drawn := range c {
		for _, name := range slices.Sorted(maps.Keys(drawn)) {
			if of := has[set][name]; of > 0 {
				out[set] = max(out[set], drawn[name]/of)
			}
		}
	}
	return out
}
