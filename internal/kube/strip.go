package kube

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
)

// strip keeps the fields of an object that trimtab needs in memory. It decides by the object's Go type, so it needs no
// discovery of kinds. A field that an edge reads of a cached pod or node must be kept here: add it to keepContainer and
// the similar functions first.
func strip(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return StripPod(o), nil
	case *corev1.Node:
		stripNode(o)
	case *appsv1.ReplicaSet:
		stripReplicaSet(o)
	case *appsv1.Deployment:
		stripDeployment(o)
	case *appsv1.StatefulSet:
		stripStatefulSet(o)
	case *corev1.PersistentVolumeClaim:
		stripClaim(o)
	case *corev1.PersistentVolume:
		stripVolume(o)
	case *storagev1.StorageClass:
		stripStorageClass(o)
	case *storagev1.VolumeAttachment:
		stripAttachment(o)
	case *resourcev1.ResourceClaim:
		stripDeviceClaim(o)
	}
	stripMetadata(obj)
	return obj, nil
}

// stripMetadata drops metadata that no part reads.
func stripMetadata(obj any) {
	if m, err := meta.Accessor(obj); err == nil {
		m.SetManagedFields(nil)
		if a := m.GetAnnotations(); a[corev1.LastAppliedConfigAnnotation] != "" {
			delete(a, corev1.LastAppliedConfigAnnotation)
		}
	}
}

// annotationPrefixes are the prefixes of pod annotations that a part reads.
func annotationPrefixes() []string {
	return []string{
		"cluster-autoscaler.kubernetes.io/", "delay-deletion.cluster-autoscaler.kubernetes.io/",
		"kubernetes.io/config.", "trimtab.dev/", "kwok.x-k8s.io/", "vpa", "k8s.io/cluster-autoscaler",
	}
}

func stripAnnotations(all map[string]string) map[string]string {
	var kept map[string]string
	for key, value := range all {
		for _, prefix := range annotationPrefixes() {
			if strings.HasPrefix(key, prefix) {
				if kept == nil {
					kept = map[string]string{}
				}
				kept[key] = value
				break
			}
		}
	}
	return kept
}

// StripPod is the pod as in the cache, with only the fields that a part reads. It shares memory with p.
func StripPod(p *corev1.Pod) *corev1.Pod {
	out := &corev1.Pod{TypeMeta: p.TypeMeta, ObjectMeta: p.ObjectMeta}
	out.ManagedFields, out.Annotations = nil, stripAnnotations(p.Annotations)
	s := &p.Spec
	out.Spec = corev1.PodSpec{
		Containers:                    keepContainers(s.Containers),
		InitContainers:                keepContainers(s.InitContainers),
		Overhead:                      s.Overhead,
		Resources:                     s.Resources,
		NodeName:                      s.NodeName,
		NodeSelector:                  s.NodeSelector,
		Affinity:                      s.Affinity,
		Tolerations:                   s.Tolerations,
		TopologySpreadConstraints:     s.TopologySpreadConstraints,
		Volumes:                       keepVolumes(s.Volumes),
		ResourceClaims:                s.ResourceClaims,
		HostNetwork:                   s.HostNetwork,
		HostUsers:                     s.HostUsers,
		Priority:                      s.Priority,
		PriorityClassName:             s.PriorityClassName,
		PreemptionPolicy:              s.PreemptionPolicy,
		RestartPolicy:                 s.RestartPolicy,
		SchedulerName:                 s.SchedulerName,
		SchedulingGates:               s.SchedulingGates,
		SchedulingGroup:               s.SchedulingGroup,
		TerminationGracePeriodSeconds: s.TerminationGracePeriodSeconds,
	}
	st := &p.Status
	out.Status = corev1.PodStatus{
		Phase: st.Phase, Conditions: keepConditions(p), Reason: st.Reason, StartTime: st.StartTime,
		NominatedNodeName: st.NominatedNodeName, QOSClass: st.QOSClass,
		ResourceClaimStatuses: st.ResourceClaimStatuses, ExtendedResourceClaimStatus: st.ExtendedResourceClaimStatus,
		ContainerStatuses: keepStatuses(p, st.ContainerStatuses, s.Containers), InitContainerStatuses: keepStatuses(p, st.InitContainerStatuses, s.InitContainers),
	}
	return out
}

