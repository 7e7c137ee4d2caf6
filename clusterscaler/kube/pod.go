package kube

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/evict"
)

// The annotations of cluster-autoscaler that are honoured.
const (
	annotationSafeToEvict       = "cluster-autoscaler.kubernetes.io/safe-to-evict"
	annotationSafeLocalVolumes  = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
	annotationPodScaleUpDelay   = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay"
	annotationDaemonSetPod      = "cluster-autoscaler.kubernetes.io/daemonset-pod"
	annotationScaleDownDisabled = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
)

// podOf translates what can be read from the pod alone: not its class, its budgets and whether its owner exists.
func podOf(p *corev1.Pod) plan.Pod {
	out := plan.Pod{
		Name:         p.Namespace + "/" + p.Name,
		Constraint:   scheduling.Constraint(p),
		Created:      p.CreationTimestamp.Time,
		Delay:        scaleUpDelay(p),
		Mirror:       p.Annotations[corev1.MirrorPodAnnotationKey] != "",
		Eviction:     eviction(p),
		AsDaemon:     p.Annotations[annotationDaemonSetPod] == "true",
		LocalVolumes: localVolumes(p),
	}
	out.State, out.Node = state(p)
	if p.Spec.Priority != nil {
		out.Priority = *p.Spec.Priority
	}
	if owner := metav1.GetControllerOfNoCopy(p); owner != nil {
		out.Owner = owner.Kind
	}
	if p.DeletionTimestamp != nil {
		out.Grace, out.Deleted = evict.Grace(p), p.DeletionTimestamp.Time
		if grace := p.DeletionGracePeriodSeconds; grace != nil { // the timestamp is when it ends
			out.Deleted = out.Deleted.Add(-evict.Seconds(*grace))
		}
	}
	return out
}

// isDaemon is whether the pod counts as one of a DaemonSet.
func isDaemon(p *corev1.Pod) bool {
	return p.Annotations[annotationDaemonSetPod] == "true" || daemonSetOf(p) != ""
}

// daemonSetOf is the namespace/name of the pod's DaemonSet; empty where it has none.
func daemonSetOf(p *corev1.Pod) string {
	if owner := metav1.GetControllerOfNoCopy(p); owner != nil && owner.Kind == "DaemonSet" {
		return p.Namespace + "/" + owner.Name
	}
	return ""
}

// state is where the pod stands, and its node where it has one.
func state(p *corev1.Pod) (plan.State, string) {
	switch {
	case p.Spec.NodeName != "":
		return plan.Bound, p.Spec.NodeName
	case p.Status.NominatedNodeName != "":
		return plan.Preempting, p.Status.NominatedNodeName
	case len(p.Spec.SchedulingGates) > 0:
		return plan.Gated, ""
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return plan.Pending, ""
		}
	}
	return plan.Unseen, ""
}

func eviction(p *corev1.Pod) plan.Eviction {
	switch p.Annotations[annotationSafeToEvict] {
	case "true":
		return plan.EvictionSafe
	case "false":
		return plan.EvictionUnsafe
	case "on-completion":
		return plan.EvictionOnCompletion
	}
	return plan.EvictionUnset
}

// localVolumes names the volumes whose data is lost with the node. Volumes that an annotation calls safe are left out.
func localVolumes(p *corev1.Pod) []string {
	safe := strings.Split(p.Annotations[annotationSafeLocalVolumes], ",") // a space is part of a name, as in cluster-autoscaler
	var out []string
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		local := v.HostPath != nil || (v.EmptyDir != nil && v.EmptyDir.Medium != corev1.StorageMediumMemory)
		if local && !slices.Contains(safe, v.Name) {
			out = append(out, v.Name)
		}
	}
	return out
}

// scaleUpDelay is what the pod's annotation says; one that cannot be read says nothing.
func scaleUpDelay(p *corev1.Pod) time.Duration {
	d, err := time.ParseDuration(p.Annotations[annotationPodScaleUpDelay])
	if err != nil {
		return 0
	}
	return d
}
