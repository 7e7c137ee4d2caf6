package kubesched_test

import (
	"fmt"
	"testing"
	"time"

	resourcev1 "k8s.io/api/resource/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// BenchmarkDevices plans from nothing for pods with a device claim each: 4,000 that have no node, in a group whose nodes have
// 8 devices; and 3,200 on 800 nodes, which 400 could hold.
func BenchmarkDevices(b *testing.B) {
	for _, c := range []struct {
		name             string
		nodes, each, new int
	}{{"scale-up", 1, 8, 4000}, {"scale-down", 800, 4, 0}} {
		b.Run(c.name, func(b *testing.B) {
			o := &kube.Objects{Storage: &kubesched.Objects{DeviceClasses: []*resourcev1.DeviceClass{deviceClass("gpu")}}}
			member := map[string]string{}
			add := func(name, node, device string) {
				p := gpuPod(name, node, name)
				p.Spec.Containers = nil
				o.Pods = append(o.Pods, p)
				o.Storage.DeviceClaims = append(o.Storage.DeviceClaims, deviceClaim(name, "gpu", node, device))
			}
			for i := range c.nodes {
				name := fmt.Sprintf("a-%03d", i)
				o.Nodes = append(o.Nodes, node(name, "a"))
				member[name] = "a"
				o.Storage.ResourceSlices = append(o.Storage.ResourceSlices, slice(name, 8))
				for j := range c.each {
					add(fmt.Sprintf("run-%03d-%d", i, j), name, fmt.Sprint("d", j))
				}
			}
			for i := range c.new {
				add(fmt.Sprintf("new-%04d", i), "", "")
			}
			n := node("template", "a")
			groups := []plan.Group{{Belief: fleet.Belief{Name: "a", Max: 2000, Target: c.nodes}, Template: scheduling.NodeOf(n), Capacity: scheduling.ResourcesOf(n.Status.Capacity)}}
			policy := plan.DefaultPolicy()
			policy.IgnoreTimers = true
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				var translator kube.Translator
				p, _ := plan.Decide(translator.Snapshot(&kube.Observation{Objects: o, Groups: groups, GroupOf: member}), plan.Memory{}, policy, now)
				up := 0
				for _, g := range p.ScaleUp {
					up += g.To - g.From
				}
				b.ReportMetric(float64(up), "up")
				b.ReportMetric(float64(len(p.Unneeded)), "unneeded")
			}
		})
	}
}
