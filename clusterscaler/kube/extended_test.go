package kube

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Whether an extended resource is a device follows the classes and what nodes offer, for pods that stay as they are.
func TestExtendedResourcesFollowTheClasses(t *testing.T) {
	t.Parallel()
	const gpu = "example.com/gpu"
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, UID: "u", ResourceVersion: "1"}
	}
	p := &corev1.Pod{ObjectMeta: meta("web")}
	p.Namespace = "shop"
	p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{gpu: resource.MustParse("1"), "other.com/x": resource.MustParse("1")}}}}
	class := &resourcev1.DeviceClass{ObjectMeta: meta("gpu")}
	class.Spec.ExtendedResourceName = new(gpu)
	plainNode := &corev1.Node{ObjectMeta: meta("n")}
	offering := plainNode.DeepCopy()
	offering.ResourceVersion, offering.Status.Allocatable = "2", corev1.ResourceList{gpu: resource.MustParse("1")}
	empty := offering.DeepCopy()
	empty.ResourceVersion, empty.Status.Allocatable = "3", corev1.ResourceList{gpu: resource.MustParse("0")}
	group := []plan.Group{{Belief: fleet.Belief{Name: "g"}}}
	offeringGroup := []plan.Group{{Belief: fleet.Belief{Name: "g"}, Template: scheduling.Node{Allocatable: scheduling.Resources{Extended: []scheduling.Extended{{Name: gpu, Amount: 1}}}}}}
	var kept Translator
	for i, c := range []struct {
		classes []*resourcev1.DeviceClass
		node    *corev1.Node
		groups  []plan.Group
		device  bool
	}{
		{nil, plainNode, group, false},
		{[]*resourcev1.DeviceClass{class}, plainNode, group, true},
		{[]*resourcev1.DeviceClass{class}, offering, group, false}, // a device plugin has come
		{[]*resourcev1.DeviceClass{class}, empty, group, true},     // and has none any more
		{[]*resourcev1.DeviceClass{class}, empty, offeringGroup, false},
		{[]*resourcev1.DeviceClass{class}, empty, group, true},
		{nil, empty, group, false},
	} {
		o := &Objects{Nodes: []*corev1.Node{c.node}, Pods: []*corev1.Pod{p}, Storage: &kubesched.Objects{DeviceClasses: c.classes}}
		s := kept.Snapshot(&Observation{Objects: o, Groups: c.groups})
		if err := kept.Trouble(); err != nil {
			t.Fatal(err)
		}
		spec := s.Classes.Spec(s.Pods[0].Class)
		if judged := spec.Demand != ""; judged != c.device || (spec.Requests.Other(gpu) == 0) != c.device || spec.Requests.Other("other.com/x") != 1 {
			t.Errorf("step %d: demand %q, requests %+v; a device: %t", i, spec.Demand, spec.Requests, c.device)
		}
		var fresh Translator
		if got, want := fmt.Sprint(plain(s)), fmt.Sprint(plain(fresh.Snapshot(&Observation{Objects: o, Groups: c.groups}))); got != want {
			t.Errorf("step %d: %s\nwant as from nothing\n%s", i, got, want)
		}
	}
}
