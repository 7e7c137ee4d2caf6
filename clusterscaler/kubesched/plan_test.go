package kubesched_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// scenario is a cluster with a group in each of the zones a and b, of which nodes may stand: "a-1" is one of group a.
type scenario struct {
	nodes []string
	// going is the one of them that is being removed.
	going string
	// young is the one of them that has just come.
	young string
	// offering is the one of them that offers GPUs itself, by a device plugin.
	offering string
	pods     []*corev1.Pod
	storage  kubesched.Objects
}

func (s *scenario) decide(t *testing.T) *plan.Plan {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	objects := &kube.Objects{Pods: s.pods, Storage: &s.storage, ExpendableBelow: plan.DefaultPolicy().ExpendablePodsPriorityCutoff}
	member, size := map[string]string{}, map[string]int{}
	for _, name := range s.nodes {
		zone, _, _ := strings.Cut(name, "-")
		n := node(name, zone)
		if name == s.going {
			n.Spec.Taints = []corev1.Taint{{Key: "ToBeDeletedByClusterAutoscaler", Effect: corev1.TaintEffectNoSchedule}}
		}
		if name == s.young {
			n.CreationTimestamp = metav1.Time{Time: now.Add(-time.Minute)}
		}
		if name == s.offering {
			n.Status.Allocatable["example.com/gpu"] = resource.MustParse("1")
		}
		objects.Nodes = append(objects.Nodes, n)
		member[name] = zone
		size[zone]++
	}
	var groups []plan.Group
	for _, zone := range []string{"a", "b"} {
		n := node("template-of-"+zone, zone)
		groups = append(groups, plan.Group{Belief: fleet.Belief{Name: zone, Max: 5, Target: size[zone]}, Template: scheduling.NodeOf(n), Capacity: scheduling.ResourcesOf(n.Status.Capacity)})
	}
	policy := plan.DefaultPolicy()
	policy.IgnoreTimers = true
	var translator kube.Translator
	snapshot := translator.Snapshot(&kube.Observation{Objects: objects, Groups: groups, GroupOf: member})
	if err := translator.Trouble(); err != nil {
		t.Fatal(err)
	}
	p, _ := plan.Decide(snapshot, plan.Memory{}, policy, now)
	return &p
}

// summary says what is done, and why not the rest.
func summary(p *plan.Plan) string {
	var b strings.Builder
	for _, up := range p.ScaleUp {
		fmt.Fprintf(&b, "grow %s by %d for %s\n", up.Group, up.To-up.From, strings.Join(up.Pods, " "))
	}
	for _, pending := range p.Pending {
		if pending.Group == "" {
			fmt.Fprintf(&b, "%s: %s\n", pending.Pod, pending.Verdict.Message())
		}
	}
	for _, down := range p.ScaleDown {
		fmt.Fprintf(&b, "remove %s:", down.Node)
		for _, m := range down.Moves {
			fmt.Fprintf(&b, " %s to %s", m.Pod, m.To)
		}
		b.WriteString("\n")
	}
	for _, n := range p.Nodes {
		if n.Verdict.Code == plan.NoPlaceToMovePods || n.Verdict.Code == plan.ConstraintNotModelled {
			fmt.Fprintf(&b, "keep %s: %s\n", n.Node, n.Verdict.Message())
		}
	}
	return b.String()
}

// busyPods are so many that their nodes are used too much to go.
func busyPods(nodes ...string) (pods []*corev1.Pod) {
	for _, n := range nodes {
		for i := range 3 {
			pods = append(pods, pod(fmt.Sprintf("web-%s-%d", n, i), n))
		}
	}
	return pods
}

