package kubesched_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// large is 1,000 nodes in three zones with a volume limit, 3 pods with a bound volume on each, and 1,000 pods that wait
// for a node, with claims that wait for them.
func large() (*kube.Objects, []plan.Group, map[string]string) {
	o := &kube.Objects{Storage: &kubesched.Objects{StorageClasses: []*storagev1.StorageClass{storageClass("disks", true)}}}
	member := map[string]string{}
	var groups []plan.Group
	zones := []string{"a", "b", "c"}
	for _, zone := range zones {
		n := node("template-of-"+zone, zone)
		groups = append(groups, plan.Group{Belief: fleet.Belief{Name: zone, Max: 2000, Target: 334}, Template: scheduling.NodeOf(n), Capacity: scheduling.ResourcesOf(n.Status.Capacity)})
	}
	add := func(name, node, zone string) {
		p := pod(name, node, name)
		p.ResourceVersion = "1"
		o.Pods = append(o.Pods, p)
		volume := ""
		if node != "" {
			volume = "disk-" + name
		}
		c := claim(name, "disks", volume)
		c.ResourceVersion = "1"
		o.Storage.Claims = append(o.Storage.Claims, c)
		if node != "" {
			v := volumeOf(volume, "disks", zone, c)
			v.ResourceVersion = "1"
			o.Storage.Volumes = append(o.Storage.Volumes, v)
		}
	}
	for i := range 1000 {
		zone := zones[i%3]
		name := fmt.Sprintf("n-%04d", i)
		n := node(name, zone)
		n.ResourceVersion = "1"
		o.Nodes = append(o.Nodes, n)
		member[name] = zone
		csi := csiNode(name, 25)
		csi.ResourceVersion = "1"
		o.Storage.CSINodes = append(o.Storage.CSINodes, csi)
		for j := range 3 {
			add(fmt.Sprintf("db-%04d-%d", i, j), name, zone)
		}
		add(fmt.Sprintf("new-%04d", i), "", "")
	}
	o.Storage.StorageClasses[0].ResourceVersion = "1"
	return o, groups, member
}

// A loop in which nothing has changed, one after a change of a volume claim, and one from nothing.
func BenchmarkLoopWithVolumes(b *testing.B) {
	policy := plan.DefaultPolicy()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []string{"unchanged", "changed", "fresh"} {
		b.Run(c, func(b *testing.B) {
			o, groups, member := large()
			var translator kube.Translator
			var planner plan.Planner
			turn := 0
			loop := func() {
				if c == "fresh" {
					translator, planner = kube.Translator{}, plan.Planner{}
				}
				if c == "changed" {
					turn++
					claim := *o.Storage.Claims[turn%100]
					claim.ResourceVersion = fmt.Sprint(turn + 1)
					o.Storage.Claims = append([]*corev1.PersistentVolumeClaim(nil), o.Storage.Claims...)
					o.Storage.Claims[turn%100] = &claim
				}
				s := translator.Snapshot(&kube.Observation{Objects: o, Groups: groups, GroupOf: member})
				if p, _ := planner.Decide(s, plan.Memory{}, policy, now); len(p.Pending) != 1000 {
					b.Fatal(len(p.Pending))
				}
			}
			loop()
			for b.Loop() {
				loop()
			}
		})
	}
}
