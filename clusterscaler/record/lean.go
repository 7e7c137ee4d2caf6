package record

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// The functions here copy of an object what a decision reads. They change nothing of it, and share memory with it.

// leanMeta keeps names, versions, labels, times and owners, and the annotations that decide.
func leanMeta(m *metav1.ObjectMeta) metav1.ObjectMeta {
	out := metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation, Labels: m.Labels,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, DeletionGracePeriodSeconds: m.DeletionGracePeriodSeconds,
	}
	for _, o := range m.OwnerReferences {
		if o.Controller != nil && *o.Controller {
			out.OwnerReferences = append(out.OwnerReferences, o)
		}
	}
	for key, value := range m.Annotations {
		if decides(key) {
			if out.Annotations == nil {
				out.Annotations = map[string]string{}
			}
			out.Annotations[key] = value
		}
	}
	return out
}

// The annotations whose values have names in them, and what the keys of cluster-autoscaler's begin with.
const (
	annotationSelectedNode = "volume.kubernetes.io/selected-node"
	autoscalerPrefix       = "cluster-autoscaler.kubernetes.io/"
	annotationSafeVolumes  = autoscalerPrefix + "safe-to-evict-local-volumes"
)

// decides is whether a decision depends on annotations with the key.
func decides(key string) bool {
	switch key {
	case corev1.MirrorPodAnnotationKey, annotationSelectedNode, "pv.kubernetes.io/bind-completed", corev1.BetaStorageClassAnnotation,
		corev1.MigratedPluginsAnnotationKey:
		return true
	}
	return strings.HasPrefix(key, autoscalerPrefix) || strings.HasPrefix(key, "resource.kubernetes.io/")
}

func leanPod(p *corev1.Pod) *corev1.Pod {
	out := sharedkube.StripPod(p)
	out.TypeMeta, out.ObjectMeta = metav1.TypeMeta{}, leanMeta(&p.ObjectMeta)
	leanSpec(&out.Spec)
	out.Status = corev1.PodStatus{
		Phase: p.Status.Phase, NominatedNodeName: p.Status.NominatedNodeName, ResourceClaimStatuses: p.Status.ResourceClaimStatuses,
		ExtendedResourceClaimStatus: p.Status.ExtendedResourceClaimStatus,
		ContainerStatuses:           leanStatuses(p.Status.ContainerStatuses), InitContainerStatuses: leanStatuses(p.Status.InitContainerStatuses),
	}
	for _, c := range p.Status.Conditions {
		switch c.Type {
		case corev1.PodScheduled, corev1.PodResizePending, corev1.PodResizeInProgress:
			out.Status.Conditions = append(out.Status.Conditions, corev1.PodCondition{Type: c.Type, Status: c.Status, Reason: c.Reason})
		}
	}
	return out
}

// leanSpec drops what of a stripped spec no decision of nodes reads.
func leanSpec(s *corev1.PodSpec) {
	volumes := make([]corev1.Volume, len(s.Volumes))
	for i, v := range s.Volumes {
		volumes[i] = corev1.Volume{Name: v.Name, VolumeSource: leanVolume(v.VolumeSource)}
	}
	s.Volumes = volumes
	s.PriorityClassName = ""
}

// leanVolume keeps of volumes that do not decide on a node their kind alone.
func leanVolume(v corev1.VolumeSource) corev1.VolumeSource {
	switch {
	case v.ConfigMap != nil:
		v.ConfigMap = &corev1.ConfigMapVolumeSource{}
	case v.Secret != nil:
		v.Secret = &corev1.SecretVolumeSource{}
	case v.Projected != nil:
		v.Projected = &corev1.ProjectedVolumeSource{}
	case v.DownwardAPI != nil:
		v.DownwardAPI = &corev1.DownwardAPIVolumeSource{}
	case v.HostPath != nil:
		v.HostPath = &corev1.HostPathVolumeSource{}
	case v.NFS != nil:
		v.NFS = &corev1.NFSVolumeSource{}
	case v.GitRepo != nil:
		v.GitRepo = &corev1.GitRepoVolumeSource{}
	case v.Image != nil:
		v.Image = &corev1.ImageVolumeSource{}
	case v.FlexVolume != nil:
		v.FlexVolume = &corev1.FlexVolumeSource{Driver: v.FlexVolume.Driver}
	case v.CSI != nil:
		v.CSI = &corev1.CSIVolumeSource{Driver: v.CSI.Driver}
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		t := *v.Ephemeral.VolumeClaimTemplate
		t.ObjectMeta = leanMeta(&t.ObjectMeta)
		v.Ephemeral = &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &t}
	}
	return v
}

