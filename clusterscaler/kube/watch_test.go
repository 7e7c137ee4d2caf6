package kube

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// A pod that becomes unschedulable, or is found so, starts a loop. One that stays so does not.
func TestUnschedulablePodsSignal(t *testing.T) {
	waiting := &corev1.Pod{}
	waiting.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
	signals := 0
	h := podHandler{&PodChanges{}, func() { signals++ }}
	for i, step := range []func(){
		func() { h.OnAdd(waiting, true) },
		func() { h.OnUpdate(&corev1.Pod{}, waiting) },
		func() {
			h.OnUpdate(waiting, waiting)
			h.OnUpdate(waiting, &corev1.Pod{})
			h.OnAdd(&corev1.Pod{}, false)
		},
	} {
		step()
		if want := min(i+1, 2); signals != want {
			t.Errorf("step %d: %d signals, want %d", i, signals, want)
		}
	}
	if len(h.take()) != 1 {
		t.Error("the pod's changes are not kept")
	}
}

func TestUnschedulable(t *testing.T) {
	waiting := &corev1.Pod{}
	waiting.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
	bound := waiting.DeepCopy()
	bound.Spec.NodeName = "n"
	for _, c := range []struct {
		obj  any
		want bool
	}{{waiting, true}, {bound, false}, {&corev1.Pod{}, false}, {&corev1.Node{}, false}} {
		if got := unschedulable(c.obj); got != c.want {
			t.Errorf("%T: %t, want %t", c.obj, got, c.want)
		}
	}
}
