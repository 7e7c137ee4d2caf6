package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// Write writes the record, line by line. Of an object it writes what a decision reads. Equal records give equal files.
func Write(w io.Writer, r *Record) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := &writer{encoder: json.NewEncoder(buffered)}
	out.encoder.SetEscapeHTML(false)
	out.record(r)
	out.line(line{End: &end{Lines: out.lines}})
	if out.err == nil {
		out.err = buffered.Flush()
	}
	if out.err != nil {
		return fmt.Errorf("write the snapshot: %w", out.err)
	}
	return nil
}

// writer writes lines until one fails.
type writer struct {
	encoder *json.Encoder
	lines   int
	err     error
}

func (w *writer) line(l line) {
	if w.err == nil {
		w.err = w.encoder.Encode(l)
		w.lines++
	}
}

func (w *writer) record(r *Record) {
	o := r.Seen.Objects
	w.line(line{Header: &header{
		Format: Format, Version: r.Version, At: r.Seen.Now.Round(0).UTC(), ExamplesFor: r.Seen.ExamplesFor, ExpendableBelow: o.ExpendableBelow,
		Taints: o.Taints, Judged: o.Storage != nil,
	}})
	w.line(line{Policy: &r.Policy})
	w.memory(r)
	for i := range r.Seen.Groups {
		w.line(line{Group: &r.Seen.Groups[i]})
	}
	for _, name := range slices.Sorted(maps.Keys(o.Namespaces)) {
		w.line(line{Namespace: &namespace{name, o.Namespaces[name]}})
	}
	for _, owner := range sortedBy(r.Owners, func(o kube.Owner) string { return o.Kind + " " + o.Namespace + "/" + o.Name }) {
		w.line(line{Owner: &owner})
	}
	w.examples(r)
	for _, n := range sortedBy(o.Nodes, func(n *corev1.Node) string { return n.Name }) {
		w.line(line{Node: &node{r.Seen.GroupOf[n.Name], r.Seen.Deletes(n), leanNode(n)}})
	}
	for _, d := range sortedBy(o.DaemonSets, nameOf) {
		w.line(line{DaemonSet: leanDaemonSet(d)})
	}
	for _, b := range sortedBy(o.Budgets, nameOf) {
		w.line(line{Budget: leanBudget(b)})
	}
	w.storage(o)
	for _, p := range o.Pods {
		w.line(line{Pod: leanPod(p)})
	}
	if r.Outcome != nil {
		w.line(line{Outcome: r.Outcome})
	}
}

func nameOf[T metav1.Object](o T) string { return o.GetNamespace() + "/" + o.GetName() }

// memory writes the memory with times that have no monotonic clock, as far from the moment of the record as before.
func (w *writer) memory(r *Record) {
	m := atWall(r.Memory, r.Seen.Now)
	placed := m.Planned
	m.Planned = nil
	w.line(line{Memory: &m})
	for _, pod := range slices.SortedFunc(maps.Keys(placed), func(a, b string) int { return placed[a].Order - placed[b].Order }) {
		w.line(line{Placement: &placement{pod, *placed[pod]}})
	}
}

func (w *writer) examples(r *Record) {
	seen := atWall(r.Seen.Examples, r.Seen.Now)
	for _, group := range slices.Sorted(maps.Keys(seen)) {
		e := seen[group]
		pods := make([]*corev1.Pod, len(e.Pods))
		for i, p := range e.Pods {
			pods[i] = leanPod(p)
		}
		w.line(line{Example: &example{group, e.Seen, leanNode(e.Node), pods}})
	}
}

func (w *writer) storage(o *kube.Objects) {
	s := o.Storage
	if s == nil {
		return
	}
	for _, c := range sortedBy(s.Claims, nameOf) {
		w.line(line{Claim: lean(c, func(c *corev1.PersistentVolumeClaim) *metav1.ObjectMeta { return &c.ObjectMeta }, func(c *corev1.PersistentVolumeClaim) {
			c.Spec.DataSource, c.Spec.DataSourceRef, c.Status = nil, nil, corev1.PersistentVolumeClaimStatus{Phase: c.Status.Phase}
		})})
	}
	for _, v := range sortedBy(s.Volumes, nameOf) {
		w.line(line{Volume: leanVolumeObject(v)})
	}
	for _, c := range sortedBy(s.StorageClasses, nameOf) {
		w.line(line{StorageClass: lean(c, func(c *storagev1.StorageClass) *metav1.ObjectMeta { return &c.ObjectMeta }, func(c *storagev1.StorageClass) {
			c.Parameters, c.MountOptions = nil, nil
		})})
	}
	for _, n := range sortedBy(s.CSINodes, nameOf) {
		w.line(line{CSINode: lean(n, func(n *storagev1.CSINode) *metav1.ObjectMeta { return &n.ObjectMeta }, nil)})
	}
	for _, d := range sortedBy(s.CSIDrivers, nameOf) {
		w.line(line{CSIDriver: lean(d, func(d *storagev1.CSIDriver) *metav1.ObjectMeta { return &d.ObjectMeta }, nil)})
	}
	for _, c := range sortedBy(s.StorageCapacities, nameOf) {
		w.line(line{StorageCapacity: lean(c, func(c *storagev1.CSIStorageCapacity) *metav1.ObjectMeta { return &c.ObjectMeta }, nil)})
	}
	for _, a := range sortedBy(s.VolumeAttachments, nameOf) {
		w.line(line{VolumeAttachment: lean(a, func(a *storagev1.VolumeAttachment) *metav1.ObjectMeta { return &a.ObjectMeta }, func(a *storagev1.VolumeAttachment) {
			a.Status = storagev1.VolumeAttachmentStatus{}
		})})
	}
	for _, c := range sortedBy(s.DeviceClaims, nameOf) {
		w.line(line{DeviceClaim: leanDeviceClaim(c)})
	}
	for _, d := range sortedBy(s.ResourceSlices, nameOf) {
		w.line(line{ResourceSlice: lean(d, func(d *resourcev1.ResourceSlice) *metav1.ObjectMeta { return &d.ObjectMeta }, nil)})
	}
	for _, d := range sortedBy(s.DeviceClasses, nameOf) {
		w.line(line{DeviceClass: lean(d, func(d *resourcev1.DeviceClass) *metav1.ObjectMeta { return &d.ObjectMeta }, func(d *resourcev1.DeviceClass) {
			d.Spec.Config = nil
		})})
	}
}
