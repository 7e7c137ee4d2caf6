package plan

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Of mixed pods on nodes of one group no more nodes are requested than first-fit-decreasing needs, and hardly more
// than there must be: the sum of the requests over what a node has, of that resource of which it is most.
func TestPackingQuality(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	nodes, bound := 0, 0
	for i := range 200 {
		s := &Snapshot{Classes: &scheduling.Classes{}}
		offer := scheduling.Resources{MilliCPU: 7910, Memory: 29 << 30, Pods: 58}
		s.Groups = []Group{{Belief: fleet.Belief{Name: "g", Max: 1000}, Capacity: offer, Template: scheduling.Node{Name: "new", Allocatable: offer}}}
		var requests []scheduling.Resources
		for c := range 3 + r.IntN(15) {
			request := scheduling.Resources{MilliCPU: 50 * (1 + r.Int64N(60)), Memory: (1 + r.Int64N(48)) << 28, Pods: 1}
			class := s.Classes.Intern(scheduling.Spec{Requests: request})
			for j := range 1 + r.IntN(40) {
				s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/%02d-%02d", c, j), Class: class, State: Pending, Created: now.Add(-time.Minute)})
				requests = append(requests, request)
			}
		}
		p, _ := Decide(s, Memory{}, DefaultPolicy(), now)
		got := p.ScaleUp[0].To
		if len(p.ScaleUp) != 1 || len(p.ScaleUp[0].Pods) != len(requests) {
			t.Fatalf("case %d: %+v", i, p.ScaleUp)
		}
		if most := firstFitDecreasing(requests, offer); got > most {
			t.Errorf("case %d: %d nodes, first-fit-decreasing needs %d", i, got, most)
		}
		nodes += got
		bound += lowerBound(requests, offer)
	}
	excess := float64(nodes)/float64(bound) - 1
	t.Logf("%d nodes, there must be %d: %.1f%% more", nodes, bound, 100*excess)
	if excess > 0.10 {
		t.Errorf("%d nodes are %.1f%% more than the %d that there must be", nodes, 100*excess, bound)
	}
}

// firstFitDecreasing places one pod after another, the largest first, on the first node with room.
func firstFitDecreasing(requests []scheduling.Resources, offer scheduling.Resources) int {
	share := func(r scheduling.Resources) float64 {
		return ratio(r.MilliCPU, offer.MilliCPU) + ratio(r.Memory, offer.Memory)
	}
	slices.SortStableFunc(requests, func(a, b scheduling.Resources) int { return cmp.Compare(share(b), share(a)) })
	var free []scheduling.Resources
	for _, r := range requests {
		i := slices.IndexFunc(free, func(f scheduling.Resources) bool {
			return f.MilliCPU >= r.MilliCPU && f.Memory >= r.Memory && f.Pods >= 1
		})
		if i < 0 {
			i = len(free)
			free = append(free, offer)
		}
		free[i] = free[i].Plus(r, -1)
	}
	return len(free)
}

func lowerBound(requests []scheduling.Resources, offer scheduling.Resources) int {
	var sum scheduling.Resources
	for _, r := range requests {
		sum = sum.Plus(r, 1)
	}
	up := func(a, b int64) int64 { return (a + b - 1) / b }
	return int(max(up(sum.MilliCPU, offer.MilliCPU), up(sum.Memory, offer.Memory), up(sum.Pods, offer.Pods)))
}
