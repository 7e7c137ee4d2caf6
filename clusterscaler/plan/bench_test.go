package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// 50,000 pending pods without a controller, 200m and 200 bytes each, on nodes of 10 cores and 10,000
// bytes: 1,000 new nodes. From a built snapshot to a plan with reasons.
func BenchmarkScaleUp1000Nodes(b *testing.B) {
	const pods, nodes = 50_000, 1_000
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &Snapshot{Classes: &scheduling.Classes{}}
	class := s.Classes.Intern(scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 200, Memory: 200, Pods: 1}})
	for i := range pods {
		s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/p-%05d", i), Class: class, State: Pending, Created: now.Add(-time.Minute)})
	}
	offer := scheduling.Resources{MilliCPU: 10_000, Memory: 10_000, Pods: 110}
	s.Groups = []Group{{Belief: fleet.Belief{Name: "g", Max: 2 * nodes}, Template: scheduling.Node{Name: "t", Allocatable: offer}, Capacity: offer}}
	b.ReportAllocs()
	for b.Loop() {
		p, _ := Decide(s, Memory{}, DefaultPolicy(), now)
		if len(p.ScaleUp) != 1 || p.ScaleUp[0].To != nodes || len(p.Pending) != pods {
			b.Fatalf("planned %+v", p.ScaleUp[0].To)
		}
	}
}

// 2,000 nodes at 40% with 40 pods each; 1,200 go and the others take their pods.
func BenchmarkScaleDown2000Nodes(b *testing.B) {
	const nodes, each = 2_000, 40
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &Snapshot{Classes: &scheduling.Classes{}}
	class := s.Classes.Intern(scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 100, Memory: 100, Pods: 1}})
	offer := scheduling.Resources{MilliCPU: 10_000, Memory: 10_000, Pods: 110}
	for n := range nodes {
		name := fmt.Sprintf("n-%04d", n)
		s.Nodes = append(s.Nodes, &Node{Node: scheduling.Node{Name: name, Allocatable: offer}, Group: "g", Ready: true})
		for i := range each {
			s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/%s-%02d", name, i), Class: class, Node: name, Owner: "ReplicaSet"})
		}
	}
	s.Groups = []Group{{Belief: fleet.Belief{Name: "g", Max: nodes, Target: nodes}, Template: scheduling.Node{Name: "t", Allocatable: offer}, Capacity: offer}}
	policy := DefaultPolicy()
	policy.IgnoreTimers = true
	b.ReportAllocs()
	for b.Loop() {
		p, _ := Decide(s, Memory{}, policy, now)
		if len(p.ScaleDown) != 1_200 {
			b.Fatalf("removed %d", len(p.ScaleDown))
		}
	}
}
