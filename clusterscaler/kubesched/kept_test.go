package kubesched_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// A Translator and a Planner that follow a cluster with volumes and devices loop after loop plan as new ones do; and asked
// twice they answer the same.
func TestKeptPlansAreFreshPlans(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy := plan.DefaultPolicy()
	policy.IgnoreTimers = true
	decide := func(planner *plan.Planner, s *plan.Snapshot) plan.Plan {
		p, _ := planner.Decide(s, plan.Memory{}, policy, now)
		planner.Reasons(s, plan.Memory{}, policy, now).Fill(s, &p)
		return p
	}
	grown, removed, same := 0, 0, 0
	for i := range 50 {
		c := kubeschedtest.Random(r)
		for _, n := range c.Nodes {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
			n.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("6")
			n.Status.Capacity = n.Status.Allocatable
		}
		groups, member := groupOfEach(c.Nodes)
		var translator kube.Translator
		var planner plan.Planner
		pods, version := owned(c.Pods), 1
		var last scheduling.FilterPlugins
		for turn := range 8 {
			objects := &kube.Objects{Nodes: c.Nodes, Pods: pods, Storage: &c.Objects}
			kept := translator.Snapshot(&kube.Observation{Objects: objects, Groups: groups, GroupOf: member})
			if err := translator.Trouble(); err != nil {
				t.Fatal(err)
			}
			if kept.FilterPlugins == last {
				same++
			}
			last = kept.FilterPlugins
			a := decide(&planner, kept)
			again := decide(new(plan.Planner), kept)
			b := decide(new(plan.Planner), (&kube.Observation{Objects: objects, Groups: groups, GroupOf: member}).Snapshot())
			if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, again) {
				t.Fatalf("cluster %d, turn %d: kept\n%+v\nagain\n%+v\nfresh\n%+v", i, turn, a, again, b)
			}
			grown, removed = grown+len(a.ScaleUp), removed+len(a.ScaleDown)
			pods, version = change(r, &c, pods, version)
		}
	}
	if grown < 20 || removed < 100 || same < 50 {
		t.Errorf("%d groups grew, %d nodes went, and %d times the snapshot was kept", grown, removed, same)
	}
}

// owned are the pods as the controller of a set makes them, and as the scheduler has looked at them.
func owned(pods []*corev1.Pod) []*corev1.Pod {
	out := make([]*corev1.Pod, len(pods))
	for i, p := range pods {
		p = p.DeepCopy()
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "db", Controller: new(true)}}
		if p.Spec.NodeName == "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
		}
		out[i] = p
	}
	return out
}

// change does what happens in a cluster meanwhile, or nothing.
func change(r *rand.Rand, c *kubeschedtest.Cluster, pods []*corev1.Pod, version int) ([]*corev1.Pod, int) {
	version++
	next := strconv.Itoa(version)
	storage := c.Objects
	i := r.IntN(len(pods))
	p := pods[i].DeepCopy()
	p.ResourceVersion = next
	switch r.IntN(5) {
	case 0: // the pod comes to a node, and its claims get volumes there
		if p.Spec.NodeName != "" {
			break
		}
		p.Spec.NodeName = c.Nodes[r.IntN(len(c.Nodes))].Name
		storage.Claims = append([]*corev1.PersistentVolumeClaim(nil), storage.Claims...)
		for j, claim := range storage.Claims {
			if claim.Name != p.Name || claim.Spec.VolumeName != "" {
				continue
			}
			claim = claim.DeepCopy()
			claim.ResourceVersion, claim.Spec.VolumeName, claim.Status.Phase = next, "made-"+p.Name, corev1.ClaimBound
			claim.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
			storage.Claims[j] = claim
			v := volumeOf("made-"+p.Name, "waits", "a", claim)
			v.ResourceVersion = next
			storage.Volumes = append(append([]*corev1.PersistentVolume(nil), storage.Volumes...), v)
		}
	case 1: // it ends
		p.Status.Phase = corev1.PodSucceeded
	case 2: // it is told of again
	case 3:
		if len(storage.CSINodes) > 0 {
			n := storage.CSINodes[0].DeepCopy()
			n.ResourceVersion = next
			n.Spec.Drivers = csiNode(n.Name, int32(r.IntN(3))).Spec.Drivers
			storage.CSINodes = append(storage.CSINodes[1:len(storage.CSINodes):len(storage.CSINodes)], n)
		}
	default:
		return pods, version
	}
	c.Objects = storage
	pods = append([]*corev1.Pod(nil), pods...)
	pods[i] = p
	return pods, version
}

// groupOfEach makes each second node one of two groups.
func groupOfEach(nodes []*corev1.Node) ([]plan.Group, map[string]string) {
	var groups []plan.Group
	member := map[string]string{}
	for i, n := range nodes {
		if i < 2 {
			template := scheduling.NodeOf(n)
			groups = append(groups, plan.Group{Belief: fleet.Belief{Name: "g-" + n.Name, Max: 6}, Template: template, Capacity: template.Allocatable})
		}
		member[n.Name] = groups[i%2].Name
		groups[i%2].Target++
	}
	return groups, member
}

// A Snapshot is kept until something changes that the plugins see.
func TestViewsAreKept(t *testing.T) {
	t.Parallel()
	o := &kubesched.Objects{Claims: []*corev1.PersistentVolumeClaim{claim("data", "disks", "")}}
	o.Claims[0].ResourceVersion = "1"
	p := pod("db-0", "", "data")
	var views kubesched.Cache
	snapshot := func(pods ...*corev1.Pod) *kubesched.Snapshot {
		t.Helper()
		v, err := views.Snapshot(o, pods)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := snapshot(p)
	told := p.DeepCopy()
	told.Status.Reason = "other"
	if snapshot(told) != first {
		t.Error("the status of a pod made a new snapshot")
	}
	placed := p.DeepCopy()
	placed.Spec.NodeName = "n"
	if snapshot(placed) == first {
		t.Error("a pod that has come to a node made no new snapshot")
	}
	before := snapshot(p)
	o.Claims[0] = o.Claims[0].DeepCopy()
	o.Claims[0].ResourceVersion = "2"
	if snapshot(p) == before {
		t.Error("a claim that has changed made no new snapshot")
	}
	o.Claims[0].ResourceVersion = ""
	if unversioned := snapshot(p); snapshot(p) == unversioned {
		t.Error("objects without a version were taken to be unchanged")
	}
}
