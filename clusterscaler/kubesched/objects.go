package kubesched

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// Objects are what the plugins know beside nodes and pods, in any order. They are never changed.
type Objects struct {
	Claims            []*corev1.PersistentVolumeClaim
	Volumes           []*corev1.PersistentVolume
	StorageClasses    []*storagev1.StorageClass
	CSINodes          []*storagev1.CSINode
	CSIDrivers        []*storagev1.CSIDriver
	StorageCapacities []*storagev1.CSIStorageCapacity
	VolumeAttachments []*storagev1.VolumeAttachment
	DeviceClaims      []*resourcev1.ResourceClaim
	ResourceSlices    []*resourcev1.ResourceSlice
	DeviceClasses     []*resourcev1.DeviceClass
}

// NodeDevices is whether some node has devices of its own. They count in its utilization even if no pod claims them.
func (o *Objects) NodeDevices() bool {
	return slices.ContainsFunc(o.ResourceSlices, func(s *resourcev1.ResourceSlice) bool { return s.Spec.NodeName != nil })
}

// Any is whether there is any object.
func (o *Objects) Any() bool {
	return len(o.Claims)+len(o.Volumes)+len(o.StorageClasses)+len(o.CSINodes)+len(o.CSIDrivers)+len(o.StorageCapacities)+
		len(o.VolumeAttachments)+len(o.DeviceClaims)+len(o.ResourceSlices)+len(o.DeviceClasses) > 0
}
