package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// WatchPods collects what happens to pods until ctx ends, and calls signal for each pod that becomes unschedulable. It
// returns once the cache is filled.
func WatchPods(ctx context.Context, pods cache.Informers, signal func()) (*PodChanges, error) {
	informer, err := pods.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	changes := &PodChanges{}
	handler, err := informer.AddEventHandler(podHandler{changes, signal})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = informer.RemoveEventHandler(handler) }) // fails only where it is gone already
	toolscache.WaitForCacheSync(ctx.Done(), handler.HasSynced)                  // false at the end of ctx only
	return changes, nil
}

// podHandler notes all changes and signals pods that have become unschedulable.
type podHandler struct {
	*PodChanges
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
