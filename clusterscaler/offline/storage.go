package offline

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// storageObject reads an object that decides on volumes or device claims; it is false for other kinds.
func (d *dump) storageObject(raw []byte, kind, where, path string) bool {
	s := &d.storage
	switch kind {
	case "PersistentVolumeClaim":
		decodeInto(d, raw, &corev1.PersistentVolumeClaim{}, &s.Claims, kind, where, path)
	case "PersistentVolume":
		decodeInto(d, raw, &corev1.PersistentVolume{}, &s.Volumes, kind, where, path)
	case "StorageClass":
		decodeInto(d, raw, &storagev1.StorageClass{}, &s.StorageClasses, kind, where, path)
	case "CSINode":
		decodeInto(d, raw, &storagev1.CSINode{}, &s.CSINodes, kind, where, path)
	case "CSIDriver":
		decodeInto(d, raw, &storagev1.CSIDriver{}, &s.CSIDrivers, kind, where, path)
	case "CSIStorageCapacity":
		decodeInto(d, raw, &storagev1.CSIStorageCapacity{}, &s.StorageCapacities, kind, where, path)
	case "VolumeAttachment":
		decodeInto(d, raw, &storagev1.VolumeAttachment{}, &s.VolumeAttachments, kind, where, path)
	case "ResourceClaim":
		decodeInto(d, raw, &resourcev1.ResourceClaim{}, &s.DeviceClaims, kind, where, path)
	case "ResourceSlice":
		decodeInto(d, raw, &resourcev1.ResourceSlice{}, &s.ResourceSlices, kind, where, path)
	case "DeviceClass":
		decodeInto(d, raw, &resourcev1.DeviceClass{}, &s.DeviceClasses, kind, where, path)
	default:
		return false
	}
	return true
}

func decodeInto[T metav1.Object](d *dump, raw []byte, object T, list *[]T, kind, where, path string) {
	if d.decode(raw, object, kind, where, path) {
		*list = append(*list, object)
	}
}

// storageNotes are what the dump lacks to judge pods with volumes and device claims by.
func (d *dump) storageNotes() []string {
	judged, volumes, devices := 0, 0, 0
	for _, p := range d.Pods {
		if !scheduling.NeedsFilterPlugins(p) {
			continue
		}
		judged++
		for i := range p.Spec.Volumes {
			if v := &p.Spec.Volumes[i]; v.PersistentVolumeClaim != nil || v.Ephemeral != nil {
				volumes++
				break
			}
		}
		if len(p.Spec.ResourceClaims) > 0 {
			devices++
		}
	}
	if judged > 0 && d.Storage == nil {
		return []string{fmt.Sprintf("pods with volumes or device claims: %d; the dump has no object that they are judged by, such as PersistentVolumeClaims, so they are left alone", judged)}
	}
	var out []string
	if volumes > 0 && d.read["PersistentVolumeClaim"] == 0 {
		out = append(out, "the dump has pods with volume claims, but no PersistentVolumeClaim: none of these pods fits anywhere")
	}
	if devices > 0 && d.read["ResourceClaim"] == 0 {
		out = append(out, "the dump has pods with device claims, but no ResourceClaim: none of these pods fits anywhere")
	}
	return out
}

// templateNotes say of which groups a new node is taken to have no limit of volumes and no devices.
func (c *Cluster) templateNotes(s *plan.Snapshot) []string {
	plugins, is := s.FilterPlugins.(*kubesched.Snapshot)
	if !is {
		return nil
	}
	var out []string
	for _, g := range s.Groups {
		var nodes []string
		for _, n := range s.Nodes {
			if n.Group == g.Name {
				nodes = append(nodes, n.Name)
			}
		}
		if _, like := plugins.NewNodeProfile(nodes); like == "" {
			out = append(out, fmt.Sprintf("group %s: no CSINode and no ResourceSlice of a node of it is in the dump: its new nodes are taken to have no limit of volumes and no devices of their own", g.Name))
		}
	}
	return out
}
