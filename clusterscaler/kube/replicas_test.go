package kube

import (
	"context"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Pods of ReplicaSets and ReplicationControllers with fewer replicas than wanted are found, and no longer when these have
// grown; other controllers do not count.
func TestFewReplicas(t *testing.T) {
	of := func(name, kind, owner string) *corev1.Pod {
		return with(testPod(name, kind), func(p *corev1.Pod) { p.OwnerReferences[0].Name = owner })
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "default", Name: name}
	}
	one, two := int32(1), int32(2)
	small := &appsv1.ReplicaSet{ObjectMeta: meta("small"), Spec: appsv1.ReplicaSetSpec{Replicas: &one}}
	r := newRig(t, testNode(), small,
		&appsv1.ReplicaSet{ObjectMeta: meta("large"), Spec: appsv1.ReplicaSetSpec{Replicas: &two}},
		&appsv1.ReplicaSet{ObjectMeta: meta("unset")},
		&appsv1.StatefulSet{ObjectMeta: meta("small"), Spec: appsv1.StatefulSetSpec{Replicas: &one}},
		&corev1.ReplicationController{ObjectMeta: meta("small"), Spec: corev1.ReplicationControllerSpec{Replicas: &one}},
		of("a", "ReplicaSet", "small"), of("b", "ReplicaSet", "large"), of("c", "ReplicaSet", "unset"), of("d", "StatefulSet", "small"),
		of("e", "ReplicationController", "small"), of("f", "ReplicaSet", "gone"))
	var translator Translator
	few := func(least int) []string {
		t.Helper()
		o, err := Observer{Cached: r.api, Live: r.api, MinReplicas: least}.Observe(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range translator.Snapshot(&Observation{Objects: o}).Pods {
			if p.FewReplicas {
				out = append(out, p.Name)
			}
		}
		return out
	}
	check := func(what string, least int, want ...string) {
		t.Helper()
		if got := few(least); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("none wanted", 0)
	check("two wanted", 2, "default/a", "default/e")
	if err := r.api.Get(context.Background(), client.ObjectKeyFromObject(small), small); err != nil {
		t.Fatal(err)
	}
	small.Spec.Replicas = &two
	if err := r.api.Update(context.Background(), small); err != nil {
		t.Fatal(err)
	}
	check("one has grown", 2, "default/e")
}
