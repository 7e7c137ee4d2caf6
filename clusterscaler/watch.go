package clusterscaler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// watchPods collects what happens to pods, and makes one that becomes unschedulable start a loop.
func (c *ClusterScaler) watchPods(ctx context.Context) error {
	informer, err := c.deps.Kube.Cache.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	changes := &kube.PodChanges{}
	handler, err := informer.AddEventHandler(podHandler{changes, c.signal})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = informer.RemoveEventHandler(handler) }) // fails only where it is gone already
	if !cache.WaitForCacheSync(ctx.Done(), handler.HasSynced) {
		return nil // it is the end
	}
	c.observer.Changes = changes
	return nil
}

// podHandler notes all changes and signals pods that have become unschedulable.
type podHandler struct {
	*kube.PodChanges
	signal func()
}

// OnAdd implements cache.ResourceEventHandler.
func (h podHandler) OnAdd(pod any, initial bool) {
	h.PodChanges.OnAdd(pod, initial)
	if unschedulable(pod) {
		h.signal()
	}
}

// OnUpdate implements cache.ResourceEventHandler.
func (h podHandler) OnUpdate(before, after any) {
	h.PodChanges.OnUpdate(before, after)
	if unschedulable(after) && !unschedulable(before) {
		h.signal()
	}
}

// unschedulable is whether the scheduler has found no node for the pod.
func unschedulable(obj any) bool {
	pod, ok := obj.(*corev1.Pod)
	if !ok || pod.Spec.NodeName != "" {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled {
			return condition.Status == corev1.ConditionFalse && condition.Reason == corev1.PodReasonUnschedulable
		}
	}
	return false
}
