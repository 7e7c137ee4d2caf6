package kubesched_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// A claim for which a node has been chosen is made there and nowhere else, whichever node is asked about first.
func TestSelectedNode(t *testing.T) {
	t.Parallel()
	for _, first := range []scheduling.NodeID{0, 1} {
		data := claim("data", "disks", "")
		data.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "a-2"}
		o := &kubesched.Objects{Claims: []*corev1.PersistentVolumeClaim{data}, StorageClasses: []*storagev1.StorageClass{storageClass("disks", true)}}
		pods := []*corev1.Pod{pod("db", "", "data")}
		snapshot, err := kubesched.New(o, pods)
		if err != nil {
			t.Fatal(err)
		}
		cluster, of := judged(snapshot, []*corev1.Node{node("a-1", "a"), node("a-2", "a")}, pods)
		for _, n := range []scheduling.NodeID{first, 1 - first} {
			if got := cluster.Fits(of[0], n); got.OK() != (n == 1) {
				t.Errorf("node %d asked first: node %d: %v", first, n, got)
			}
		}
	}
}

// Pods that share a claim which waits for the first of them go where that one goes, also when it has left again while others
// of them are there.
func TestSharedClaimStaysWhereItsPodsAre(t *testing.T) {
	t.Parallel()
	o := &kubesched.Objects{
		Claims: []*corev1.PersistentVolumeClaim{claim("common", "disks", "")}, StorageClasses: []*storagev1.StorageClass{storageClass("disks", true)},
	}
	pods := []*corev1.Pod{pod("a", "", "common"), pod("b", "", "common"), pod("c", "", "common")}
	pods[1].Spec.Volumes = append(pods[1].Spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/b"}}})
	pods[2].Spec.Volumes = append(pods[2].Spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/c"}}})
	snapshot, err := kubesched.New(o, pods)
	if err != nil {
		t.Fatal(err)
	}
	cluster, of := judged(snapshot, []*corev1.Node{node("a-1", "a"), node("b-1", "b")}, pods)
	elsewhere := func(when string, want bool) {
		t.Helper()
		if got := cluster.Fits(of[2], 1); got.OK() != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	elsewhere("nobody is anywhere", true)
	if cluster.Fill(of[0], 0, 1)+cluster.Fill(of[1], 0, 1) != 2 {
		t.Fatal("two pods do not fit on one node")
	}
	elsewhere("two are on the other node", false)
	cluster.Take(of[0], 0, 1)
	elsewhere("one of them has left", false)
	cluster.Take(of[1], 0, 1)
	elsewhere("both have left", true)
}
