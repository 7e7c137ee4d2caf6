package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/trimtab/trimtab/test/programs"
)

// In another namespace everything of trimtab is there, and refers to what is there: both ways to name one, in the file
// itself and in an overlay with the optional manifests.
func TestAnotherNamespace(t *testing.T) {
	const other = "scaling"
	for name, edit := range map[string]func(t *testing.T, dir string) string{
		"edited": func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "deploy", "kustomization.yaml")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, strings.Replace(string(data), "\nnamespace: trimtab-system\n", "\nnamespace: "+other+"\n", 1))
			return "deploy"
		},
		"overlay": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "deploy", "resource-metrics", "kustomization.yaml"), "resources: [apiservice-resource-metrics.yaml]\n")
			moved := "apiservice-resource-metrics.yaml"
			if err := os.Rename(filepath.Join(dir, "deploy", moved), filepath.Join(dir, "deploy", "resource-metrics", moved)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "overlay", "kustomization.yaml"), "namespace: "+other+"\nresources: [../deploy, ../deploy/resource-metrics]\n")
			return "overlay"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := build(t, edit)
			checkReferences(t, all, other)
			for _, r := range all {
				for path, text := range texts(map[string]any(r), "") {
					if strings.Contains(text, "trimtab-system") {
						t.Errorf("%s: %s is still %q", title(r), path, text)
					}
				}
			}
		})
	}
}

// As it is shipped, too, nothing refers to what is not there.
func TestNamespaceAsShipped(t *testing.T) {
	t.Parallel()
	checkReferences(t, build(t, func(*testing.T, string) string { return "deploy" }), "trimtab-system")
}

// The optional policy selects trimtab's pods, names ports that they have, and keeps all but Prometheus from the plain one.
func TestNetworkPolicy(t *testing.T) {
	t.Parallel()
	all := build(t, func(t *testing.T, dir string) string {
		path := filepath.Join(dir, "deploy", "kustomization.yaml")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, strings.Replace(string(data), "\n# - networkpolicy.yaml", "\n- networkpolicy.yaml", 1))
		return "deploy"
	})
	checkReferences(t, all, "trimtab-system")
	one := func(kind string) object {
		i := slices.IndexFunc(all, func(o object) bool { return o.kind() == kind })
		if i < 0 {
			t.Fatalf("there is no %s", kind)
		}
		return all[i]
	}
	policy, deployment := one("NetworkPolicy"), one("Deployment")
	labels := at[map[string]any](deployment, "spec", "template", "metadata", "labels")
	for name, value := range at[map[string]any](policy, "spec", "podSelector", "matchLabels") {
		if labels[name] != value {
			t.Errorf("it selects %s=%v, and the pods have %v", name, value, labels)
		}
	}
	ports := map[any]bool{}
	for _, c := range at[[]any](deployment, "spec", "template", "spec", "containers") {
		for _, p := range at[[]any](c.(map[string]any), "ports") {
			ports[p.(map[string]any)["name"]] = true
		}
	}
	open := map[any]bool{}
	for _, rule := range at[[]any](policy, "spec", "ingress") {
		for _, p := range at[[]any](rule.(map[string]any), "ports") {
			port := p.(map[string]any)["port"]
			open[port] = len(at[[]any](rule.(map[string]any), "from")) == 0
			if !ports[port] {
				t.Errorf("port %v is none of the container's", port)
			}
		}
	}
	if fmt.Sprint(open) != "map[http:false metrics-api:true]" {
		t.Errorf("open to all: %v", open)
	}
}

