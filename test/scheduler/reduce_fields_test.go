package scheduler_test

import (
	"maps"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trimtab/trimtab/test/scheduler"
)

// reduceFields drops fields of the case's objects, as long as what is left still shows what it should. What no object of that kind
// is without stays.
func reduceFields(c *scheduler.Case, shows func(*scheduler.Case) bool) *scheduler.Case {
	// replace is the case with another object in place of the i-th.
	type replace func(c *scheduler.Case, o runtime.Object)
	each := func(o runtime.Object, with replace) {
		tree, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return
		}
		dropParts(tree, nil, func() bool {
			smaller, less := copyOf(c), emptyLike(o)
			if runtime.DefaultUnstructuredConverter.FromUnstructured(tree, less) != nil || !sameName(o, less) {
				return false
			}
			with(smaller, less)
			if smaller.Check() != nil || !shows(smaller) {
				return false
			}
			c = smaller
			return true
		})
	}
	for i := range c.Pods {
		each(c.Pods[i], func(c *scheduler.Case, o runtime.Object) { c.Pods[i] = o.(*corev1.Pod) })
	}
	for i := range c.Nodes {
		each(c.Nodes[i], func(c *scheduler.Case, o runtime.Object) { c.Nodes[i] = o.(*corev1.Node) })
	}
	for i := range c.Objects {
		each(c.Objects[i], func(c *scheduler.Case, o runtime.Object) { c.Objects[i] = o })
	}
	return c
}

func emptyLike(o runtime.Object) runtime.Object {
	return reflect.New(reflect.TypeOf(o).Elem()).Interface().(runtime.Object)
}

func sameName(a, b runtime.Object) bool {
	one, err1 := meta.Accessor(a)
	other, err2 := meta.Accessor(b)
	return err1 == nil && err2 == nil && one.GetName() == other.GetName() && one.GetNamespace() == other.GetNamespace() &&
		one.GetUID() == other.GetUID() && one.GetResourceVersion() == other.GetResourceVersion()
}

// dropParts drops of the value, wherever the rest passes try, keys and items, large ones first. set replaces the value where it
// stands.
func dropParts(value any, set func(any), try func() bool) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			part := value[key]
			delete(value, key)
			if !slices.Contains(required(), key) && try() {
				continue
			}
			value[key] = part
			dropParts(part, func(less any) { value[key] = less }, try)
		}
	case []any:
		for i := len(value) - 1; i >= 0; i-- {
			less := slices.Delete(slices.Clone(value), i, i+1)
			set(less)
			if len(less) > 0 && try() {
				value = less
				continue
			}
			set(value)
			dropParts(value[i], func(less any) { value[i] = less }, try)
		}
	}
}

// required are keys without which an object would puzzle a reader.
func required() []string {
	return []string{
		"name", "metadata", "apiVersion", "spec", "containers", "accessModes", "capacity", "storageClassName", "phase", "provisioner", "volumeBindingMode", "driver", "volumeHandle",
		"nodeID", "attacher", "source", "topologyKey", "maxSkew", "whenUnsatisfiable", "key", "operator", "effect", "containerPort", "hostPort", "pool",
		"generation", "resourceSliceCount", "kind", "deviceClassName", "allocationMode",
	}
}
