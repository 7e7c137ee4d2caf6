package kube

import (
	"reflect"
	"runtime"
	"testing"
	"unsafe"
	"weak"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pods of one controller share what is equal in them; each is what it would be alone.
func TestPodsOfAControllerShareMemory(t *testing.T) {
	one := func(name, node, owner string, change ...func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{}
		read(t, "pod.yaml", p)
		p.Name, p.UID, p.Spec.NodeName, p.OwnerReferences[0].UID = name, types.UID(name), node, types.UID(owner)
		for _, c := range change {
			c(p)
		}
		return p
	}
	s := newStripper()
	kept := func(p *corev1.Pod) *corev1.Pod {
		t.Helper()
		alone := StripPod(p.DeepCopy())
		out, err := s.strip(p)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(out, alone) {
			t.Errorf("kept is %+v, alone it would be %+v", out, alone)
		}
		return out.(*corev1.Pod)
	}
	first := kept(one("a", "n1", "set"))
	for _, c := range []struct {
		name                       string
		pod                        *corev1.Pod
		labels, containers, claims bool // what is shared
	}{
		{"another of the set", one("b", "n2", "set"), true, true, true},
		{"another set", one("c", "n2", "other"), false, false, false},
		{"other labels", one("d", "n2", "set", func(p *corev1.Pod) { p.Labels["index"] = "4" }), false, true, true},
		{"its own claim", one("e", "n2", "set", func(p *corev1.Pod) { p.Spec.Volumes[1].PersistentVolumeClaim.ClaimName = "e" }), true, true, false},
		{"another template", one("f", "n2", "set", func(p *corev1.Pod) { p.Spec.Containers[0].Name = "new" }), true, false, true},
		{"no controller", one("g", "n2", "set", func(p *corev1.Pod) { p.OwnerReferences[0].Controller = nil }), false, false, false},
	} {
		p := kept(c.pod)
		if got := reflect.ValueOf(p.Labels).Pointer() == reflect.ValueOf(first.Labels).Pointer(); got != c.labels {
			t.Errorf("%s: labels shared is %t", c.name, got)
		}
		if got := unsafe.SliceData(p.Spec.Containers) == unsafe.SliceData(first.Spec.Containers); got != c.containers {
			t.Errorf("%s: containers shared is %t", c.name, got)
		}
		if got := unsafe.SliceData(p.Spec.Volumes) == unsafe.SliceData(first.Spec.Volumes); got != c.claims {
			t.Errorf("%s: volumes shared is %t", c.name, got)
		}
		kept(one("a", "n1", "set")) // the set's last again
		first = kept(one("a", "n1", "set"))
	}
}

// A pod that the cache has dropped is not kept in memory for later pods.
func TestSharedPodsAreNotKept(t *testing.T) {
	s := newStripper()
	p := &corev1.Pod{}
	read(t, "pod.yaml", p)
	out, err := s.strip(p)
	if err != nil {
		t.Fatal(err)
	}
	gone := weak.Make(out.(*corev1.Pod))
	if kept, ok := s.last.Get([]byte("1a")); !ok || kept.Value() == nil {
		t.Error("the last pod of the controller is not known")
	}
	runtime.KeepAlive(out)
	runtime.GC()
	if gone.Value() != nil {
		t.Error("it is still in memory")
	}
}

// A status says nothing that the spec says already, unless a resize waits.
func TestStatusOfAContainerIsKeptWhereItDiffers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*corev1.Pod)
		want   int
	}{
		{"others than requested, and killed once", func(*corev1.Pod) {}, 1},
		{"as requested, and killed once", func(p *corev1.Pod) { asRequested(p) }, 1},
		{"as requested, and never ended", func(p *corev1.Pod) { asRequested(p).LastTerminationState = corev1.ContainerState{} }, 0},
		{"others than requested, and never ended", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{}
		}, 1},
		{"ended", func(p *corev1.Pod) {
			status := asRequested(p)
			status.State, status.LastTerminationState = status.LastTerminationState, corev1.ContainerState{}
		}, 1},
		{"as requested, while a resize waits", func(p *corev1.Pod) {
			asRequested(p).LastTerminationState = corev1.ContainerState{}
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue})
		}, 1},
	} {
		p := &corev1.Pod{}
		read(t, "pod.yaml", p)
		c.change(p)
		if got := len(StripPod(p).Status.ContainerStatuses); got != c.want {
			t.Errorf("%s: %d statuses are kept, want %d", c.name, got, c.want)
		}
	}
}

func asRequested(p *corev1.Pod) *corev1.ContainerStatus {
	status := &p.Status.ContainerStatuses[0]
	requests := p.Spec.Containers[0].Resources.Requests.DeepCopy()
	status.AllocatedResources, status.Resources = requests, &corev1.ResourceRequirements{Requests: requests}
	return status
}

// Only the conditions about scheduling and about a resize are kept.
func TestConditionsOfPods(t *testing.T) {
	for node, want := range map[string]int{"": 3, "n1": 2} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
		p.Spec.NodeName = node
		for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReady, corev1.PodResizePending, corev1.PodResizeInProgress} {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind})
		}
		if got := StripPod(p).Status.Conditions; len(got) != want {
			t.Errorf("of a pod on the node %q: %v are kept", node, got)
		}
	}
}
