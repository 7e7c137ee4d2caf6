package kube

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// What is kept of claims and volumes, as TestEveryFieldIsKeptOrDroppedOnPurpose says it of pods. Stripped twice they are
// as stripped once.
func TestEveryFieldOfStorageIsKeptOrDroppedOnPurpose(t *testing.T) {
	t.Parallel()
	claim, volume := &corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}
	class, attachment, devices := &storagev1.StorageClass{}, &storagev1.VolumeAttachment{}, &resourcev1.ResourceClaim{}
	for _, o := range []any{claim, volume, class, attachment, devices} {
		fill(reflect.ValueOf(o).Elem(), 0)
	}
	claim.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "n", "other": "x"}
	for _, o := range []any{claim, volume, class, attachment, devices} {
		for range 2 {
			if got, err := strip(o); err != nil || got != o {
				t.Fatalf("%T: stripped to %v: %v", o, got, err)
			}
		}
	}
	if len(claim.Annotations) != 1 {
		t.Errorf("the claim keeps the annotations %v", claim.Annotations)
	}
	var lines []string
	for _, s := range []struct {
		name  string
		value any
	}{
		{"PersistentVolumeClaim.ObjectMeta", claim.ObjectMeta}, {"PersistentVolumeClaimSpec", claim.Spec}, {"PersistentVolumeClaimStatus", claim.Status},
		{"PersistentVolume.ObjectMeta", volume.ObjectMeta}, {"PersistentVolumeSpec", volume.Spec}, {"PersistentVolumeStatus", volume.Status},
		{"PersistentVolumeSpec.CSI", *volume.Spec.CSI},
		{"StorageClass", *class}, {"VolumeAttachmentSpec", attachment.Spec}, {"VolumeAttachmentStatus", attachment.Status},
		{"ResourceClaimSpec", devices.Spec}, {"ResourceClaimStatus", devices.Status}, {"ResourceClaimStatus.Devices", devices.Status.Devices[0]},
	} {
		lines = append(lines, fields(s.name, reflect.ValueOf(s.value))...)
	}
	golden(t, "fields_storage.txt", strings.Join(lines, "\n")+"\n")
}
