package kubesched_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// What is attached to one node, for a pod that is gone, keeps pods off that node and no other like it, and not those that
// bring no volume more. Found by comparison with kube-scheduler.
func TestAttachedVolumesAreThoseOfOneNode(t *testing.T) {
	t.Parallel()
	data, left := claim("data", "disks", "disk-data"), claim("left", "disks", "disk-left")
	attachment := &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: "left"}}
	attachment.Spec.Attacher, attachment.Spec.NodeName = "disks.example.com", "a-1"
	attachment.Spec.Source.PersistentVolumeName = new("disk-left")
	for _, selected := range []string{"", "a-1"} {
		fresh := claim("fresh", "disks", "")
		fresh.Annotations = map[string]string{"volume.kubernetes.io/selected-node": selected}
		for _, first := range []scheduling.NodeID{0, 1} {
			o := &kubesched.Objects{
				Claims:            []*corev1.PersistentVolumeClaim{data, left, claim("other", "disks", "disk-other"), fresh},
				Volumes:           []*corev1.PersistentVolume{volumeOf("disk-data", "disks", "a", data), volumeOf("disk-left", "disks", "a", left), volumeOf("disk-other", "disks", "a", nil)},
				StorageClasses:    []*storagev1.StorageClass{storageClass("disks", true)},
				CSINodes:          []*storagev1.CSINode{csiNode("a-1", 1), csiNode("a-2", 1)},
				VolumeAttachments: []*storagev1.VolumeAttachment{attachment},
			}
			pods := []*corev1.Pod{pod("web-0", "a-1", "data"), pod("web-1", "", "data"), pod("db", "", "other"), pod("new", "", "fresh")}
			snapshot, err := kubesched.New(o, pods)
			if err != nil {
				t.Fatal(err)
			}
			cluster, of := judged(snapshot, []*corev1.Node{node("a-1", "a"), node("a-2", "a")}, pods)
			cluster.Place(of[0], 0, 1)
			for _, n := range []scheduling.NodeID{first, 1 - first} {
				for _, c := range []struct {
					pod  int
					want [2]verdict.Code
				}{{1, [2]verdict.Code{}}, {2, [2]verdict.Code{scheduling.VolumeLimitExceeded, ""}}} {
					if got := cluster.Fits(of[c.pod], n).Code; got != c.want[n] {
						t.Errorf("selected %q, node %d asked first: pod %s on node %d: %q, want %q", selected, first, pods[c.pod].Name, n, got, c.want[n])
					}
				}
			}
		}
	}
}
