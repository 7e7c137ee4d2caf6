package externalgrpc

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
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
