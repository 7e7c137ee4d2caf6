package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// largeCluster has 5,000 nodes in 3 zones and 50 groups, 150,000 pods on them, and 5,000 that have no node. All are
// of 200 deployments, spread over the zones with a skew of 1 and never two of one on a node. scale makes it larger.
func largeCluster(scale float64, now time.Time) *Snapshot {
	const deployments, groups, each = 200, 50, 30
	nodes := int(5000 * scale)
	s := &Snapshot{Classes: &scheduling.Classes{}}
	classes := make([]scheduling.Class, deployments)
	for i := range classes {
		app := fmt.Sprintf("app-%03d", i)
		selector := scheduling.LabelSelector{All: []scheduling.Requirement{{Key: "app", Operator: scheduling.In, Values: []string{app}}}}
		classes[i] = s.Classes.Intern(scheduling.Spec{
			Requests:  scheduling.Resources{MilliCPU: int64(200 + 10*(i%20)), Memory: int64(1+i%4) << 28, Pods: 1},
			Namespace: "default", Labels: map[string]string{"app": app},
			TopologySpread:  []scheduling.TopologySpreadConstraint{{TopologyKey: "zone", MaxSkew: 1, MinDomains: 1, Pods: selector}},
			PodAntiAffinity: []scheduling.PodAffinityTerm{{TopologyKey: "kubernetes.io/hostname", Pods: scheduling.PodSelector{Namespaces: []string{"default"}, Labels: selector}}},
		})
	}
	for g := range groups {
		cores := int64(8 << (g / 3 % 3))
		offer := scheduling.Resources{MilliCPU: cores * 1000, Memory: cores << 32, Pods: 110}
		s.Groups = append(s.Groups, Group{Belief: fleet.Belief{Name: fmt.Sprintf("group-%02d", g), Max: nodes}, Capacity: offer, Template: scheduling.Node{Name: "new", Labels: map[string]string{"zone": fmt.Sprint("zone-", g%3)}, Allocatable: offer}})
	}
	for n := range nodes {
		g := &s.Groups[n%3+3*(n/3%16)] // the last two have none
		g.Target++
		name := fmt.Sprintf("node-%05d", n)
		node := &Node{Node: g.Template, Group: g.Name, Ready: true, Created: now.Add(-time.Hour)}
		node.Name, node.Labels = name, map[string]string{"zone": g.Template.Labels["zone"], "kubernetes.io/hostname": name}
		node.Allocatable.MilliCPU, node.Allocatable.Memory = 100, 64<<30 // too little for one pod more
		for i := range each {
			class := classes[(n/3*7+i)%deployments] // equally many in each zone
			node.Allocatable.MilliCPU += s.Classes.Spec(class).Requests.MilliCPU
			s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/p-%05d-%02d", n, i), Class: class, Node: name, Owner: "ReplicaSet", Created: now.Add(-time.Hour)})
		}
		s.Nodes = append(s.Nodes, node)
	}
	for i := range int(5000 * scale) {
		s.Pods = append(s.Pods, &Pod{
			Name: fmt.Sprintf("default/q-%05d", i), Class: classes[i%deployments], State: Pending, Owner: "ReplicaSet", Created: now.Add(-time.Minute),
		})
	}
	return s
}

// The first loop over such clusters, from a built snapshot to a plan with reasons: time must not grow faster than the
// cluster.
func BenchmarkLargeCluster(b *testing.B) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, scale := range []float64{0.2, 1, 3} {
		b.Run(fmt.Sprintf("nodes=%d", int(5000*scale)), func(b *testing.B) {
			s := largeCluster(scale, now)
			b.ReportAllocs()
			for b.Loop() {
				p, _ := Decide(s, Memory{}, DefaultPolicy(), now)
				helped := 0
				for _, up := range p.ScaleUp {
					helped += len(up.Pods)
				}
				if want := int(5000 * scale); helped != want {
					b.Fatalf("%d groups grow for %d pods, want %d", len(p.ScaleUp), helped, want)
				}
			}
		})
	}
}

