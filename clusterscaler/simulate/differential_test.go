package simulate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// On thousands of random clusters the Cluster gives the answers of the naive implementation, the reason
// included, while pods come and go.
func TestClusterAgreesWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	answers := map[string]int{}
	for i := range 5000 {
		second, pods := randomCluster(r)
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
		}
	}
	for _, code := range []string{
		"", string(NodeUnschedulable), string(TaintNotTolerated), string(NodeSelectorMismatch), string(NodeAffinityMismatch), string(HostPortTaken),
		string(TooManyPods), string(InsufficientCPU), string(InsufficientMemory), string(InsufficientEphemeralStorage), string(InsufficientResource),
		string(TopologyKeyMissing), string(TopologySpreadExceeded), string(PodAffinityUnsatisfied), string(PodAntiAffinityConflict), string(RepelledByPods),
	} {
		if answers[code] < 50 {
			t.Errorf("the clusters hardly ask about %q: %d times of %v", code, answers[code], answers)
		}
	}
}

// Fill counts by division what one placement after another gives.
func TestFillAgreesWithOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		second, pods := randomCluster(r)
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

func randomCluster(r *rand.Rand) (*naive, []*corev1.Pod) {
	c := &naive{namespaces: randomNamespaces()}
	roomy := one(r, 2) // so that what pods have against each other decides
	for i := range 1 + r.IntN(7) {
		c.nodes = append(c.nodes, randomNode(r, i))
		if roomy {
			makeRoom(r, c.nodes[i])
		}
	}
	c.pods = make([][]*corev1.Pod, len(c.nodes))
	var pods []*corev1.Pod
	for range 1 + r.IntN(25) {
		p := randomPod(r)
		if roomy && !one(r, 8) {
			p.Spec = corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list(r, 1)}}}}
		}
		randomTerms(r, p)
		pods = append(pods, p)
	}
	return c, pods
}

func makeRoom(r *rand.Rand, n *corev1.Node) {
	if !one(r, 6) {
		n.Spec = corev1.NodeSpec{}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage, "example.com/gpu", corev1.ResourcePods} {
		n.Status.Allocatable[name] = *resource.NewQuantity(1<<40, resource.DecimalSI)
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func one(r *rand.Rand, in int) bool { return r.IntN(in) == 0 }

func list(r *rand.Rand, scale int64) corev1.ResourceList {
	out := corev1.ResourceList{}
	if !one(r, 4) {
		out[corev1.ResourceCPU] = *resource.NewMilliQuantity(r.Int64N(8)*250*scale, resource.DecimalSI)
	}
	if !one(r, 4) {
		out[corev1.ResourceMemory] = *resource.NewQuantity(r.Int64N(8)*scale<<28, resource.BinarySI)
	}
	if one(r, 3) {
		out[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(r.Int64N(3)*scale<<30, resource.BinarySI)
	}
	if one(r, 4) {
		out["example.com/gpu"] = *resource.NewQuantity(r.Int64N(2)*scale, resource.DecimalSI)
	}
	return out
}

func randomNode(r *rand.Rand, i int) *corev1.Node {
	n := &corev1.Node{}
	n.Name = fmt.Sprintf("n%d", i)
	n.Labels = map[string]string{"kubernetes.io/hostname": n.Name, "zone": pick(r, "a", "b", "c")}
	if one(r, 2) {
		n.Labels["rack"] = pick(r, "1", "2")
	}
	if one(r, 12) {
		delete(n.Labels, pick(r, "zone", "kubernetes.io/hostname"))
	}
	if one(r, 2) {
		n.Labels["cores"] = pick(r, "4", "16", "many")
	}
	if one(r, 6) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{
			Key: pick(r, "dedicated", "spot"), Value: pick(r, "", "x"),
			Effect: pick(r, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule),
		})
	}
	n.Spec.Unschedulable = one(r, 10)
	n.Status.Allocatable = list(r, 8)
	n.Status.Allocatable[corev1.ResourcePods] = *resource.NewQuantity(r.Int64N(12), resource.DecimalSI)
	return n
}

func randomPod(r *rand.Rand) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name = "default", "p"
	always := corev1.ContainerRestartPolicyAlways
	for range r.IntN(3) {
		c := corev1.Container{Resources: corev1.ResourceRequirements{Requests: list(r, 1)}}
		if one(r, 2) {
			c.RestartPolicy = &always
		}
		p.Spec.InitContainers = append(p.Spec.InitContainers, c)
	}
	for range 1 + r.IntN(2) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Resources: corev1.ResourceRequirements{Requests: list(r, 1)}})
	}
	if one(r, 5) {
		p.Spec.Overhead = list(r, 1)
	}
	if one(r, 6) {
		p.Spec.NodeSelector = map[string]string{pick(r, "zone", "cores"): pick(r, "a", "4")}
	}
	if one(r, 3) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{
			HostPort: pick[int32](r, 80, 81), Protocol: pick(r, corev1.ProtocolTCP, corev1.ProtocolUDP), HostIP: pick(r, "", "0.0.0.0", "10.0.0.1", "10.0.0.2"),
		}}
	}
	if one(r, 4) {
		p.Spec.Tolerations = []corev1.Toleration{pick(r,
			corev1.Toleration{Operator: corev1.TolerationOpExists},
			corev1.Toleration{Key: "dedicated", Operator: corev1.TolerationOpExists},
			corev1.Toleration{Key: "spot", Value: "x"},
			corev1.Toleration{Key: "spot", Operator: corev1.TolerationOpEqual, Effect: corev1.TaintEffectNoSchedule},
			corev1.Toleration{Key: corev1.TaintNodeUnschedulable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
		)}
	}
	if one(r, 5) {
		p.Spec.Affinity = randomAffinity(r)
	}
	return p
}

func randomAffinity(r *rand.Rand) *corev1.Affinity {
	var terms []corev1.NodeSelectorTerm
	for range 1 + r.IntN(2) {
		var t corev1.NodeSelectorTerm
		for range r.IntN(3) {
			t.MatchExpressions = append(t.MatchExpressions, pick(r,
				corev1.NodeSelectorRequirement{Key: "zone", Operator: corev1.NodeSelectorOpIn, Values: []string{"a", "c"}},
				corev1.NodeSelectorRequirement{Key: "zone", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"a"}},
				corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"4"}},
				corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpExists},
				corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpDoesNotExist},
				corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpGt, Values: []string{"8"}},
				corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpLt, Values: []string{"8"}},
			))
		}
		if one(r, 4) {
			t.MatchFields = []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}}
		}
		terms = append(terms, t)
	}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

func nodeOf(n *corev1.Node) *Node {
	out := NodeOf(n)
	return &out
}
