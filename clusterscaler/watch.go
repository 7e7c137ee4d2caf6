package clusterscaler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// watchPods makes a pod that becomes unschedulable start a loop.
func (c *ClusterScaler) watchPods(ctx context.Context) error {
	informer, err := c.deps.Kube.Cache.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	handler, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if unschedulable(obj) {
				c.signal()
			}
		},
		UpdateFunc: func(before, after any) {
			if unschedulable(after) && !unschedulable(before) {
				c.signal()
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = informer.RemoveEventHandler(handler) }) // fails only where it is gone already
	return nil
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
