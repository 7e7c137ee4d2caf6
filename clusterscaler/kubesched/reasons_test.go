package kubesched_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
)

// A refusal by a volume names the claim, its volume or StorageClass, and the label of nodes that it asks for.
func TestRefusalsNameTheirCause(t *testing.T) {
	t.Parallel()
	small, data := claim("alone", "disks", "disk-alone"), claim("data", "disks", "disk")
	free := volumeOf("disk-alone", "disks", "a", small)
	free.Spec.NodeAffinity = nil
	asking := func(key string, values ...string) *corev1.PersistentVolume {
		v := volumeOf("disk", "disks", "a", data)
		v.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0] = corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
		return v
	}
	labelled := volumeOf("disk", "disks", "a", data)
	labelled.Spec.NodeAffinity, labelled.Labels = nil, map[string]string{corev1.LabelFailureDomainBetaZone: "c__d"}
	for name, c := range map[string]struct {
		volume  *corev1.PersistentVolume
		class   *storagev1.StorageClass
		claim   *corev1.PersistentVolumeClaim
		csiNode *storagev1.CSINode
		want    string
	}{
		"a label that nodes lack": {volume: asking("topology.ebs.csi.aws.com/zone", "c"), claim: data,
			want: "VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't match PersistentVolume's node affinity: " +
				"claim shop/data, volume disk, topology.ebs.csi.aws.com/zone In [c], which the node lacks"},
		"a label of another value": {volume: asking(corev1.LabelTopologyZone, "c", "d"), claim: data,
			want: `claim shop/data, volume disk, topology.kubernetes.io/zone In [c d], the node has "a"`},
		"the zone label of a volume": {volume: labelled, claim: data,
			want: "VolumeZoneConflict: plugin VolumeZone, reason node(s) had no available volume zone: " +
				`claim shop/data, volume disk, topology.kubernetes.io/zone In [c d], the node has "a"`},
		"the zones of a class": {class: storageClass("disks", true, "c"), claim: claim("data", "disks", ""),
			want: "VolumeUnavailable: plugin VolumeBinding, reason node(s) didn't find available persistent volumes to bind: " +
				`claim shop/data, StorageClass disks, topology.kubernetes.io/zone In [c], the node has "a"`},
		"a limit of volumes": {volume: asking(corev1.LabelTopologyZone, "a"), claim: data, csiNode: csiNode("a-1", 1),
			want: "VolumeLimitExceeded: plugin NodeVolumeLimits, reason node(s) exceed max volume count: claim shop/alone, volume disk-alone, driver disks.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scenario{pods: []*corev1.Pod{pod("db-0", "", "alone", "data")}, storage: kubesched.Objects{
				Claims: []*corev1.PersistentVolumeClaim{small, c.claim}, Volumes: []*corev1.PersistentVolume{free},
				StorageClasses: []*storagev1.StorageClass{storageClass("disks", true)},
			}}
			if c.volume != nil {
				s.storage.Volumes = append(s.storage.Volumes, c.volume)
			}
			if c.class != nil {
				s.storage.StorageClasses = []*storagev1.StorageClass{c.class}
			}
			if c.csiNode != nil {
				s.nodes, s.storage.CSINodes = []string{"a-1"}, []*storagev1.CSINode{c.csiNode}
				s.pods = append(s.pods, busyPods("a-1")...)
			}
			if got := summary(s.decide(t)); !strings.Contains(got, c.want) {
				t.Errorf("planned\n%swanted\n%s", got, c.want)
			}
		})
	}
}
