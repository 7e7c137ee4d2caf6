package schedulingtest

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// Cluster is a small cluster, and pods that want to run there.
type Cluster struct {
	Nodes []*corev1.Node
	Pods  []*corev1.Pod
	// Namespaces has the labels of each.
	Namespaces map[string]map[string]string
}

// Random draws a cluster. In about half of them resources are short and nodes differ; in the others what decides
// is what pods have for and against each other.
func Random(r *rand.Rand) Cluster {
	c := Cluster{Namespaces: map[string]map[string]string{"default": {"team": "a"}, "other": {"team": "b"}, "bare": nil}}
	roomy := one(r, 2)
	for i := range 1 + r.IntN(7) {
		c.Nodes = append(c.Nodes, randomNode(r, i))
		if roomy {
			makeRoom(r, c.Nodes[i])
		}
		declareFeatures(r, c.Nodes[i])
	}
	for i := range 1 + r.IntN(25) {
		p := randomPod(r)
		if roomy && !one(r, 8) {
			p.Spec = corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list(r, 1)}}}}
		}
		randomTerms(r, p)
		needFeatures(r, p)
		p.Name = fmt.Sprintf("p%d", i)
		p.UID = types.UID(p.Name)
		c.Pods = append(c.Pods, p)
	}
	return c
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
			HostPort: pick[int32](r, 80, 81), Protocol: pick(r, corev1.ProtocolTCP, corev1.ProtocolUDP), HostIP: pick(r, "", "0.0.0.0", "10.0.0.1", "10.0.0.2", "::"),
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
