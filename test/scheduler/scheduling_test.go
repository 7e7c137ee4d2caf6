package scheduler_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
	"github.com/trimtab/trimtab/test/scheduler"
)

var (
	cases = flag.Int("cases", 1500, "how many random clusters the simulator and kube-scheduler are asked about")
	spend = flag.Duration("spend", 0, "how long to go on with further clusters")
	seed  = flag.Uint64("seed", 1, "the first of the seeds from which the clusters are drawn, one each")
)

// On random clusters the simulator finds for each pod and each node what kube-scheduler's own Filter plugins find:
// whether it fits, and if not, which plugin says so. Pods come and go meanwhile.
func TestSimulatorAgreesWithKubeScheduler(t *testing.T) {
	t.Parallel()
	asked, refused := 0, map[scheduling.Plugin]int{}
	s := newSimulated(t)
	end := time.Now().Add(*spend)
	i := 0
	for ; i < *cases || time.Now().Before(end); i++ {
		compareSimulated(t, s, *seed+uint64(i), func(_ scheduling.Misfit, want scheduler.Refusal) {
			asked++
			refused[scheduling.Plugin(want.Plugin)]++
		})
	}
	t.Logf("%d questions about %d clusters; refused: %v", asked, i, refused)
	for _, plugin := range []scheduling.Plugin{"", "NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit", "PodTopologySpread", "InterPodAffinity", "NodeDeclaredFeatures"} {
		if refused[plugin] < *cases/20 {
			t.Errorf("the clusters hardly ask about %q: %v", plugin, refused)
		}
	}
}

// newSimulated is for all clusters, which have the same namespaces.
func newSimulated(t *testing.T) *scheduler.Scheduler {
	t.Helper()
	s, err := scheduler.New(t.Context(), schedulingtest.Random(rand.New(rand.NewPCG(*seed, 0))).Namespaces)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compareSimulated walks through the cluster of that seed, and fails where both differ. It returns how to write the walk down.
func compareSimulated(t *testing.T, s *scheduler.Scheduler, at uint64, count func(scheduling.Misfit, scheduler.Refusal)) (text func() *scheduler.Case) {
	t.Helper()
	r := rand.New(rand.NewPCG(at, 0))
	c := schedulingtest.Random(r)
	scene := newScene(c)
	text = func() *scheduler.Case { return scene.walk.text(c.Namespaces, c.Nodes, c.Pods, nil) }
	for range 2 * len(c.Pods) {
		p := r.IntN(len(c.Pods))
		if scene.on[p] >= 0 {
			scene.take(p)
			scene.walk.took(p)
			continue
		}
		s.See(c.Nodes, running(c.Pods, c.Nodes, scene.on))
		want, err := s.Fits(t.Context(), c.Pods[p])
		if err != nil {
			t.Fatalf("seed %d: %v", at, err)
		}
		scene.walk.asked(p)
		var fitting []int
		for n := range c.Nodes {
			got := scene.cluster.Fits(scene.classes[p], scheduling.NodeID(n))
			refusal := want[c.Nodes[n].Name]
			count(got, refusal)
			if (refusal.Plugin == "PreFilter" && !got.OK()) || string(got.Plugin()) == refusal.Plugin {
				if got.OK() {
					fitting = append(fitting, n)
				}
				continue
			}
			t.Fatal(report(t.Context(), fmt.Sprintf("seed %d of %s", at, t.Name()), text(), c.Pods[p].Name, &answer{c.Nodes[n].Name, got, refusal}))
		}
		if len(fitting) > 0 {
			n := fitting[r.IntN(len(fitting))]
			scene.place(p, n)
			scene.walk.placed(p, n)
		}
	}
	return text
}

// scene is a cluster as both see it.
type scene struct {
	schedulingtest.Cluster
	cluster *scheduling.Cluster
	classes []scheduling.Class
	// on has the node of each pod, -1 for a pod that does not run.
	on   []int
	walk walk
}

func newScene(c schedulingtest.Cluster) *scene {
	s := &scene{Cluster: c, on: make([]int, len(c.Pods)), classes: make([]scheduling.Class, len(c.Pods))}
	var classes scheduling.Classes
	classes.SetNamespaces(c.Namespaces)
	specs := make([]scheduling.Spec, len(c.Pods))
	for i, p := range c.Pods {
		s.on[i] = -1
		specs[i] = scheduling.SpecOf(p)
		classes.Learn(&specs[i])
	}
	for i := range specs {
		s.classes[i] = classes.Intern(specs[i])
	}
	s.cluster = scheduling.NewCluster(&classes)
	for _, n := range c.Nodes {
		node := scheduling.NodeOf(n)
		s.cluster.AddNode(&node)
	}
	return s
}

func (s *scene) place(pod, node int) {
	s.on[pod] = node
	s.cluster.Place(s.classes[pod], scheduling.NodeID(node), 1)
}

func (s *scene) take(pod int) {
	s.cluster.Take(s.classes[pod], scheduling.NodeID(s.on[pod]), 1)
	s.on[pod] = -1
}

// running are the pods that have a node in on, as they run there.
func running(pods []*corev1.Pod, nodes []*corev1.Node, on []int) []*corev1.Pod {
	var out []*corev1.Pod
	for i, n := range on {
		if n >= 0 {
			p := pods[i].DeepCopy()
			p.Spec.NodeName = nodes[n].Name
			out = append(out, p)
		}
	}
	return out
}
