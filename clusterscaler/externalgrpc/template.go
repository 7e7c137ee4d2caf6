package externalgrpc

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// maxAmount of a resource is a petabyte of memory; no node has as much of anything.
const maxAmount = 1 << 50

// decodeTemplate reads a serialized Node, and checks what a decision rests on.
func decodeTemplate(data []byte) (*corev1.Node, error) {
	node := &corev1.Node{}
	err := checkQuantities(data)
	if err == nil {
		err = node.Unmarshal(data)
	}
	if err != nil {
		return nil, fmt.Errorf("the node is not in the form of the Kubernetes API: %w", err)
	}
	if len(node.Status.Allocatable) == 0 { // the API server takes the one for the other, too
		node.Status.Allocatable = node.Status.Capacity
	}
	if len(node.Status.Capacity) == 0 {
		node.Status.Capacity = node.Status.Allocatable
	}
	if err := checkAmounts(node); err != nil {
		return nil, err
	}
	for key, value := range node.Labels {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			return nil, fmt.Errorf("the label %q=%q of the node: %s", clipped(key), clipped(value), problems[0])
		}
	}
	return node, nil
}

func checkAmounts(node *corev1.Node) error {
	for _, list := range []corev1.ResourceList{node.Status.Capacity, node.Status.Allocatable} {
		for name, q := range list {
			if n := q.Value(); n < 0 || n > maxAmount {
				return fmt.Errorf("the node cannot have %s of %s", clipped(q.String()), printable(string(name)))
			}
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
		if q := node.Status.Allocatable[name]; q.Sign() <= 0 {
			return fmt.Errorf("the node has no allocatable %s", name)
		}
	}
	return nil
}

// named is the template as a node of that name.
func named(template *corev1.Node, name string) *corev1.Node {
	n := *template
	n.Name = name
	n.Labels = group.NodeLabels(template.Labels, name)
	return &n
}

// examplesOf finds for each group the ready node with the first name, by which its next ones can be judged.
func examplesOf(nodes []*corev1.Node, member map[string]string) map[string]*corev1.Node {
	examples := map[string]*corev1.Node{}
	for _, n := range nodes {
		group, ours := member[n.Name]
		if !ours {
			continue
		}
		if e := examples[group]; isReady(n) && !kube.Going(n) && (e == nil || n.Name < e.Name) {
			examples[group] = n
		}
	}
	return examples
}

func isReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// templateOf is a new node like that one: without what only concerns the one that stands.
func templateOf(example *corev1.Node) (node *corev1.Node, trouble string) {
	if example == nil {
		return nil, ""
	}
	n := *example
	n.Spec.Unschedulable = false
	n.Spec.Taints = slices.DeleteFunc(slices.Clone(example.Spec.Taints), passing)
	return &n, ""
}

// passing says that a taint tells of the state of a node and not of its kind. The names are Kubernetes' and
// cluster-autoscaler's.
func passing(t corev1.Taint) bool {
	if kube.MarksGoing(t) || t.Key == "DeletionCandidateOfClusterAutoscaler" {
		return true
	}
	return slices.ContainsFunc([]string{
		"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ignore-taint.cluster-autoscaler.kubernetes.io/",
		"startup-taint.cluster-autoscaler.kubernetes.io/", "status-taint.cluster-autoscaler.kubernetes.io/",
	}, func(prefix string) bool { return strings.HasPrefix(t.Key, prefix) })
}
