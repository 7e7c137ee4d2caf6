package kubesched

import (
	"hash/fnv"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Cache makes one Snapshot after another, and returns the last again where nothing has changed. The zero value is ready. It is
// not safe for concurrent use.
type Cache struct {
	last    *Snapshot
	version version
}

// version is equal for the same objects in the same versions, in any order.
type version struct {
	n   int
	sum uint64
	// unknown says that some object has no resourceVersion: the version is then equal to no other.
	unknown bool
}

func (v *version) add(kind string, o metav1.Object, more ...string) {
	h := fnv.New64a()
	for _, s := range append([]string{kind, string(o.GetUID()), o.GetNamespace(), o.GetName(), o.GetResourceVersion()}, more...) {
		_, _ = io.WriteString(h, s) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	v.n++
	v.sum += h.Sum64()
	v.unknown = v.unknown || o.GetResourceVersion() == ""
}

func addAll[T metav1.Object](v *version, kind string, objects []T) {
	for _, o := range objects {
		v.add(kind, o)
	}
}

func versionOf(o *Objects, pods []*corev1.Pod) version {
	var v version
	addAll(&v, "claim", o.Claims)
	addAll(&v, "volume", o.Volumes)
	addAll(&v, "class", o.StorageClasses)
	addAll(&v, "csinode", o.CSINodes)
	addAll(&v, "driver", o.CSIDrivers)
	addAll(&v, "capacity", o.StorageCapacities)
	addAll(&v, "attachment", o.VolumeAttachments)
	addAll(&v, "device claim", o.DeviceClaims)
	addAll(&v, "slice", o.ResourceSlices)
	addAll(&v, "device class", o.DeviceClasses)
	for _, p := range pods { // most changes of a pod change nothing here
		seen := metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID, ResourceVersion: "any"}
		if p.UID == "" {
			seen.ResourceVersion = ""
		}
		more := []string{p.Spec.NodeName}
		for _, name := range deviceClaimsOf(p) {
			more = append(more, name.Name)
		}
		v.add("pod", &seen, more...)
	}
	return v
}

// Snapshot is New, or the last Snapshot if that is the same.
func (s *Cache) Snapshot(o *Objects, pods []*corev1.Pod) (*Snapshot, error) {
	now := versionOf(o, pods)
	if s.last != nil && now == s.version && !now.unknown {
		return s.last, nil
	}
	v, err := New(o, pods)
	if err != nil {
		return nil, err
	}
	s.last, s.version = v, now
	return v, nil
}