// In each line the plan for a cluster with volumes.
func TestPlansWithVolumes(t *testing.T) {
	t.Parallel()
	waits := []*storagev1.StorageClass{storageClass("disks", true)}
	inB := claim("data", "disks", "disk-b")
	diskB := volumeOf("disk-b", "disks", "b", inB)
	many := func(n int, node string) (pods []*corev1.Pod, claims []*corev1.PersistentVolumeClaim) {
		for i := range n {
			name := fmt.Sprintf("db-%d", i)
			pods = append(pods, pod(name, node, name))
			claims = append(claims, claim(name, "disks", ""))
		}
		return pods, claims
	}
	cheap := func(name, node string, claims ...string) *corev1.Pod {
		p := pod(name, node, claims...)
		p.Spec.Priority = new(int32(-11))
		return p
	}
	attached := &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: "attached"}}
	attached.Spec.Attacher, attached.Spec.NodeName, attached.Spec.Source.PersistentVolumeName = "disks.example.com", "b-1", new("disk-b")
	three, threeClaims := many(3, "")
	five, fiveClaims := many(5, "")
	for name, c := range map[string]struct {
		scenario
		want string
	}{
		"a volume in zone b needs a node there": {
			scenario{pods: []*corev1.Pod{pod("db-0", "", "data")}, storage: kubesched.Objects{
				Claims: []*corev1.PersistentVolumeClaim{inB}, Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"grow b by 1 for shop/db-0\n",
		},
		"a node in zone b has room for it": {
			scenario{nodes: []string{"b-1"}, pods: []*corev1.Pod{pod("db-0", "", "data")}, storage: kubesched.Objects{
				Claims: []*corev1.PersistentVolumeClaim{inB}, Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"shop/db-0: FitsNow: node b-1\nkeep b-1: NoPlaceToMovePods: pod shop/db-0, pods to move 1, closest none: no other node is ready and stays\n",
		},
		"a volume that is made where the pod goes may be made anywhere": {
			scenario{pods: three, storage: kubesched.Objects{Claims: threeClaims, StorageClasses: waits}},
			"grow a by 1 for shop/db-0 shop/db-1 shop/db-2\n",
		},
		"a storage class may allow one zone alone": {
			scenario{pods: three, storage: kubesched.Objects{Claims: threeClaims, StorageClasses: []*storagev1.StorageClass{storageClass("disks", true, "b")}}},
			"grow b by 1 for shop/db-0 shop/db-1 shop/db-2\n",
		},
		"claims that are bound at once must be bound": {
			scenario{pods: three[:1], storage: kubesched.Objects{Claims: threeClaims, StorageClasses: []*storagev1.StorageClass{storageClass("disks", false)}}},
			"shop/db-0: NotTriggerScaleUp: groups a VolumeUnavailable: plugin VolumeBinding, reason pod has unbound immediate PersistentVolumeClaims: claim shop/db-0, StorageClass disks; " +
				"b VolumeUnavailable: plugin VolumeBinding, reason pod has unbound immediate PersistentVolumeClaims: claim shop/db-0, StorageClass disks\n",
		},
		"a claim that is missing is a reason, and stops nobody else": {
			scenario{pods: append(three[:1:1], pod("web", "", "nothing")), storage: kubesched.Objects{Claims: threeClaims, StorageClasses: waits}},
			"grow a by 1 for shop/db-0\n" +
				"shop/web: NotTriggerScaleUp: groups a VolumeUnavailable: plugin VolumeRestrictions, reason persistentvolumeclaim \"nothing\" not found; " +
				"b VolumeUnavailable: plugin VolumeRestrictions, reason persistentvolumeclaim \"nothing\" not found\n",
		},
		"a storage class that is missing is a reason": {
			scenario{pods: three[:1], storage: kubesched.Objects{Claims: threeClaims}},
			"shop/db-0: NotTriggerScaleUp: groups a VolumeUnavailable: plugin VolumeBinding, reason pod has unbound immediate PersistentVolumeClaims: claim shop/db-0, StorageClass disks is missing; " +
				"b VolumeUnavailable: plugin VolumeBinding, reason pod has unbound immediate PersistentVolumeClaims: claim shop/db-0, StorageClass disks is missing\n",
		},
		"a node takes as many volumes as a like node of its group": {
			scenario{nodes: []string{"a-1"}, pods: append(five, pod("busy", "a-1")), storage: kubesched.Objects{
				Claims: fiveClaims, StorageClasses: []*storagev1.StorageClass{storageClass("disks", true, "a")}, CSINodes: []*storagev1.CSINode{csiNode("a-1", 2)},
			}},
			"grow a by 2 for shop/db-2 shop/db-3 shop/db-4\nshop/db-0: FitsNow: node a-1\nshop/db-1: FitsNow: node a-1\n",
		},
		"a pod moves where its volume can be had": {
			scenario{nodes: []string{"a-1", "b-1", "b-2"}, pods: append(busyPods("a-1", "b-2"), pod("db-0", "b-1", "data")), storage: kubesched.Objects{
				Claims: []*corev1.PersistentVolumeClaim{inB}, Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"remove b-1: shop/db-0 to b-2\n",
		},
		"a pod keeps the only node where its volume can be had": {
			scenario{nodes: []string{"a-1", "b-1"}, pods: append(busyPods("a-1"), pod("db-0", "b-1", "data")), storage: kubesched.Objects{
				Claims: []*corev1.PersistentVolumeClaim{inB}, Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"keep b-1: NoPlaceToMovePods: pod shop/db-0, pods to move 1, closest a-1 VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't match PersistentVolume's node affinity: claim shop/data, volume disk-b, topology.kubernetes.io/zone In [b], the node has \"a\"\n",
		},
		"what one pod alone may use keeps another out": {
			scenario{nodes: []string{"b-1"}, pods: []*corev1.Pod{pod("db-0", "b-1", "data"), pod("db-1", "", "data")}, storage: kubesched.Objects{
				Claims:  []*corev1.PersistentVolumeClaim{claim("data", "disks", "disk-b", corev1.ReadWriteOncePod)},
				Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"shop/db-1: NotTriggerScaleUp: groups a VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't match PersistentVolume's node affinity: claim shop/data, volume disk-b, topology.kubernetes.io/zone In [b], the node has \"a\"; " +
				"b VolumeInUse: plugin VolumeRestrictions, reason node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod: claim shop/data, volume disk-b\n" +
				"keep b-1: NoPlaceToMovePods: pod shop/db-0, pods to move 1, closest none: no other node is ready and stays\n",
		},
		"what one pod alone may use does not keep its own replacement out": {
			scenario{nodes: []string{"b-1", "b-2"}, going: "b-1", pods: append(busyPods("b-2"), pod("db-0", "b-1", "data"), pod("web", "")), storage: kubesched.Objects{
				Claims:  []*corev1.PersistentVolumeClaim{claim("data", "disks", "disk-b", corev1.ReadWriteOncePod)},
				Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"grow a by 1 for shop/web\n", // the room on b-2 is for db-0
		},
		"what a pod below the cutoff alone may use is free": {
			scenario{nodes: []string{"b-1"}, pods: []*corev1.Pod{cheap("db-0", "b-1", "data"), pod("db-1", "", "data")}, storage: kubesched.Objects{
				Claims:  []*corev1.PersistentVolumeClaim{claim("data", "disks", "disk-b", corev1.ReadWriteOncePod)},
				Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: waits,
			}},
			"shop/db-1: FitsNow: node b-1\nkeep b-1: NoPlaceToMovePods: pod shop/db-1, pods to move 1, closest none: no other node is ready and stays\n",
		},
		"the volume of a pod below the cutoff stays attached": {
			scenario{nodes: []string{"b-1"}, pods: []*corev1.Pod{cheap("db-0", "b-1", "data"), pod("db-1", "", "db-0")}, storage: kubesched.Objects{
				Claims:  []*corev1.PersistentVolumeClaim{inB, claim("db-0", "disks", "")},
				Volumes: []*corev1.PersistentVolume{diskB}, StorageClasses: []*storagev1.StorageClass{storageClass("disks", true, "b")},
				CSINodes: []*storagev1.CSINode{csiNode("b-1", 1)}, VolumeAttachments: []*storagev1.VolumeAttachment{attached},
			}},
			"grow b by 1 for shop/db-1\nremove b-1:\n",
		},
		"volumes that are free are used up": {
			scenario{pods: three, storage: kubesched.Objects{
				Claims: threeClaims, StorageClasses: func() []*storagev1.StorageClass {
					c := storageClass("disks", true)
					c.Provisioner = "kubernetes.io/no-provisioner"
					return []*storagev1.StorageClass{c}
				}(),
				Volumes: []*corev1.PersistentVolume{volumeOf("disk-1", "disks", "b", nil), volumeOf("disk-2", "disks", "b", nil)},
			}},
			"grow b by 1 for shop/db-0 shop/db-1\n" +
				"shop/db-2: NotTriggerScaleUp: groups a VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't find available persistent volumes to bind: claim shop/db-0 and 2 like it, StorageClass disks; " +
				"b VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't find available persistent volumes to bind: claim shop/db-2 and 2 like it, StorageClass disks\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := summary(c.decide(t)); got != c.want {
				t.Errorf("planned\n%swanted\n%s", got, c.want)
			}
		})
	}
}
