package kube

import (
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// strippedStorage is stripped for what decides on volumes and device claims: the cluster scaler asks kube-scheduler's own
// plugins about them, and these must find here what they read.
func strippedStorage() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&corev1.PersistentVolumeClaim{}: {Transform: stripClaim},
		&corev1.PersistentVolume{}:      {Transform: stripVolume},
		&storagev1.StorageClass{}:       {Transform: stripStorageClass},
		&storagev1.VolumeAttachment{}:   {Transform: stripAttachment},
		&resourcev1.ResourceClaim{}:     {Transform: stripDeviceClaim},
	}
}

// claimAnnotations are those by which a claim is bound.
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

func stripClaim(obj any) (any, error) {
	c, ok := obj.(*corev1.PersistentVolumeClaim)
	if !ok {
		return obj, nil
	}
	c.ManagedFields, c.Annotations = nil, keepAnnotations(c.Annotations, claimAnnotations())
	c.Spec.DataSource, c.Spec.DataSourceRef = nil, nil
	c.Status = corev1.PersistentVolumeClaimStatus{Phase: c.Status.Phase}
	return c, nil
}

func stripVolume(obj any) (any, error) {
	v, ok := obj.(*corev1.PersistentVolume)
	if !ok {
		return obj, nil
	}
	v.ManagedFields, v.Annotations = nil, keepAnnotations(v.Annotations, claimAnnotations())
	if csi := v.Spec.CSI; csi != nil {
		v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: csi.Driver, VolumeHandle: csi.VolumeHandle}
	}
	v.Spec.MountOptions = nil
	v.Status = corev1.PersistentVolumeStatus{Phase: v.Status.Phase}
	return v, nil
}

func stripStorageClass(obj any) (any, error) {
	c, ok := obj.(*storagev1.StorageClass)
	if !ok {
		return obj, nil
	}
	c.ManagedFields, c.Annotations, c.Parameters, c.MountOptions = nil, nil, nil, nil
	return c, nil
}

func stripAttachment(obj any) (any, error) {
	a, ok := obj.(*storagev1.VolumeAttachment)
	if !ok {
		return obj, nil
	}
	a.ManagedFields, a.Annotations, a.Status = nil, nil, storagev1.VolumeAttachmentStatus{}
	return a, nil
}

func stripDeviceClaim(obj any) (any, error) {
	c, ok := obj.(*resourcev1.ResourceClaim)
	if !ok {
		return obj, nil
	}
	c.ManagedFields = nil
	for i := range c.Status.Devices {
		c.Status.Devices[i].Data, c.Status.Devices[i].NetworkData = nil, nil
	}
	return c, nil
}
