package lab

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A pod is scheduled onto a node that kwok plays, and runs; then nothing is left behind.
func TestLabRunsAPod(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l, err := Start(ctx, Options{Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("10"),
		}},
	}
	node.Status.Capacity = node.Status.Allocatable
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	for _, obj := range []client.Object{node, pod} {
		if err := l.Client.Create(ctx, obj); err != nil {
			t.Fatal(err)
		}
	}
	l.Wait(ctx, t, "the pod runs", func(ctx context.Context) error {
		if err := l.Client.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		return Want(pod.Status.Phase, corev1.PodRunning)
	})
	pids := map[string]int{}
	for _, p := range l.processes {
		pids[p.Name] = p.PID()
	}
	l.Stop()
	for name, pid := range pids {
		if p, err := os.FindProcess(pid); err == nil && p.Signal(syscall.Signal(0)) == nil {
			t.Errorf("%s is still running", name)
		}
	}
	if _, err := os.Stat(l.Dir); !os.IsNotExist(err) {
		t.Errorf("the files are still there: %v", err)
	}
}
