package kube

import (
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// Fields of volumes and device claims that matter for scheduling. The cluster scaler runs kube-scheduler's own plugins,
// which must find here what they read.

// claimAnnotations are the annotations of a claim's binding.
func claimAnnotations() []string {
	return []string{"pv.kubernetes.io/bind-completed", "volume.kubernetes.io/selected-node", corev1.BetaStorageClassAnnotation}
}

func keepAnnotations(all map[string]string, names []string) map[string]string {
	var kept map[string]string
	for _, name := range names {
		if value, has := all[name]; has {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = value
		}
	}
	return kept
}

func stripClaim(c *corev1.PersistentVolumeClaim) {
	c.Annotations = keepAnnotations(c.Annotations, claimAnnotations())
	c.Spec.DataSource, c.Spec.DataSourceRef = nil, nil
	c.Status = corev1.PersistentVolumeClaimStatus{Phase: c.Status.Phase}
}

func stripVolume(v *corev1.PersistentVolume) {
	v.Annotations = keepAnnotations(v.Annotations, claimAnnotations())
	if csi := v.Spec.CSI; csi != nil {
		v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: csi.Driver, VolumeHandle: csi.VolumeHandle}
	}
	v.Spec.MountOptions = nil
	v.Status = corev1.PersistentVolumeStatus{Phase: v.Status.Phase}
}

func stripStorageClass(c *storagev1.StorageClass) {
	c.Annotations, c.Parameters, c.MountOptions = nil, nil, nil
}

func stripAttachment(a *storagev1.VolumeAttachment) {
	a.Annotations, a.Status = nil, storagev1.VolumeAttachmentStatus{}
}

func stripDeviceClaim(c *resourcev1.ResourceClaim) {
	for i := range c.Status.Devices {
		c.Status.Devices[i].Data, c.Status.Devices[i].NetworkData = nil, nil
	}
}
