package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { Main(m) }

// A pod is scheduled onto a node that kwok plays, and runs.
func TestAPodRuns(t *testing.T) {
	t.Parallel()
	l := Shared(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("10"),
		}},
	}
	node.Status.Capacity = node.Status.Allocatable
	p := pod("runs")
	for _, obj := range []client.Object{node, p} {
		if err := l.Client.Create(ctx, obj); err != nil {
			t.Fatal(err)
		}
	}
	l.Wait(ctx, t, "the pod runs", func(ctx context.Context) error {
		if err := l.Client.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		return Want(p.Status.Phase, corev1.PodRunning)
	})
}

// What does not come is shown with the cluster as it was.
func TestAVainWaitShowsTheCluster(t *testing.T) {
	t.Parallel()
	l := Shared(t)
	waiting := pod("waits")
	waiting.Spec.NodeSelector = map[string]string{"no": "such-node"}
	if err := l.Client.Create(t.Context(), waiting); err != nil {
		t.Fatal(err)
	}
	// Long enough for the scheduler to say why: its Event is part of what must be shown.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	said := &recorder{}
	l.Wait(ctx, said, "the pod runs", func(context.Context) error { return errors.New("it is Pending") })
	l.failed = false
	for _, part := range []string{"waited in vain until the pod runs: after 8s: it is Pending", "default/waits", "Pending", "FailedScheduling"} {
		if !strings.Contains(said.text, part) {
			t.Errorf("%q is not in what was shown:\n%s", part, said.text)
		}
	}
}

// recorder takes the place of a test that fails.
type recorder struct{ text string }

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) { r.text = fmt.Sprintf(format, args...) }

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
}

// A lab that is stopped leaves no process and no file behind.
func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	l, err := Start(ctx, Options{Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
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
