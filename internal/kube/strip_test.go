package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-helpers/nodedeclaredfeatures"
	"k8s.io/component-helpers/nodedeclaredfeatures/types"
	"k8s.io/component-helpers/resource"
	"sigs.k8s.io/yaml"
)

// golden compares got with a file of testdata, or writes it when UPDATE is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at the difference, and write it anew with UPDATE=1\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestStripKeepsWhatIsUsed(t *testing.T) {
	pod, node, rs := &corev1.Pod{}, &corev1.Node{}, &appsv1.ReplicaSet{}
	deployment, set := &appsv1.Deployment{}, &appsv1.StatefulSet{}
	read(t, "deployment.yaml", deployment)
	read(t, "statefulset.yaml", set)
	read(t, "pod.yaml", pod)
	read(t, "node.yaml", node)
	read(t, "replicaset.yaml", rs)
	options := resource.PodResourcesOptions{UseStatusResources: true}
	requests, features := resource.PodRequests(pod, options), featuresNeeded(t, pod)
	if len(features) < 3 {
		t.Errorf("the pod needs the features %v only", features)
	}
	for _, c := range []struct {
		file string
		obj  any
	}{
		{"pod.kept.yaml", pod},
		{"node.kept.yaml", node},
		{"replicaset.kept.yaml", rs},
		{"deployment.kept.yaml", deployment},
		{"statefulset.kept.yaml", set},
	} {
		once, err := strip(c.obj)
		if err != nil {
			t.Fatal(err)
		}
		out, err := yaml.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.file, string(out))
		twice, err := strip(once.(runtime.Object).DeepCopyObject())
		if err != nil || !reflect.DeepEqual(once, twice) {
			t.Errorf("%s: stripped twice it is another: %v", c.file, err)
		}
		if p, ok := once.(*corev1.Pod); ok {
			if got := resource.PodRequests(p, options); !reflect.DeepEqual(got, requests) {
				t.Errorf("the stripped pod requests %v, the whole one %v", got, requests)
			}
			if got := featuresNeeded(t, p); !slices.Equal(got, features) {
				t.Errorf("the stripped pod needs the features %v, the whole one %v", got, features)
			}
		}
	}
}

// featuresNeeded are the features that a node must declare for the pod.
func featuresNeeded(t *testing.T, p *corev1.Pod) []string {
	t.Helper()
	f := nodedeclaredfeatures.DefaultFramework
	needed, err := f.InferForPodScheduling(&types.PodInfo{Spec: &p.Spec}, version.MajorMinor(1, 37))
	if err != nil {
		t.Fatal(err)
	}
	names, err := f.Unmap(needed)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A field that the API adds is missing in the list, and so must be looked at: is it one that a
// decision depends on? The list is found by what stripping does to objects whose every field is set.
func TestEveryFieldIsKeptOrDroppedOnPurpose(t *testing.T) {
	pod, node, rs := &corev1.Pod{}, &corev1.Node{}, &appsv1.ReplicaSet{}
	for _, o := range []any{pod, node, rs} {
		fill(reflect.ValueOf(o).Elem(), 0)
	}
	// Volumes of files from the API server are dropped; others are kept as they are. While a resize waits, the status of
	// containers is kept.
	plain := &pod.Spec.Volumes[0].VolumeSource
	plain.Projected, plain.ConfigMap, plain.Secret, plain.DownwardAPI = nil, nil, nil, nil
	pod.Status.Conditions[0].Type = corev1.PodResizePending
	pod.Annotations, node.Annotations = map[string]string{"vpaUpdates": "x"}, map[string]string{"trimtab.dev/x": "x"}
	stripped := func(obj any) any {
		out, err := strip(obj)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	p := stripped(pod).(*corev1.Pod)
	n := stripped(node).(*corev1.Node)
	r := stripped(rs).(*appsv1.ReplicaSet)
	var lines []string
	for _, s := range []struct {
		name  string
		value any
	}{
		{"Pod.ObjectMeta", p.ObjectMeta}, {"PodSpec", p.Spec}, {"PodStatus", p.Status},
		{"Container", p.Spec.Containers[0]}, {"ContainerStatus", p.Status.ContainerStatuses[0]},
		{"VolumeSource", p.Spec.Volumes[0].VolumeSource},
		{"Node.ObjectMeta", n.ObjectMeta}, {"NodeSpec", n.Spec}, {"NodeStatus", n.Status},
		{"ReplicaSet.ObjectMeta", r.ObjectMeta}, {"ReplicaSetSpec", r.Spec}, {"ReplicaSetStatus", r.Status},
	} {
		lines = append(lines, fields(s.name, reflect.ValueOf(s.value))...)
	}
	golden(t, "fields.txt", strings.Join(lines, "\n")+"\n")
}

func fields(name string, v reflect.Value) (lines []string) {
	for i := range v.NumField() {
		what := "kept   "
		if v.Field(i).IsZero() {
			what = "dropped"
		}
		lines = append(lines, fmt.Sprintf("%s %s.%s", what, name, v.Type().Field(i).Name))
	}
	slices.Sort(lines)
	return lines
}

// fill sets every field that can be reached without running in circles.
func fill(v reflect.Value, depth int) {
	if depth > 12 || !v.CanSet() {
		return
	}
	if at, ok := v.Addr().Interface().(*metav1.Time); ok {
		*at = metav1.Unix(1, 0)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, depth+1)
		fill(element, depth+1)
		v.SetMapIndex(key, element)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	}
}

func TestStripLeavesOtherObjectsAlone(t *testing.T) {
	if got, err := strip("a tombstone"); got != "a tombstone" || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestStripMetadataOfAllKinds(t *testing.T) {
	d := &appsv1.DaemonSet{}
	fill(reflect.ValueOf(d).Elem(), 0)
	d.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "kept": "yes"}
	if _, err := strip(d); err != nil {
		t.Fatal(err)
	}
	if d.ManagedFields != nil || len(d.Annotations) != 1 || d.Annotations["kept"] != "yes" || d.Spec.Selector == nil {
		t.Errorf("kept %+v", d.ObjectMeta)
	}
}
