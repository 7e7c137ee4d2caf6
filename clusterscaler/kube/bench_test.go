package kube

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkSnapshot translates 5,000 nodes and 150,000 pods of 200 deployments, from nothing and after one pod has
// changed.
func BenchmarkSnapshot(b *testing.B) {
	const nodes, each, deployments = 5000, 30, 200
	o := &Objects{Namespaces: map[string]map[string]string{"default": nil}, OwnerMissing: func(kind, _, _ string) bool { return kind == "" }}
	for n := range nodes {
		name := fmt.Sprintf("node-%05d", n)
		o.Nodes = append(o.Nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": fmt.Sprint("zone-", n%3)}},
			Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourcePods: resource.MustParse("110")}},
		})
		for i := range each {
			o.Pods = append(o.Pods, deploymentPod(fmt.Sprintf("pod-%05d-%02d", n, i), name, (n*7+i)%deployments))
		}
	}
	b.Run("from-nothing", func(b *testing.B) {
		for b.Loop() {
			if s := (&Observation{Objects: o}).Snapshot(); len(s.Pods) != nodes*each || s.Classes.Len() != deployments {
				b.Fatalf("%d pods, %d classes", len(s.Pods), s.Classes.Len())
			}
		}
	})
	b.Run("one-pod-changed", func(b *testing.B) {
		b.ReportAllocs()
		var t Translator
		feed := &PodChanges{}
		for _, p := range o.Pods {
			feed.OnAdd(p, true)
		}
		seen := *o
		seen.Pods, seen.Changes = nil, feed
		t.Snapshot(&Observation{Objects: &seen})
		i := 0
		for b.Loop() {
			changed := *o.Pods[0]
			i++
			changed.ResourceVersion = fmt.Sprint("changed-", i)
			feed.OnUpdate(o.Pods[0], &changed)
			if s := t.Snapshot(&Observation{Objects: &seen}); len(s.Pods) != nodes*each {
				b.Fatalf("%d pods", len(s.Pods))
			}
		}
	})
}

// deploymentPod is a pod of the deployment with that number, as rollouts make them.
func deploymentPod(name, node string, deployment int) *corev1.Pod {
	app := fmt.Sprintf("app-%03d", deployment)
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, ResourceVersion: "1", Labels: map[string]string{"app": app, "pod-template-hash": "7d9fc8b6c4"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: app, Controller: new(true)}},
		},
		Spec: corev1.PodSpec{
			NodeName: node,
			Containers: []corev1.Container{{Name: "web", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: *resource.NewMilliQuantity(int64(200+deployment%20), resource.DecimalSI), corev1.ResourceMemory: *resource.NewQuantity(1<<28, resource.BinarySI),
			}}}},
			Tolerations: []corev1.Toleration{
				{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute},
				{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute},
			},
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selector,
			}},
			Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
				{TopologyKey: "kubernetes.io/hostname", LabelSelector: selector},
			}}},
		},
	}
}
