package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// spreadCluster has full nodes in two of three zones, and pods without a node of so many apps, all spread with a skew of 1
// over each of the keys.
func spreadCluster(nodes, pods, apps int, now time.Time, keys ...string) *Snapshot {
	s := &Snapshot{Classes: &scheduling.Classes{}}
	classes := make([]scheduling.Class, apps)
	for i := range classes {
		app := fmt.Sprintf("app-%d", i)
		spec := scheduling.Spec{
			Requests:  scheduling.Resources{MilliCPU: 900, Memory: 1 << 28, Pods: 1},
			Namespace: "default", Labels: map[string]string{"app": app},
		}
		for _, key := range keys {
			selector := scheduling.LabelSelector{All: []scheduling.Requirement{{Key: "app", Operator: scheduling.In, Values: []string{app}}}}
			spec.TopologySpread = append(spec.TopologySpread, scheduling.TopologySpreadConstraint{TopologyKey: key, MaxSkew: 1, MinDomains: 1, Pods: selector})
		}
		classes[i] = s.Classes.Intern(spec)
	}
	offer := scheduling.Resources{MilliCPU: 8000, Memory: 32 << 30, Pods: 110}
	for zone := range 3 {
		s.Groups = append(s.Groups, Group{Belief: fleet.Belief{Name: fmt.Sprintf("group-%d", zone), Max: nodes + pods}, Capacity: offer, Template: scheduling.Node{Name: "new", Labels: map[string]string{"zone": fmt.Sprint("zone-", zone)}, Allocatable: offer}})
	}
	for n := range nodes {
		g := &s.Groups[n%2]
		g.Target++
		name := fmt.Sprintf("node-%05d", n)
		node := &Node{Node: g.Template, Group: g.Name, Ready: true, Created: now.Add(-time.Hour)}
		node.Name, node.Labels = name, map[string]string{"zone": g.Template.Labels["zone"], "kubernetes.io/hostname": name}
		node.Allocatable.MilliCPU = 500
		s.Nodes = append(s.Nodes, node)
	}
	for i := range pods {
		s.Pods = append(s.Pods, &Pod{
			Name: fmt.Sprintf("default/p-%05d", i), Class: classes[i%apps], State: Pending, Owner: "ReplicaSet", Created: now.Add(-time.Minute),
		})
	}
	return s
}

// Pods that are spread over zones, one of which has no node yet, so that growth is planned anew; and over nodes too.
func BenchmarkSpread(b *testing.B) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		nodes, pods, apps int
		keys              []string
	}{
		{1000, 5000, 1, []string{"zone"}},
		{1000, 5000, 50, []string{"zone"}},
		{5000, 50000, 50, []string{"zone"}},
		{1000, 2000, 1, []string{"zone", "kubernetes.io/hostname"}},
		{1000, 5000, 50, []string{"zone", "kubernetes.io/hostname"}},
	} {
		b.Run(fmt.Sprintf("nodes=%d,pods=%d,apps=%d,keys=%d", c.nodes, c.pods, c.apps, len(c.keys)), func(b *testing.B) {
			s := spreadCluster(c.nodes, c.pods, c.apps, now, c.keys...)
			policy := DefaultPolicy()
			policy.MaxNodesPerScaleUp = c.pods
			b.ReportAllocs()
			for b.Loop() {
				p, _ := Decide(s, Memory{}, policy, now)
				helped := 0
				for _, up := range p.ScaleUp {
					helped += len(up.Pods)
				}
				if helped != c.pods {
					b.Fatalf("%d groups grow for %d pods", len(p.ScaleUp), helped)
				}
			}
		})
	}
}
