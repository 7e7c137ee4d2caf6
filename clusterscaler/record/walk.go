package record

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// anonymizer visits the texts of a record.
type anonymizer struct {
	names *names
	// numeric are the keys of labels of which some selector compares the values as numbers, once all texts have been visited.
	numeric  map[string]bool
	gpuLabel string
	// change is what is done with each text.
	change func(role, string) string
	// fields are the roles of the fields of types, once they are known.
	fields map[typeAs][]fieldAs
}

// typeAs is a type where texts without a field of their own have the role.
type typeAs struct {
	of reflect.Type
	as role
}

// fieldAs is a field with texts in it.
type fieldAs struct {
	index int
	as    role
}

func (a *anonymizer) fieldsOf(t reflect.Type, as role) []fieldAs {
	known, are := a.fields[typeAs{t, as}]
	if are {
		return known
	}
	for i := range t.NumField() {
		f := t.Field(i)
		switch f.Type.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.String, reflect.Struct:
			if f.IsExported() && f.Type != reflect.TypeFor[resource.Quantity]() && f.Type != reflect.TypeFor[metav1.Time]() {
				known = append(known, fieldAs{i, roleOf(t, f, as)})
			}
		}
	}
	a.fields[typeAs{t, as}] = known
	return known
}

// each replaces each text of the record by what f returns. A text is another name unless its type, or its field, says
// that it is none: a field that is new is replaced.
func (a *anonymizer) each(r *Record, f func(role, string) string) {
	a.change = f
	seen := &r.Seen
	a.value(reflect.ValueOf(&r.Policy).Elem(), kept)
	a.value(reflect.ValueOf(&r.Memory).Elem(), kept)
	for _, v := range []any{&r.Owners, &r.Outcome, &seen.Groups, &seen.DaemonSets, &seen.Budgets} {
		a.value(reflect.ValueOf(v).Elem(), otherName)
	}
	seen.GroupOf = rekeyed(seen.GroupOf, func(node, group string) (string, string) { return f(nodeName, node), f(groupName, group) })
	seen.Namespaces = rekeyed(seen.Namespaces, func(name string, labels map[string]string) (string, map[string]string) {
		return f(namespaceName, name), a.labels(labels)
	})
	seen.Examples = rekeyed(seen.Examples, func(group string, e kube.Example) (string, kube.Example) {
		a.objects(nodeName, e.Node)
		for _, p := range e.Pods {
			a.objects(podName, p)
		}
		return f(groupName, group), e
	})
	going := map[string]bool{}
	for _, n := range seen.Nodes {
		deletes := seen.Deletes(n)
		a.objects(nodeName, n)
		going[n.Name] = deletes
	}
	seen.Deleting = func(n *corev1.Node) bool { return going[n.Name] }
	for _, p := range seen.Pods {
		a.objects(podName, p)
	}
	if s := seen.Storage; s != nil {
		for _, n := range s.CSINodes {
			a.objects(nodeName, n)
		}
		for _, d := range s.CSIDrivers {
			a.objects(kept, d)
		}
		for _, d := range s.DeviceClasses {
			a.objects(kept, d)
		}
		for _, v := range []any{&s.Claims, &s.Volumes, &s.StorageClasses, &s.StorageCapacities, &s.VolumeAttachments, &s.DeviceClaims, &s.ResourceSlices} {
			a.value(reflect.ValueOf(v).Elem(), otherName)
		}
	}
}

// rekeyed is the map with other keys and values.
func rekeyed[M ~map[string]V, V any](m M, f func(string, V) (string, V)) M {
	if m == nil {
		return nil
	}
	out := make(M, len(m))
	for key, value := range m {
		key, value = f(key, value)
		out[key] = value
	}
	return out
}

// objects visits an object whose name has the role.
func (a *anonymizer) objects(as role, o metav1.Object) {
	name := o.GetName()
	a.value(reflect.ValueOf(o).Elem(), otherName)
	o.SetName(a.change(as, name))
}

// value visits all texts of v. Those without a field of their own have the role.
func (a *anonymizer) value(v reflect.Value, as role) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			a.value(v.Elem(), as)
		}
	case reflect.Slice:
		for i := range v.Len() {
			a.value(v.Index(i), as)
		}
	case reflect.Map:
		a.mapping(v, as)
	case reflect.String:
		if v.Type().PkgPath() == "" { // a text of a type of its own is one of a list, a resource or an identifier
			v.SetString(a.change(as, v.String()))
		}
	case reflect.Struct:
		if !a.special(v.Addr().Interface()) {
			for _, f := range a.fieldsOf(v.Type(), as) {
				if field := v.Field(f.index); !field.IsZero() {
					a.value(field, f.as)
				}
			}
		}
	}
}

