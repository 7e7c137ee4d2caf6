package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

// Optional are the kinds that an API server may lack. Without them pods are judged as kube-scheduler judges them there:
// those with a volume or device claim that needs such a kind find no place, and move nowhere.
func Optional() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		storagev1.SchemeGroupVersion.WithKind("StorageClass"), storagev1.SchemeGroupVersion.WithKind("CSINode"),
		storagev1.SchemeGroupVersion.WithKind("CSIDriver"), storagev1.SchemeGroupVersion.WithKind("CSIStorageCapacity"),
		storagev1.SchemeGroupVersion.WithKind("VolumeAttachment"), resourcev1.SchemeGroupVersion.WithKind("ResourceClaim"),
		resourcev1.SchemeGroupVersion.WithKind("ResourceSlice"), resourcev1.SchemeGroupVersion.WithKind("DeviceClass"),
	}
}

// storage reads what decides on volumes and device claims, as far as the server has the kinds.
func (o Observer) storage(ctx context.Context) (*kubesched.Objects, error) {
	var (
		claims       corev1.PersistentVolumeClaimList
		volumes      corev1.PersistentVolumeList
		classes      storagev1.StorageClassList
		csiNodes     storagev1.CSINodeList
		drivers      storagev1.CSIDriverList
		capacities   storagev1.CSIStorageCapacityList
		attachments  storagev1.VolumeAttachmentList
		deviceClaims resourcev1.ResourceClaimList
		slices       resourcev1.ResourceSliceList
		devices      resourcev1.DeviceClassList
	)
	for _, k := range []struct {
		kind string
		list client.ObjectList
	}{
		{"PersistentVolumeClaim", &claims}, {"PersistentVolume", &volumes}, {"StorageClass", &classes}, {"CSINode", &csiNodes},
		{"CSIDriver", &drivers}, {"CSIStorageCapacity", &capacities}, {"VolumeAttachment", &attachments},
		{"ResourceClaim", &deviceClaims}, {"ResourceSlice", &slices}, {"DeviceClass", &devices},
	} {
		if o.Missing != nil && o.Missing(k.kind) {
			continue
		}
		if err := o.Cached.List(ctx, k.list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list the kind %s: %w", k.kind, err)
		}
	}
	return &kubesched.Objects{
		Claims: pointers(claims.Items), Volumes: pointers(volumes.Items), StorageClasses: pointers(classes.Items),
		CSINodes: pointers(csiNodes.Items), CSIDrivers: pointers(drivers.Items), StorageCapacities: pointers(capacities.Items),
		VolumeAttachments: pointers(attachments.Items), DeviceClaims: pointers(deviceClaims.Items),
		ResourceSlices: pointers(slices.Items), DeviceClasses: pointers(devices.Items),
	}, nil
}
