package scheduler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Place reserves for the pod what the plugins find for it on the node, where it must fit: volumes that are free, and
// devices, which its claims have from then on. The next See is to have the pod on the node.
func (s *Scheduler) Place(ctx context.Context, pod *corev1.Pod, node string) error {
	state := framework.NewCycleState()
	if _, status, _ := s.framework.RunPreFilterPlugins(ctx, state, pod); !status.IsSuccess() {
		return status.AsError()
	}
	info, err := s.now.NodeInfos().Get(node)
	if err != nil {
		return err
	}
	if status := s.framework.RunFilterPlugins(ctx, state, pod, info); !status.IsSuccess() {
		return status.AsError()
	}
	if status := s.framework.RunReservePluginsReserve(ctx, state, pod, node); !status.IsSuccess() {
		return status.AsError()
	}
	s.placed[pod.Name] = state
	return s.eachClaim(pod, func(tracker fwk.ResourceClaimTracker, c *resourcev1.ResourceClaim) error {
		allocation := tracker.GetPendingAllocation(c.UID)
		if allocation == nil {
			return nil
		}
		tracker.MaybeRemoveClaimPendingAllocation(c.UID, true)
		c = c.DeepCopy()
		c.Status.Allocation = allocation
		return tracker.AssumeClaimAfterAPICall(c)
	})
}

// Take undoes Place, or takes a pod that ran from the beginning. used says which device claims other pods still use; the
// others have no devices any more.
func (s *Scheduler) Take(ctx context.Context, pod *corev1.Pod, node string, used func(claim string) bool) error {
	if state := s.placed[pod.Name]; state != nil {
		delete(s.placed, pod.Name)
		s.framework.RunReservePluginsUnreserve(ctx, state, pod, node)
	}
	return s.eachClaim(pod, func(tracker fwk.ResourceClaimTracker, c *resourcev1.ResourceClaim) error {
		if used(c.Name) || c.Status.Allocation == nil {
			return nil
		}
		c = c.DeepCopy()
		c.Status = resourcev1.ResourceClaimStatus{}
		return tracker.AssumeClaimAfterAPICall(c)
	})
}

// eachClaim visits the device claims of the pod that exist, as they are now.
func (s *Scheduler) eachClaim(pod *corev1.Pod, f func(fwk.ResourceClaimTracker, *resourcev1.ResourceClaim) error) error {
	tracker := s.devices.ResourceClaims()
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil || name == nil {
			continue
		}
		c, err := tracker.Get(pod.Namespace, *name)
		if err != nil {
			continue
		}
		if err := f(tracker, c); err != nil {
			return fmt.Errorf("claim %s: %w", *name, err)
		}
	}
	return nil
}
