package kube

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
)

// PodChanges collects, as the handler of an informer, what happens to pods between two looks at the cluster: for each
// pod only how it ended. It is safe for concurrent use.
type PodChanges struct {
	mu sync.Mutex
	// last has nil for a pod that is gone.
	last map[types.NamespacedName]*corev1.Pod
}

// OnAdd implements cache.ResourceEventHandler.
func (c *PodChanges) OnAdd(object any, _ bool) { c.note(object, false) }

// OnUpdate implements cache.ResourceEventHandler.
func (c *PodChanges) OnUpdate(_, object any) { c.note(object, false) }

// OnDelete implements cache.ResourceEventHandler.
func (c *PodChanges) OnDelete(object any) {
	if missed, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = missed.Obj
	}
	c.note(object, true)
}

func (c *PodChanges) note(object any, gone bool) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
	if gone {
		pod = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[types.NamespacedName]*corev1.Pod{}
	}
	c.last[name] = pod
}

// take returns what has happened since it was called last.
func (c *PodChanges) take() map[types.NamespacedName]*corev1.Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last
	c.last = nil
	return last
}