// leanStatuses keeps what containers are allotted.
func leanStatuses(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for i := range all {
		if c := &all[i]; c.AllocatedResources != nil || c.Resources != nil {
			out = append(out, corev1.ContainerStatus{Name: c.Name, AllocatedResources: c.AllocatedResources, Resources: c.Resources})
		}
	}
	return out
}

func leanNode(n *corev1.Node) *corev1.Node {
	out := &corev1.Node{ObjectMeta: leanMeta(&n.ObjectMeta)}
	out.Spec = corev1.NodeSpec{ProviderID: n.Spec.ProviderID, Taints: n.Spec.Taints, Unschedulable: n.Spec.Unschedulable}
	out.Status = corev1.NodeStatus{Capacity: n.Status.Capacity, Allocatable: n.Status.Allocatable, DeclaredFeatures: n.Status.DeclaredFeatures}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady || c.Type == corev1.NodeNetworkUnavailable {
			out.Status.Conditions = append(out.Status.Conditions, corev1.NodeCondition{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime})
		}
	}
	return out
}

func leanDaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	template := leanPod(&corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec})
	return &appsv1.DaemonSet{ObjectMeta: leanMeta(&d.ObjectMeta), Spec: appsv1.DaemonSetSpec{
		Template: corev1.PodTemplateSpec{ObjectMeta: template.ObjectMeta, Spec: template.Spec},
	}}
}

func leanBudget(b *policyv1.PodDisruptionBudget) *policyv1.PodDisruptionBudget {
	out := &policyv1.PodDisruptionBudget{ObjectMeta: leanMeta(&b.ObjectMeta)}
	out.Spec.Selector = b.Spec.Selector
	out.Status.DisruptionsAllowed, out.Status.ObservedGeneration = b.Status.DisruptionsAllowed, b.Status.ObservedGeneration
	return out
}

func leanVolumeObject(v *corev1.PersistentVolume) *corev1.PersistentVolume {
	out := *v
	out.TypeMeta, out.ObjectMeta = metav1.TypeMeta{}, leanMeta(&v.ObjectMeta)
	if csi := v.Spec.CSI; csi != nil {
		out.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: csi.Driver, VolumeHandle: csi.VolumeHandle}
	}
	out.Spec.MountOptions, out.Status = nil, corev1.PersistentVolumeStatus{Phase: v.Status.Phase}
	return &out
}

// leanDeviceClaim drops the settings of drivers.
func leanDeviceClaim(c *resourcev1.ResourceClaim) *resourcev1.ResourceClaim {
	out := *c
	out.TypeMeta, out.ObjectMeta = metav1.TypeMeta{}, leanMeta(&c.ObjectMeta)
	out.Spec.Devices.Config, out.Status.Devices = nil, slices.Clone(c.Status.Devices)
	for i := range out.Status.Devices {
		out.Status.Devices[i].Data, out.Status.Devices[i].NetworkData = nil, nil
	}
	if a := c.Status.Allocation; a != nil {
		allocation := *a
		allocation.Devices.Config = nil
		out.Status.Allocation = &allocation
	}
	return &out
}

// lean copies any other object with lean metadata, and changes the copy.
func lean[T any](o *T, meta func(*T) *metav1.ObjectMeta, change func(*T)) *T {
	out := *o
	m := meta(&out)
	*m = leanMeta(m)
	if change != nil {
		change(&out)
	}
	return &out
}

// sortedBy is the list in the order of the keys.
func sortedBy[T any](list []T, key func(T) string) []T {
	return slices.SortedStableFunc(slices.Values(list), func(a, b T) int { return strings.Compare(key(a), key(b)) })
}