// mapping visits the keys and values of a map. Its keys have the role where they are texts, the values in it another name.
func (a *anonymizer) mapping(v reflect.Value, as role) {
	if v.IsNil() || v.Len() == 0 {
		return
	}
	if labels, are := v.Interface().(map[string]string); are && as == byLabelKey {
		v.Set(reflect.ValueOf(a.labels(labels)))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for entries := v.MapRange(); entries.Next(); {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.Set(entries.Key())
		value.Set(entries.Value())
		a.value(key, as)
		inner := otherName
		if as == kept {
			inner = kept
		}
		a.value(value, inner)
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

// special visits values whose texts belong together, and says whether it has.
func (a *anonymizer) special(o any) bool {
	switch o := o.(type) {
	case *metav1.ObjectMeta:
		o.Name, o.Namespace, o.Labels = a.change(otherName, o.Name), a.change(namespaceName, o.Namespace), a.labels(o.Labels)
		for key, value := range o.Annotations {
			o.Annotations[key] = a.change(annotationRole(key), value)
		}
		for i := range o.OwnerReferences {
			o.OwnerReferences[i].Name = a.change(otherName, o.OwnerReferences[i].Name)
		}
	case *corev1.NodeSelectorRequirement:
		a.requirement(o.Key, string(o.Operator), o.Values)
	case *metav1.LabelSelectorRequirement:
		a.requirement(o.Key, string(o.Operator), o.Values)
	case *scheduling.Requirement:
		a.requirement(o.Key, string(o.Operator), o.Values)
	case *corev1.TopologySelectorLabelRequirement:
		a.requirement(o.Key, "", o.Values)
	case *corev1.Taint:
		o.Value = a.change(taintRole(o.Key), o.Value)
	case *scheduling.Taint:
		o.Value = a.change(taintRole(o.Key), o.Value)
	case *corev1.Toleration:
		o.Value = a.change(taintRole(o.Key), o.Value)
	case *scheduling.Toleration:
		o.Value = a.change(taintRole(o.Key), o.Value)
	default:
		return false
	}
	return true
}

func (a *anonymizer) labels(all map[string]string) map[string]string {
	return rekeyed(all, func(key, value string) (string, string) { return key, a.change(a.labelRole(key), value) })
}

func (a *anonymizer) requirement(key, operator string, values []string) {
	if operator == string(scheduling.Gt) || operator == string(scheduling.Lt) {
		a.numeric[key] = true
	}
	for i, v := range values {
		values[i] = a.change(a.labelRole(key), v)
	}
}

// labelRole is what the values of the label name. The key of the node's name is metadata.name, or empty.
func (a *anonymizer) labelRole(key string) role {
	switch {
	case key == corev1.LabelHostname, key == metav1.ObjectNameField, key == "":
		return nodeName
	case key == corev1.LabelMetadataName:
		return namespaceName
	case a.numeric[key], key == a.gpuLabel, keptLabel(key):
		return kept
	}
	return otherName
}

// keptLabel is whether the values of the label are words of the cloud that many clusters have, and that tell why a pod fits.
func keptLabel(key string) bool {
	switch key {
	case corev1.LabelArchStable, corev1.LabelOSStable, corev1.LabelInstanceTypeStable, corev1.LabelInstanceType, "beta.kubernetes.io/arch",
		"beta.kubernetes.io/os", "k8s.amazonaws.com/accelerator", "cloud.google.com/gke-accelerator", "accelerator":
		return true
	}
	return false
}

// annotationRole is what the value of an annotation that decides names.
func annotationRole(key string) role {
	switch {
	case key == annotationSelectedNode:
		return nodeName
	case key == annotationSafeVolumes:
		return volumeList
	case key == corev1.BetaStorageClassAnnotation, key == corev1.MirrorPodAnnotationKey:
		return otherName
	}
	return kept
}

// taintRole keeps the time that a mark of cluster-autoscaler's has.
func taintRole(key string) role {
	if key == group.GoingTaint || strings.HasSuffix(key, "OfClusterAutoscaler") {
		return kept
	}
	return otherName
}
