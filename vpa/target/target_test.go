package target

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trimtab/trimtab/internal/kube"
)

// with is an API server that has one object.
func with(t *testing.T, object client.Object) client.Client {
	t.Helper()
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(object).Build()
}

// Each kind of target that is supported selects the pods by the labels that it is made with here.
func TestSelectorOfEachKind(t *testing.T) {
	at := metav1.ObjectMeta{Namespace: "shop", Name: "x"}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "x"}}}
	for kind, object := range map[string]client.Object{
		"Deployment":  &appsv1.Deployment{ObjectMeta: at, Spec: appsv1.DeploymentSpec{Selector: selector}},
		"StatefulSet": &appsv1.StatefulSet{ObjectMeta: at, Spec: appsv1.StatefulSetSpec{Selector: selector}},
		"DaemonSet":   &appsv1.DaemonSet{ObjectMeta: at, Spec: appsv1.DaemonSetSpec{Selector: selector}},
		"ReplicaSet":  &appsv1.ReplicaSet{ObjectMeta: at, Spec: appsv1.ReplicaSetSpec{Selector: selector}},
		"Job":         &batchv1.Job{ObjectMeta: at, Spec: batchv1.JobSpec{Selector: selector}},
		"CronJob":     &batchv1.CronJob{ObjectMeta: at, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}},
	} {
		ref := &autoscalingv1.CrossVersionObjectReference{APIVersion: kinds()[kind].group + "/v1", Kind: kind, Name: "x"}
		s, err := Selector(t.Context(), with(t, object), "shop", ref)
		if err != nil || !s.Matches(labels.Set{"app": "x", "more": "y"}) || s.Matches(labels.Set{"app": "y"}) {
			t.Errorf("%s: %v, %v", kind, s, err)
		}
	}
	empty := &batchv1.CronJob{ObjectMeta: at}
	ref := &autoscalingv1.CrossVersionObjectReference{APIVersion: "batch/v1", Kind: "CronJob", Name: "x"}
	if _, err := Selector(t.Context(), with(t, empty), "shop", ref); err == nil || !strings.Contains(err.Error(), "would match every pod of the namespace") {
		t.Errorf("a CronJob without labels: %v", err)
	}
}
