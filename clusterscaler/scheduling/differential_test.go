package scheduling

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
)

// On thousands of random clusters the Cluster gives the answers of the naive implementation, the reason
// included, while pods come and go.
func TestClusterAgreesWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	answers, tainted := map[string]int{}, 0
	for i := range 3000 {
		second, pods := newNaive(schedulingtest.Random(r))
		classes, ids := classesOf(second, pods)
		c := NewCluster(classes)
		for _, n := range second.nodes {
			addEither(r, c, n)
		}
		for j, p := range pods {
			n := r.IntN(len(second.nodes))
			want := second.fits(p, n)
			got := c.Fits(ids[j], NodeID(n))
			answers[string(want)]++
			if got.Code != want {
				t.Fatalf("cluster %d, pod %d on node %d: %q, want %q\n%s", i, j, n, got.Code, want, describe(p, second.nodes[n]))
			}
			mark := c.Mark()
			if filled := c.Fill(ids[j], NodeID(n), 1); (filled == 1) != (want == "") {
				t.Fatalf("cluster %d: Fill placed %d where Fits says %q", i, filled, want)
			}
			switch {
			case want == "" && r.IntN(4) == 0:
				c.Undo(mark)
			case want == "":
				second.pods[n] = append(second.pods[n], p)
			}
			if k := len(second.pods[n]); k > 0 && r.IntN(5) == 0 { // one leaves
				gone := second.pods[n][k-1]
				second.pods[n] = second.pods[n][:k-1]
				c.Take(classes.Intern(SpecOf(gone)), NodeID(n), 1)
			}
			if r.IntN(16) == 0 {
				tainted += agreeOnTainted(t, r, c, second, pods, ids)
			}
		}
	}
	if tainted < 40 {
		t.Errorf("the clusters hardly ask about tainted nodes: a node's end changed the answer %d times", tainted)
	}
	for _, code := range []string{
		"", string(NodeUnschedulable), string(TaintNotTolerated), string(NodeSelectorMismatch), string(NodeAffinityMismatch), string(HostPortTaken),
		string(TooManyPods), string(InsufficientCPU), string(InsufficientMemory), string(InsufficientEphemeralStorage), string(InsufficientResource),
		string(TopologyKeyMissing), string(TopologySpreadExceeded), string(PodAffinityUnsatisfied), string(PodAntiAffinityConflict), string(RepelledByPods), string(FeatureNotDeclared),
	} {
		if answers[code] < 25 {
			t.Errorf("the clusters hardly ask about %q: %d times of %v", code, answers[code], answers)
		}
	}
}

// agreeOnTainted compares the answers about all other nodes once one has been tainted, and those about all once that is
// undone. It returns how many answers were others in between.
func agreeOnTainted(t *testing.T, r *rand.Rand, c *Cluster, second *naive, pods []*corev1.Pod, ids []Class) (changed int) {
	t.Helper()
	compare := func(but int) (codes []string) {
		for n := range second.nodes {
			for j := range pods {
				want, got := second.fits(pods[j], n), c.Fits(ids[j], NodeID(n)).Code
				if n != but && want != got {
					t.Fatalf("node %d is tainted: pod %d on node %d: %q, want %q\n%s", but, j, n, got, want, describe(pods[j], second.nodes[n]))
				}
				if n != but {
					codes = append(codes, string(got))
				} else {
					codes = append(codes, "")
				}
			}
		}
		return codes
	}
	at := r.IntN(len(second.nodes))
	stands := second.nodes[at]
	taint := corev1.Taint{Key: "going", Effect: corev1.TaintEffectNoSchedule}
	second.nodes[at] = stands.DeepCopy()
	second.nodes[at].Spec.Taints = append(second.nodes[at].Spec.Taints, taint)
	mark := c.Mark()
	c.HideTainted(NodeID(at), Taint{Key: taint.Key, Effect: NoSchedule}, func(yield func(Class) bool) {
		for _, p := range second.pods[at] {
			if !yield(ids[slices.Index(pods, p)]) {
				return
			}
		}
	})
	then := compare(at)
	second.nodes[at] = stands
	c.Undo(mark)
	for i, code := range compare(-1) {
		if i/len(pods) != at && code != then[i] {
			changed++
		}
	}
	return changed
}

// Fill counts by division what one placement after another gives.
func TestFillAgreesWithOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		second, pods := newNaive(schedulingtest.Random(r))
		classes, ids := classesOf(second, pods)
		id := ids[0]
		c := NewCluster(classes)
		for _, node := range second.nodes {
			c.AddNode(nodeOf(node))
		}
		n := NodeID(r.IntN(len(second.nodes)))
		for j := range pods[1:] { // neighbours
			c.Fill(ids[j+1], NodeID(r.IntN(len(second.nodes))), 1)
		}
		mark := c.Mark()
		before := amounts(c.Free(n))
		singly := 0
		for singly < 30 && c.Fill(id, n, 1) == 1 {
			singly++
		}
		c.Undo(mark)
		if after := amounts(c.Free(n)); after != before {
			t.Fatalf("cluster %d: Undo left %s of %s", i, after, before)
		}
		if at := c.Fill(id, n, 30); at != singly {
			t.Fatalf("cluster %d: Fill placed %d at once and %d one by one", i, at, singly)
		}
	}
}

// addEither adds the node as itself or, where nobody can tell it apart, as the copy of a template.
func addEither(r *rand.Rand, c *Cluster, n *corev1.Node) {
	_, hosted := n.Labels[hostname]
	if !hosted || n.Name == "n1" || one(r, 2) {
		c.AddNode(nodeOf(n))
		return
	}
	template := *nodeOf(n)
	template.Labels = maps.Clone(template.Labels)
	delete(template.Labels, hostname)
	mark := c.Mark() // what is undone leaves no trace
	c.AddCopy(c.Prepare(template))
	c.Undo(mark)
	c.AddCopy(c.Prepare(template))
}

func classesOf(c *naive, pods []*corev1.Pod) (*Classes, []Class) {
	classes := &Classes{}
	classes.SetNamespaces(c.namespaces)
	ids := make([]Class, len(pods))
	for _, p := range pods {
		s := SpecOf(p)
		classes.Learn(&s)
	}
	for j, p := range pods {
		ids[j] = classes.Intern(SpecOf(p))
	}
	return classes, ids
}

func amounts(r Resources) string {
	return fmt.Sprint(r.MilliCPU, r.Memory, r.EphemeralStorage, r.Pods, r.Other("example.com/gpu"))
}

func newNaive(c schedulingtest.Cluster) (*naive, []*corev1.Pod) {
	return &naive{nodes: c.Nodes, namespaces: c.Namespaces, pods: make([][]*corev1.Pod, len(c.Nodes))}, c.Pods
}

func one(r *rand.Rand, in int) bool { return r.IntN(in) == 0 }

func nodeOf(n *corev1.Node) *Node {
	out := NodeOf(n)
	return &out
}
