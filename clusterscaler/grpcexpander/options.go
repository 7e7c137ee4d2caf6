package grpcexpander

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Options are the choices of a question about a snapshot, with their objects. pod gives the object of a pod, or nil.
func Options(s *plan.Snapshot, q plan.Question, pod func(name string) *corev1.Pod) []Option {
	out := make([]Option, len(q))
	for i, choice := range q {
		o := Option{Group: choice.Group, Nodes: choice.Nodes, Debug: fmt.Sprintf("%d pods on %d nodes of %s", len(choice.Pods), choice.Nodes, choice.Group)}
		for _, name := range choice.Pods {
			if p := pod(name); p != nil {
				o.Pods = append(o.Pods, p)
			}
		}
		at := slices.IndexFunc(s.Groups, func(g plan.Group) bool { return g.Name == choice.Group })
		o.Node = exampleOf(&s.Groups[at])
		out[i] = o
	}
	return out
}

// exampleOf is a new node of the group.
func exampleOf(g *plan.Group) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.Labels = g.Template.Name, g.Template.Labels
	n.Spec.Unschedulable = g.Template.Unschedulable
	for _, t := range g.Template.Taints {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
	}
	n.Status.DeclaredFeatures = g.Template.Features
	n.Status.Capacity, n.Status.Allocatable = quantities(g.Capacity), quantities(g.Template.Allocatable)
	return n
}

func quantities(r scheduling.Resources) corev1.ResourceList {
	out := corev1.ResourceList{
		corev1.ResourceCPU: *resource.NewMilliQuantity(r.MilliCPU, resource.DecimalSI), corev1.ResourceMemory: *resource.NewQuantity(r.Memory, resource.BinarySI),
		corev1.ResourcePods: *resource.NewQuantity(r.Pods, resource.DecimalSI), corev1.ResourceEphemeralStorage: *resource.NewQuantity(r.EphemeralStorage, resource.BinarySI),
	}
	for _, e := range r.Extended {
		out[corev1.ResourceName(e.Name)] = *resource.NewQuantity(e.Amount, resource.DecimalSI)
	}
	return out
}
