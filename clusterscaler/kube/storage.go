package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

// ServesDevices is whether the server has the kinds of dynamic resource allocation.
func ServesDevices(m meta.RESTMapper) (bool, error) {
	_, err := m.RESTMapping(schema.GroupKind{Group: resourcev1.GroupName, Kind: "ResourceClaim"}, resourcev1.SchemeGroupVersion.Version)
	switch {
	case err == nil:
		return true, nil
	case meta.IsNoMatchError(err):
		return false, nil
	default:
		return false, fmt.Errorf("ask whether the server has ResourceClaims: %w", err)
	}
}

// storage reads what decides on volumes and, where the server has the kinds, device claims.
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
	type kind struct {
		name string
		list client.ObjectList
	}
	kinds := []kind{
		{"persistentvolumeclaims", &claims}, {"persistentvolumes", &volumes}, {"storageclasses", &classes}, {"csinodes", &csiNodes},
		{"csidrivers", &drivers}, {"csistoragecapacities", &capacities}, {"volumeattachments", &attachments},
	}
	if o.Devices {
		kinds = append(kinds, kind{"resourceclaims", &deviceClaims}, kind{"resourceslices", &slices}, kind{"deviceclasses", &devices})
	}
	for _, k := range kinds {
		if err := o.Cached.List(ctx, k.list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %s: %w", k.name, err)
		}
	}
	return &kubesched.Objects{
		Claims: pointers(claims.Items), Volumes: pointers(volumes.Items), StorageClasses: pointers(classes.Items),
		CSINodes: pointers(csiNodes.Items), CSIDrivers: pointers(drivers.Items), StorageCapacities: pointers(capacities.Items),
		VolumeAttachments: pointers(attachments.Items), DeviceClaims: pointers(deviceClaims.Items),
		ResourceSlices: pointers(slices.Items), DeviceClasses: pointers(devices.Items),
	}, nil
}
