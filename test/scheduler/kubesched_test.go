package scheduler_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/test/scheduler"
)

var volumeCases = flag.Int("volume-cases", 400, "how many random clusters with volumes and device claims kubesched and kube-scheduler are asked about")

// On random clusters with volumes and device claims the simulator and kubesched find for each pod and each node what the
// whole kube-scheduler finds: whether it fits, and if not, which plugin says so, and in which words. Pods come and go
// meanwhile, and take free volumes and devices.
func TestKubeschedAgreesWithKubeScheduler(t *testing.T) {
	t.Parallel()
	asked, refused := 0, map[string]int{}
	end := time.Now().Add(*spend)
	i := 0
	for ; i < *volumeCases || time.Now().Before(end); i++ {
		at := *seed + uint64(i)
		compareVolumes(t, at, func(plugin string) { asked++; refused[plugin]++ })
		if t.Failed() {
			return
		}
	}
	t.Logf("%d questions about %d clusters; refused: %v", asked, i, refused)
	for _, plugin := range []string{"", "NodeResourcesFit", "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "DynamicResources"} {
		if refused[plugin] < *volumeCases/20 {
			t.Errorf("the clusters hardly ask about %q: %v", plugin, refused)
		}
	}
}

func compareVolumes(t *testing.T, at uint64, count func(plugin string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := rand.New(rand.NewPCG(at, 1))
	c := kubeschedtest.Random(r)
	s, err := scheduler.New(ctx, map[string]map[string]string{"shop": nil}, objectsOf(&c)...)
	if err != nil {
		t.Fatal(err)
	}
	sc := newVolumeScene(t, &c)
	for p := range c.Pods {
		if c.Pods[p].Spec.NodeName != "" {
			sc.place(p, sc.nodeOf(c.Pods[p].Spec.NodeName))
		}
	}
	for range 3 * len(c.Pods) {
		p := r.IntN(len(c.Pods))
		s.See(c.Nodes, running(c.Pods, c.Nodes, sc.on))
		if n := sc.on[p]; n >= 0 {
			if c.Pods[p].Spec.NodeName != "" || sc.waitsWithOthers(p) { // its volume stays attached, which is counted
				continue
			}
			for like := range c.Pods { // all like it: which of them a free volume was given to is not told apart
				if sc.on[like] != n || sc.classes[like] != sc.classes[p] || c.Pods[like].Spec.NodeName != "" {
					continue
				}
				sc.take(like)
				if err := s.Take(ctx, c.Pods[like], c.Nodes[n].Name, sc.uses); err != nil {
					t.Fatalf("seed %d: take %s: %v", at, c.Pods[like].Name, err)
				}
			}
			continue
		}
		want, err := s.Fits(ctx, c.Pods[p])
		if err != nil {
			t.Fatalf("seed %d: %v", at, err)
		}
		var fitting []int
		for n := range c.Nodes {
			got, refusal := sc.cluster.Fits(sc.classes[p], simulate.NodeID(n)), want[c.Nodes[n].Name]
			count(refusal.Plugin)
			if why := differ(got, refusal); why != "" {
				t.Errorf("seed %d: pod %s on node %s: %s: simulated %q %s %q, kube-scheduler %q %q\n%s", at, c.Pods[p].Name, c.Nodes[n].Name, why,
					got.Code, got.Plugin(), got.What, refusal.Plugin, refusal.Message, sc.describe(p, n))
				return
			}
			if got.OK() {
				fitting = append(fitting, n)
			}
		}
		if len(fitting) > 0 {
			n := fitting[r.IntN(len(fitting))]
			if err := s.Place(ctx, c.Pods[p], c.Nodes[n].Name); err != nil {
				t.Fatalf("seed %d: place %s: %v", at, c.Pods[p].Name, err)
			}
			sc.place(p, n)
		}
	}
}

// differ says in what the answers differ. What kube-scheduler refuses anywhere it does before it looks at resources, which
// the simulator does first.
func differ(got simulate.Misfit, want scheduler.Refusal) string {
	switch {
	case got.OK() != (want.Plugin == ""):
		return "one says that it fits"
	case got.OK(), want.Anywhere && got.Plugin() == "NodeResourcesFit":
		return ""
	case !want.Anywhere && before(simulate.Plugin(want.Plugin), got.Plugin()):
		return "" // what holds for every node of that kind is said before what its pods do
	case string(got.Plugin()) != want.Plugin:
		return "two plugins"
	case want.Plugin == "VolumeBinding" && !want.Anywhere:
		return "" // the last free volume may be gone, where there is another reason anyway
	case want.Plugin != "NodeResourcesFit" && !strings.Contains(want.Message, got.What):
		return "two reasons"
	}
	return ""
}

// before is whether kube-scheduler asks the one before the other, both about volumes.
func before(one, other simulate.Plugin) bool {
	order := []simulate.Plugin{"VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone"}
	at := slices.Index(order, one)
	return at >= 0 && slices.Index(order, other) > at
}

// volumeScene is a cluster as both see it.
type volumeScene struct {
	*kubeschedtest.Cluster
	cluster *simulate.Cluster
	classes []simulate.Class
	on      []int
}

func newVolumeScene(t *testing.T, c *kubeschedtest.Cluster) *volumeScene {
	t.Helper()
	var pods []*corev1.Pod
	for _, p := range c.Pods {
		if simulate.NeedsJudge(p) {
			pods = append(pods, p)
		}
	}
	view, err := kubesched.New(&c.Objects, pods)
	if err != nil {
		t.Fatal(err)
	}
	s := &volumeScene{Cluster: c, on: make([]int, len(c.Pods)), classes: make([]simulate.Class, len(c.Pods))}
	var classes simulate.Classes
	for i, p := range c.Pods {
		s.on[i] = -1
		spec := simulate.SpecOf(p)
		spec.Demand = view.Demand(p)
		s.classes[i] = classes.Intern(spec)
	}
	s.cluster = simulate.NewCluster(&classes)
	for _, n := range c.Nodes {
		node := simulate.NodeOf(n)
		node.Profile = view.Profile(n.Name)
		s.cluster.AddNode(&node)
	}
	s.cluster.SetJudge(view)
	return s
}

func (s *volumeScene) nodeOf(name string) int {
	for i, n := range s.Nodes {
		if n.Name == name {
			return i
		}
	}
	return -1
}

func (s *volumeScene) place(pod, node int) {
	s.on[pod] = node
	s.cluster.Place(s.classes[pod], simulate.NodeID(node), 1)
}

func (s *volumeScene) take(pod int) {
	s.cluster.Take(s.classes[pod], simulate.NodeID(s.on[pod]), 1)
	s.on[pod] = -1
}

// waitsWithOthers is whether the pod has a claim that others have too and that waits for its first consumer: were the pod taken,
// kube-scheduler would forget the choice for all.
func (s *volumeScene) waitsWithOthers(pod int) bool {
	uses := func(p *corev1.Pod) bool {
		return slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == "common-waits"
		})
	}
	return uses(s.Pods[pod])
}