// keepConditions keeps why a pod has no node, and the state of a resize.
func keepConditions(p *corev1.Pod) []corev1.PodCondition {
	var kept []corev1.PodCondition
	for _, c := range p.Status.Conditions {
		switch c.Type {
		case corev1.PodScheduled:
			if p.Spec.NodeName == "" {
				kept = append(kept, c)
			}
		case corev1.PodResizePending, corev1.PodResizeInProgress:
			kept = append(kept, c)
		}
	}
	return kept
}

func keepContainers(all []corev1.Container) []corev1.Container {
	kept := make([]corev1.Container, len(all))
	for i := range all {
		c := &all[i]
		kept[i] = corev1.Container{
			Name: c.Name, Resources: c.Resources, ResizePolicy: c.ResizePolicy, RestartPolicy: c.RestartPolicy,
			RestartPolicyRules: c.RestartPolicyRules, Ports: c.Ports, VolumeMounts: keepMounts(c.VolumeMounts),
		}
	}
	return kept
}

// keepMounts keeps mounts with options that not every node supports.
func keepMounts(all []corev1.VolumeMount) []corev1.VolumeMount {
	var kept []corev1.VolumeMount
	for i := range all {
		if options := all[i].BindMountOptions; len(options) > 0 {
			kept = append(kept, corev1.VolumeMount{Name: all[i].Name, BindMountOptions: options})
		}
	}
	return kept
}

// keepVolumes drops volumes with files from the API server: every node can mount them, and no data is lost with the
// node.
func keepVolumes(all []corev1.Volume) []corev1.Volume {
	var kept []corev1.Volume
	for _, v := range all {
		if v.Projected == nil && v.ConfigMap == nil && v.Secret == nil && v.DownwardAPI == nil {
			kept = append(kept, v)
		}
	}
	return kept
}

// keepStatuses keeps containers that have ended once, and containers whose resources differ from their spec. While a
// resize waits, the spec does not show the real resources.
func keepStatuses(p *corev1.Pod, all []corev1.ContainerStatus, specs []corev1.Container) []corev1.ContainerStatus {
	var kept []corev1.ContainerStatus
	resizing := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodResizePending })
	for i := range all {
		c := &all[i]
		one := corev1.ContainerStatus{Name: c.Name, AllocatedResources: c.AllocatedResources, Resources: c.Resources}
		one.State.Terminated, one.LastTerminationState.Terminated = c.State.Terminated, c.LastTerminationState.Terminated
		at := slices.IndexFunc(specs, func(spec corev1.Container) bool { return spec.Name == c.Name })
		if at >= 0 && !resizing && asSpecified(c, specs[at].Resources.Requests) {
			one.AllocatedResources, one.Resources = nil, nil
		}
		if one.State.Terminated != nil || one.LastTerminationState.Terminated != nil || one.AllocatedResources != nil || one.Resources != nil {
			kept = append(kept, one)
		}
	}
	return kept
}

// asSpecified is true if the container has its requested resources, as far as its status shows.
func asSpecified(c *corev1.ContainerStatus, requests corev1.ResourceList) bool {
	return (c.AllocatedResources == nil || equality.Semantic.DeepEqual(c.AllocatedResources, requests)) &&
		(c.Resources == nil || c.Resources.Requests == nil || equality.Semantic.DeepEqual(c.Resources.Requests, requests))
}

// stripNode keeps the annotations: servers of the provider externalgrpc get them, and may recognise nodes by any of
// them.
func stripNode(n *corev1.Node) {
	n.Status.Images, n.Status.VolumesInUse, n.Status.VolumesAttached = nil, nil, nil
}

// stripReplicaSet keeps its owner and its number of replicas. There is one for each past rollout.
func stripReplicaSet(r *appsv1.ReplicaSet) {
	r.Annotations, r.Spec.Template = nil, corev1.PodTemplateSpec{}
}

// stripDeployment keeps the selector and the number of replicas. No part needs more of a controller.
func stripDeployment(d *appsv1.Deployment) {
	d.Annotations, d.Spec.Template, d.Status = nil, corev1.PodTemplateSpec{}, appsv1.DeploymentStatus{}
}

// stripStatefulSet keeps the same as stripDeployment.
func stripStatefulSet(s *appsv1.StatefulSet) {
	s.Annotations, s.Spec.Template, s.Status = nil, corev1.PodTemplateSpec{}, appsv1.StatefulSetStatus{}
	s.Spec.VolumeClaimTemplates = nil
}
