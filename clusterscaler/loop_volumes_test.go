package clusterscaler

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A pod with a volume that is made where it goes lets a group grow; when its claim is gone, the Event and the explanation
// have the scheduler's words.
func TestLoopJudgesVolumes(t *testing.T) {
	pod := pendingPod()
	pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
	}}}
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disks"}, Provisioner: "disks.example.com", VolumeBindingMode: &mode}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data"}}
	claim.Spec.StorageClassName = &class.Name
	for _, c := range []struct {
		name    string
		objects []client.Object
		event   string
		code    string
	}{
		{"claim", []client.Object{pod.DeepCopy(), class.DeepCopy(), claim.DeepCopy()}, "Normal TriggeredScaleUp ", "TriggeredScaleUp"},
		{"no claim", []client.Object{pod.DeepCopy(), class.DeepCopy()},
			`a: VolumeUnavailable: plugin VolumeRestrictions, reason persistentvolumeclaim "data" not found`, "NotTriggerScaleUp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.objects...)
			r.scaler.loop(context.Background())
			if said := r.announced(); len(said) != 1 || !strings.Contains(said[0], c.event) {
				t.Errorf("events %q", said)
			}
			e, _, err := r.scaler.Explain("pod", "default/web")
			if err != nil || string(e.Code) != c.code {
				t.Fatalf("explained %v: %v", e, err)
			}
			if c.code == "NotTriggerScaleUp" && (len(e.Groups) != 2 || !strings.Contains(e.Groups[0].Message(), `"data" not found`)) {
				t.Errorf("groups %v", e.Groups)
			}
		})
	}
}