// The loop after one that has requested nodes for 5,000 pods, which have not come yet, when one other pod has changed.
func BenchmarkNextLoop(b *testing.B) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := largeCluster(1, now)
	slices.SortFunc(s.Pods, byPodName)
	var planner Planner
	first, memory := planner.Decide(s, Memory{}, DefaultPolicy(), now)
	s = carriedOut(s, &first)
	for _, up := range first.ScaleUp {
		memory = memory.ScaledUp(up.Group, now)
	}
	changed := *s
	changed.Pods = slices.Clone(s.Pods)
	pod := *s.Pods[77_777]
	pod.Priority++
	changed.Pods[77_777] = &pod
	both := []*Snapshot{&changed, s}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		p, m := planner.Decide(both[i%2], memory, DefaultPolicy(), now.Add(10*time.Second))
		if len(p.Pending) != 5000 || len(p.ScaleUp) > 0 {
			b.Fatalf("%d pods are pending, %d groups grow", len(p.Pending), len(p.ScaleUp))
		}
		memory = m
		i++
	}
}

// Loops in which every pod without a node has changed, as when the scheduler has tried them all: time must not grow faster
// than their number.
func BenchmarkWaitingPodsChange(b *testing.B) {
	for _, pods := range []int{10_000, 50_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			both := make([]*Snapshot, 2)
			classes := &scheduling.Classes{}
			class := classes.Intern(scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 200, Memory: 200, Pods: 1}})
			for i := range both {
				both[i] = &Snapshot{Classes: classes}
				for n := range pods {
					both[i].Pods = append(both[i].Pods, &Pod{Name: fmt.Sprintf("default/p-%05d", n), Class: class, State: Unseen})
				}
			}
			var planner Planner
			planner.Decide(both[0], Memory{}, DefaultPolicy(), now)
			i := 1
			b.ReportAllocs()
			for b.Loop() {
				if p, _ := planner.Decide(both[i%2], Memory{}, DefaultPolicy(), now); len(p.Pending) != pods {
					b.Fatalf("%d pods are pending", len(p.Pending))
				}
				i++
			}
		})
	}
}

// Small pods for which a cheap group grows first, and large ones for which another grows that has room for them all: every
// node of the first is dropped from the plan again, and time must not grow faster than the pods.
func BenchmarkDropNeedless(b *testing.B) {
	for _, pods := range []int{5_000, 20_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			s := &Snapshot{Classes: &scheduling.Classes{}}
			small := s.Classes.Intern(scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 10, Memory: 10, Pods: 1}})
			large := s.Classes.Intern(scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 6_000, Memory: 1_000, Pods: 1}})
			for i := range pods {
				s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/a-%05d", i), Class: small, State: Pending})
				if i%50 == 0 {
					s.Pods = append(s.Pods, &Pod{Name: fmt.Sprintf("default/b-%05d", i), Class: large, State: Pending})
				}
			}
			for i, offer := range []scheduling.Resources{{MilliCPU: 1_200, Memory: 1_200, Pods: 50}, {MilliCPU: 10_000, Memory: 10_000, Pods: 110}} {
				s.Groups = append(s.Groups, Group{Belief: fleet.Belief{Name: fmt.Sprintf("group-%d", i), Max: pods, Price: 0.001 + 100*float64(i)}, Template: scheduling.Node{Name: "new", Allocatable: offer}, Capacity: offer})
			}
			policy := DefaultPolicy()
			policy.Expanders = []Expander{Price}
			b.ReportAllocs()
			for b.Loop() {
				p, _ := Decide(s, Memory{}, policy, now)
				if len(p.ScaleUp) != 1 || p.ScaleUp[0].Group != "group-1" || len(p.ScaleUp[0].Pods) != len(s.Pods) {
					b.Fatalf("planned %d increases", len(p.ScaleUp))
				}
			}
		})
	}
}
