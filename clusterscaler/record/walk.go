package record

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// anonymizer visits the texts of a record.
type anonymizer struct {
	names *names
	// numeric are the keys of labels of which some selector compares the values as numbers, once all texts have been visited.
	numeric  map[string]bool
	gpuLabel string
	// taintKeys are the keys of all taints, once they have been visited.
	taintKeys map[string]bool
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
	a.value(reflect.ValueOf(&seen.Taints).Elem(), kept)
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
		switch {
		case v.Type() == reflect.TypeFor[types.UID]():
			v.SetString(a.change(uidName, v.String()))
		case v.Type().PkgPath() == "": // a text of another type of its own is one of a list, or a resource
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
		o.UID = a.uid(o.UID)
		for key, value := range o.Annotations {
			o.Annotations[key] = a.change(annotationRole(key), value)
		}
		for i := range o.OwnerReferences {
			owner := &o.OwnerReferences[i]
			owner.Name, owner.UID = a.change(otherName, owner.Name), a.uid(owner.UID)
		}
	case *corev1.NodeSelectorRequirement:
		a.requirement(&o.Key, string(o.Operator), o.Values)
	case *metav1.LabelSelectorRequirement:
		a.requirement(&o.Key, string(o.Operator), o.Values)
	case *scheduling.Requirement:
		a.requirement(&o.Key, string(o.Operator), o.Values)
	case *corev1.TopologySelectorLabelRequirement:
		a.requirement(&o.Key, "", o.Values)
	case *corev1.Taint:
		a.taint(&o.Key, &o.Value)
	case *scheduling.Taint:
		a.taint(&o.Key, &o.Value)
	case *corev1.Toleration:
		a.taint(&o.Key, &o.Value)
	case *scheduling.Toleration:
		a.taint(&o.Key, &o.Value)
	default:
		return false
	}
	return true
}

func (a *anonymizer) labels(all map[string]string) map[string]string {
	return rekeyed(all, func(key, value string) (string, string) {
		return a.change(keyName, key), a.change(a.labelRole(key), value)
	})
}

func (a *anonymizer) uid(id types.UID) types.UID { return types.UID(a.change(uidName, string(id))) }

func (a *anonymizer) requirement(key *string, operator string, values []string) {
	if operator == string(scheduling.Gt) || operator == string(scheduling.Lt) {
		a.numeric[*key] = true
	}
	for i, v := range values {
		values[i] = a.change(a.labelRole(*key), v)
	}
	*key = a.change(keyName, *key)
}

// taint visits the key and value of a taint, or of a toleration.
func (a *anonymizer) taint(key, value *string) {
	a.taintKeys[*key] = true
	*value = a.change(taintRole(*key), *value)
	*key = a.change(keyName, *key)
}

// withoutPrefixes names the keys that begin with a prefix. Other names would begin with something else.
func (a *anonymizer) withoutPrefixes(t kube.NodeTaints) kube.NodeTaints {
	startup := slices.Clone(t.Startup)
	for _, key := range slices.Sorted(maps.Keys(a.taintKeys)) {
		if slices.ContainsFunc(t.StartupPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			startup = append(startup, key)
		}
	}
	return kube.NodeTaints{Startup: startup, Status: slices.Clone(t.Status)}
}