// uses is whether a pod that runs uses the device claim.
func (s *volumeScene) uses(claim string) bool {
	for i, p := range s.Pods {
		for j := range p.Spec.ResourceClaims {
			if name, _, err := resourceclaim.Name(p, &p.Spec.ResourceClaims[j]); s.on[i] >= 0 && err == nil && name != nil && *name == claim {
				return true
			}
		}
	}
	return false
}

// describe shows what a difference is about.
func (s *volumeScene) describe(pod, node int) string {
	var b strings.Builder
	show := func(what string, o any) {
		text, err := yaml.Marshal(o)
		if err != nil {
			text = []byte(err.Error())
		}
		b.WriteString("--- " + what + "\n")
		b.Write(text)
	}
	show("the pod", s.Pods[pod])
	show("the node", s.Nodes[node])
	for i, n := range s.on {
		if n >= 0 {
			show("on "+s.Nodes[n].Name, s.Pods[i].Name)
		}
	}
	show("objects", s.Objects)
	return b.String()
}

func objectsOf(c *kubeschedtest.Cluster) []runtime.Object {
	var out []runtime.Object
	out = appendAll(out, c.Claims)
	out = appendAll(out, c.Volumes)
	out = appendAll(out, c.StorageClasses)
	out = appendAll(out, c.CSINodes)
	out = appendAll(out, c.CSIDrivers)
	out = appendAll(out, c.StorageCapacities)
	out = appendAll(out, c.VolumeAttachments)
	out = appendAll(out, c.DeviceClaims)
	out = appendAll(out, c.ResourceSlices)
	return appendAll(out, c.DeviceClasses)
}

func appendAll[T runtime.Object](out []runtime.Object, objects []T) []runtime.Object {
	for _, o := range objects {
		out = append(out, o.DeepCopyObject())
	}
	return out
}
