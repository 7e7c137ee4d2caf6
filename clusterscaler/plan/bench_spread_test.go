package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

func spreadPods(nodes, pods, classes int, key string, now time.Time) *Snapshot {
	s := &Snapshot{Classes: &simulate.Classes{}}
	var cs []simulate.Class
	for c := range classes {
		app := fmt.Sprintf("app-%d", c)
		selector := simulate.LabelSelector{All: []simulate.Requirement{{Key: "app", Operator: simulate.In, Values: []string{app}}}}
		spread := []simulate.Spread{{TopologyKey: "zone", MaxSkew: 1, MinDomains: 1, Pods: selector}}
		if key != "" {
			spread = append(spread, simulate.Spread{TopologyKey: key, MaxSkew: 1, MinDomains: 1, Pods: selector})
		}
		cs = append(cs, s.Classes.Intern(simulate.Spec{
			Requests:  simulate.Resources{MilliCPU: 900, Memory: 1 << 28, Pods: 1},
			Namespace: "default", Labels: map[string]string{"app": app}, Spread: spread,
		}))
	}
	offer := simulate.Resources{MilliCPU: 8000, Memory: 32 << 30, Pods: 110}
	for g := range 3 {
		s.Groups = append(s.Groups, Group{
			Name: fmt.Sprintf("group-%02d", g), Max: 100000, Capacity: offer,
			Template: simulate.Node{Name: "new", Labels: map[string]string{"zone": fmt.Sprint("zone-", g)}, Allocatable: offer},
		})
	}
	for n := range nodes {
		g := &s.Groups[n%2] // the third zone is empty
		g.Target++
		name := fmt.Sprintf("node-%05d", n)
		node := &Node{Node: g.Template, Group: g.Name, Ready: true, Created: now.Add(-time.Hour)}
		node.Name, node.Labels = name, map[string]string{"zone": g.Template.Labels["zone"], "kubernetes.io/hostname": name}
		node.Allocatable.MilliCPU = 500
		s.Nodes = append(s.Nodes, node)
	}
	for i := range pods {
		s.Pods = append(s.Pods, &Pod{
			Name: fmt.Sprintf("default/q-%05d", i), Class: cs[i%classes], State: Pending, Owner: "ReplicaSet", Created: now.Add(-time.Minute),
		})
	}
	return s
}

const maxUp = 1000

func BenchmarkSpread(b *testing.B) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		nodes, pods, classes int
		key                  string
	}{{1000, 5000, 1, "kubernetes.io/hostname"}, {5000, 5000, 1, "kubernetes.io/hostname"}, {5000, 5000, 200, "kubernetes.io/hostname"}} {
		for _, balance := range []bool{false, true} {
			b.Run(fmt.Sprintf("nodes=%d/pods=%d/classes=%d/%s/balance=%v", c.nodes, c.pods, c.classes, c.key, balance), func(b *testing.B) {
				s := spreadPods(c.nodes, c.pods, c.classes, c.key, now)
				p := DefaultPolicy()
				p.MaxNodesPerScaleUp = maxUp
				p.BalanceSimilar = balance
				b.ReportAllocs()
				for b.Loop() {
					plan, _ := Decide(s, Memory{}, p, now)
					helped, grown := 0, 0
					for _, up := range plan.ScaleUp {
						helped += len(up.Pods)
						grown += up.To - up.From
					}
					b.ReportMetric(float64(helped), "helped")
					b.ReportMetric(float64(grown), "grown")
				}
			})
		}
	}
}