// build copies deploy/, edits the copy, and builds the folder that edit names.
func build(t *testing.T, edit func(t *testing.T, dir string) string) []object {
	t.Helper()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "deploy"), os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		t.Fatal(err)
	}
	folder := edit(t, dir)
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, folder))
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	for _, r := range built.Resources() {
		o, err := r.Map()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// checkReferences asserts that each object of a namespaced kind is in the namespace, that the namespace is made, and that
// each name of another object of the manifests is one of theirs.
func checkReferences(t *testing.T, all []object, namespace string) {
	t.Helper()
	have := map[string]bool{}
	for _, r := range all {
		have[fmt.Sprintf("%s %s/%s", r.kind(), r.namespace(), r.name())] = true
	}
	want := func(r object, kind, namespace string, name any) {
		if wanted := fmt.Sprintf("%s %s/%v", kind, namespace, name); !have[wanted] {
			t.Errorf("%s refers to %s, which is not there", title(r), wanted)
		}
	}
	clusterWide := []string{"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "APIService"}
	bindings, services := 0, 0
	for _, r := range all {
		if r.namespace() != namespace && !slices.Contains(clusterWide, r.kind()) {
			t.Errorf("%s is in namespace %q", title(r), r.namespace())
		}
		if !slices.Contains(clusterWide, r.kind()) {
			want(r, "Namespace", "", namespace)
		}
		switch r.kind() {
		case "RoleBinding", "ClusterRoleBinding":
			for _, s := range at[[]any](r, "subjects") {
				bindings++
				subject := s.(map[string]any)
				want(r, "ServiceAccount", fmt.Sprint(subject["namespace"]), subject["name"])
			}
			if role := at[string](r, "roleRef", "name"); !strings.HasPrefix(role, "system:") {
				want(r, at[string](r, "roleRef", "kind"), r.namespace(), role)
			}
		case "APIService":
			services++
			want(r, "Service", at[string](r, "spec", "service", "namespace"), at[string](r, "spec", "service", "name"))
		case "Deployment":
			spec := at[map[string]any](r, "spec", "template", "spec")
			want(r, "ServiceAccount", namespace, spec["serviceAccountName"])
			for _, v := range at[[]any](spec, "volumes") {
				want(r, "ConfigMap", namespace, at[string](v.(map[string]any), "configMap", "name"))
			}
			if class := at[string](spec, "priorityClassName"); strings.HasPrefix(class, "system-") && !admitted(all, class) {
				t.Errorf("no ResourceQuota admits pods of the priority class %s, which some clusters demand outside of kube-system", class)
			}
		}
	}
	if bindings != 4 || services < 3 {
		t.Errorf("%d subjects and %d APIServices were looked at", bindings, services)
	}
}

// admitted is whether a ResourceQuota lets in pods of a priority class.
func admitted(all []object, class string) bool {
	return slices.ContainsFunc(all, func(r object) bool {
		if r.kind() != "ResourceQuota" || at[any](r, "spec", "hard", "pods") == nil {
			return false
		}
		return slices.ContainsFunc(at[[]any](r, "spec", "scopeSelector", "matchExpressions"), func(e any) bool {
			scope := e.(map[string]any)
			return scope["scopeName"] == "PriorityClass" && scope["operator"] == "In" && slices.Contains(at[[]any](scope, "values"), any(class))
		})
	})
}

// object is one that was built.
type object map[string]any

func (o object) kind() string      { return at[string](o, "kind") }
func (o object) name() string      { return at[string](o, "metadata", "name") }
func (o object) namespace() string { return at[string](o, "metadata", "namespace") }

// at is the value at a path, the zero value where there is none.
func at[T any](o map[string]any, path ...string) T {
	var value any = o
	for _, key := range path {
		inner, _ := value.(map[string]any)
		value = inner[key]
	}
	out, _ := value.(T)
	return out
}

// texts are all strings below a value, by their path.
func texts(value any, path string) map[string]string {
	out := map[string]string{}
	switch value := value.(type) {
	case string:
		out[path] = value
	case map[string]any:
		for key, inner := range value {
			for p, s := range texts(inner, path+"."+key) {
				out[p] = s
			}
		}
	case []any:
		for i, inner := range value {
			for p, s := range texts(inner, fmt.Sprintf("%s[%d]", path, i)) {
				out[p] = s
			}
		}
	}
	return out
}

func title(o object) string { return o.kind() + " " + o.name() }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
