package grpcexpander

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// An option has the objects of the pods that still exist, and a node as the group's template has it.
func TestOptions(t *testing.T) {
	s := &plan.Snapshot{Groups: []plan.Group{{}, {}}}
	s.Groups[0].Name, s.Groups[1].Name = "a", "b"
	g := &s.Groups[1]
	g.Template.Name, g.Template.Taints = "template", []scheduling.Taint{{Key: "k", Value: "v", Effect: "NoSchedule"}}
	g.Template.Allocatable = scheduling.Resources{MilliCPU: 3500, Memory: 1 << 30, Extended: []scheduling.Extended{{Name: "example.com/gpu", Amount: 2}}}
	g.Capacity = scheduling.Resources{MilliCPU: 4000}
	web := &corev1.Pod{}
	got := Options(s, plan.Question{{Group: "b", Nodes: 2, Pods: []string{"default/web", "default/gone"}}}, func(name string) *corev1.Pod {
		return map[string]*corev1.Pod{"default/web": web}[name]
	})
	if len(got) != 1 || got[0].Group != "b" || got[0].Nodes != 2 || len(got[0].Pods) != 1 || got[0].Pods[0] != web || got[0].Debug != "2 pods on 2 nodes of b" {
		t.Fatalf("%+v", got)
	}
	n := got[0].Node
	if gpus := n.Status.Allocatable["example.com/gpu"]; n.Name != "template" || gpus.Value() != 2 || n.Status.Allocatable.Cpu().MilliValue() != 3500 ||
		n.Status.Capacity.Cpu().Value() != 4 || len(n.Spec.Taints) != 1 || n.Spec.Taints[0] != (corev1.Taint{Key: "k", Value: "v", Effect: corev1.TaintEffectNoSchedule}) {
		t.Errorf("%+v", n)
	}
}
