package scheduler_test

import (
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
	"github.com/trimtab/trimtab/internal/verdict"
)

// On random clusters in which nodes are tainted one after another because they are going, the simulator finds for each pod on
// each other node what kube-scheduler finds; and the same as before when it has been undone.
func TestSimulatorAgreesOnGoingNodes(t *testing.T) {
	t.Parallel()
	s := newSimulated(t)
	asked, changed := 0, 0
	for i := range *cases {
		at := *seed + uint64(i)
		r := rand.New(rand.NewPCG(at, 2))
		c := schedulingtest.Random(r)
		scene := newScene(c)
		for p := range c.Pods {
			for n := range c.Nodes {
				if scene.cluster.Fits(scene.classes[p], scheduling.NodeID(n)).OK() && r.IntN(2) == 0 {
					scene.place(p, n)
					break
				}
			}
		}
		nodes := append([]*corev1.Node(nil), c.Nodes...)
		mark := scene.cluster.Mark()
		going := map[int]bool{}
		before := answersOf(scene)
		for _, n := range r.Perm(len(nodes))[:min(2, len(nodes))] {
			going[n] = true
			nodes[n] = nodes[n].DeepCopy()
			nodes[n].Spec.Taints = append(nodes[n].Spec.Taints, corev1.Taint{Key: "going", Effect: corev1.TaintEffectNoSchedule})
			scene.cluster.HideTainted(scheduling.NodeID(n), scheduling.Taint{Key: "going", Effect: scheduling.NoSchedule}, func(yield func(scheduling.Class) bool) {
				for p, on := range scene.on {
					if on == n && !yield(scene.classes[p]) {
						return
					}
				}
			})
			s.See(nodes, running(c.Pods, nodes, scene.on))
			for p, on := range scene.on {
				if on >= 0 {
					continue
				}
				want, err := s.Fits(t.Context(), c.Pods[p])
				if err != nil {
					t.Fatalf("seed %d: %v", at, err)
				}
				for m, node := range nodes {
					got, refusal := scene.cluster.Fits(scene.classes[p], scheduling.NodeID(m)), want[node.Name]
					if going[m] || refusal.Plugin == "PreFilter" && !got.OK() {
						continue
					}
					asked++
					if string(got.Plugin()) != refusal.Plugin {
						t.Fatalf("seed %d, nodes %v are going: pod %s on node %s: %+v, kube-scheduler: %s", at, going, c.Pods[p].Name, node.Name, got, refusal)
					}
					if got.Code != before[[2]int{p, m}] {
						changed++
					}
				}
			}
		}
		scene.cluster.Undo(mark)
		for where, code := range answersOf(scene) {
			if code != before[where] {
				t.Fatalf("seed %d: once undone, pod %d on node %d: %q, before %q", at, where[0], where[1], code, before[where])
			}
		}
	}
	t.Logf("%d questions, %d answers changed", asked, changed)
	if changed < *cases/50 {
		t.Errorf("the clusters hardly ask about going nodes: %d answers changed", changed)
	}
}

// answersOf says of each pod and node whether the one fits on the other.
func answersOf(s *scene) map[[2]int]verdict.Code {
	out := map[[2]int]verdict.Code{}
	for p, class := range s.classes {
		for n := range s.Nodes {
			out[[2]int{p, n}] = s.cluster.Fits(class, scheduling.NodeID(n)).Code
		}
	}
	return out
}
