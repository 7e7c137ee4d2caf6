package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

// world is testdata/world.yaml, in the terms of `trimtab simulate metrics`.
type world struct {
	Resources []kind   `json:"resources"`
	Objects   []object `json:"objects"`
	Series    []series `json:"series"`
}

type kind struct {
	Group      string `json:"group"`
	Version    string `json:"version"`
	Resource   string `json:"resource"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

type object struct {
	// Resource with its group: deployments.apps.
	Resource  string            `json:"resource"`
	Namespace string            `json:"namespace,omitempty"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels,omitempty"`
	// Phase is that of a pod that no node takes, Pending; other pods run.
	Phase string `json:"phase,omitempty"`
}

type series struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

const (
	// interval is the time between two samples; evalAt is the time of the requests, counted from the first
	// sample. Prometheus takes samples up to ten minutes ahead, so that there is time enough for the test.
	interval = time.Minute
	evalAt   = 10 * time.Minute
)

func readWorld() (w world, err error) {
	raw, err := os.ReadFile("testdata/world.yaml")
	if err != nil {
		return w, err
	}
	return w, yaml.UnmarshalStrict(raw, &w)
}

// labels reads the notation name{label="value",...}.
func (s series) labels() (map[string]string, error) {
	name, rest, _ := strings.Cut(s.Series, "{")
	out := map[string]string{"__name__": name}
	for _, m := range regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*")`).FindAllStringSubmatch(rest, -1) {
		value, err := strconv.Unquote(m[2])
		if err != nil {
			return nil, fmt.Errorf("series %s: %w", s.Series, err)
		}
		out[m[1]] = value
	}
	return out, nil
}

// samples reads the notation "start+stepxcount" or "valuexcount".
func (s series) samples(start time.Time) ([]lab.Sample, error) {
	m := regexp.MustCompile(`^([^x+]+?)(?:\+([0-9.]+))?x(\d+)$`).FindStringSubmatch(s.Values)
	if m == nil {
		return nil, fmt.Errorf("series %s: values %q are not of the form startx20 or start+stepx20", s.Series, s.Values)
	}
	first, err1 := strconv.ParseFloat(m[1], 64)
	step, err2 := strconv.ParseFloat("0"+m[2], 64)
	count, err3 := strconv.Atoi(m[3])
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("series %s: %w", s.Series, err)
	}
	var out []lab.Sample
	for i := range count { // one less than promtool's count: the last would lie too far ahead
		out = append(out, lab.Sample{Time: start.Add(time.Duration(i) * interval), Value: first + float64(i)*step})
	}
	return out, nil
}

// push gives Prometheus all series, as they are evalAt after their beginning.
func (w world) push(ctx context.Context, p *lab.Prometheus, now time.Time) error {
	var failed error
	all := func(yield func(lab.Series) bool) {
		for _, s := range w.Series {
			labels, err1 := s.labels()
			samples, err2 := s.samples(now.Add(-evalAt))
			if failed = errors.Join(err1, err2); failed != nil || !yield(lab.Series{Labels: labels, Samples: samples}) {
				return
			}
		}
	}
	return errors.Join(p.Push(ctx, iter.Seq[lab.Series](all)), failed)
}

// create makes all kinds and objects, and waits until the pods run that should.
func (w world) create(ctx context.Context, l *lab.Lab) error {
	for _, k := range w.Resources {
		if err := l.Apply(ctx, k.definition()); err != nil {
			return err
		}
	}
	if _, err := l.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		return err
	}
	for _, o := range w.Objects {
		err := lab.Poll(ctx, 100*time.Millisecond, func(ctx context.Context) error { // a namespace gets its ServiceAccount a moment later
			return client.IgnoreAlreadyExists(l.Client.Create(ctx, w.build(o)))
		})
		if err != nil {
			return fmt.Errorf("create %s %s/%s: %w", o.Resource, o.Namespace, o.Name, err)
		}
	}
	return lab.Poll(ctx, 200*time.Millisecond, func(ctx context.Context) error { return w.allRun(ctx, l) })
}

func (w world) allRun(ctx context.Context, l *lab.Lab) error {
	for _, o := range w.Objects {
		if o.Resource != "pods" || o.Phase != "" {
			continue
		}
		var pod corev1.Pod
		if err := l.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Name}, &pod); err != nil {
			return err
		}
		if err := lab.Want(pod.Status.Phase, corev1.PodRunning); err != nil {
			return fmt.Errorf("pod %s/%s: %w", o.Namespace, o.Name, err)
		}
	}
	return nil
}

func (k kind) definition() string {
	scope := "Cluster"
	if k.Namespaced {
		scope = "Namespaced"
	}
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.%[2]s}
spec:
  group: %[2]s
  scope: %[3]s
  names: {plural: %[1]s, singular: %[4]s, kind: %[5]s}
  versions: [{name: %[6]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`, k.Resource, k.Group, scope, strings.ToLower(k.Kind), k.Kind, k.Version)
}

// build gives the object with the least that the API server takes.
func (w world) build(o object) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{}}
	if i := slices.IndexFunc(w.Resources, func(k kind) bool { return k.Resource+"."+k.Group == o.Resource }); i >= 0 {
		k := w.Resources[i]
		out.SetGroupVersionKind(schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind})
	} else {
		gvk, spec := builtIn(o)
		out.SetGroupVersionKind(gvk)
		if spec != nil {
			out.Object["spec"] = spec
		}
	}
	out.SetNamespace(o.Namespace)
	out.SetName(o.Name)
	out.SetLabels(o.Labels)
	if out.GetKind() == "Node" {
		out.SetAnnotations(map[string]string{"kwok.x-k8s.io/node": "fake"})
	}
	return out
}

func builtIn(o object) (schema.GroupVersionKind, map[string]any) {
	gvk := func(group, kind string) schema.GroupVersionKind {
		return schema.GroupVersionKind{Group: group, Version: "v1", Kind: kind}
	}
	containers := []any{map[string]any{"name": "main", "image": "none"}}
	selected := map[string]any{"matchLabels": map[string]any{"app": o.Name}}
	template := map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": o.Name}},
		"spec":     map[string]any{"containers": containers, "restartPolicy": "Never"},
	}
	switch o.Resource {
	case "pods":
		spec := map[string]any{"containers": containers, "nodeName": "n-1.internal"}
		if o.Phase != "" {
			delete(spec, "nodeName")
			spec["nodeSelector"] = map[string]any{"no": "such-node"}
		}
		return gvk("", "Pod"), spec
	case "services":
		return gvk("", "Service"), map[string]any{"ports": []any{map[string]any{"port": int64(80)}}}
	case "persistentvolumes":
		return gvk("", "PersistentVolume"), map[string]any{
			"capacity": map[string]any{"storage": "1Gi"}, "accessModes": []any{"ReadWriteOnce"}, "hostPath": map[string]any{"path": "/none"},
		}
	case "deployments.apps":
		delete(template["spec"].(map[string]any), "restartPolicy")
		return gvk("apps", "Deployment"), map[string]any{"replicas": int64(0), "selector": selected, "template": template}
	case "jobs.batch":
		return gvk("batch", "Job"), map[string]any{"suspend": true, "template": template}
	case "ingresses.networking.k8s.io":
		backend := map[string]any{"service": map[string]any{"name": "web", "port": map[string]any{"number": int64(80)}}}
		return gvk("networking.k8s.io", "Ingress"), map[string]any{"defaultBackend": backend}
	case "namespaces":
		return gvk("", "Namespace"), nil
	default:
		return gvk("", "Node"), nil
	}
}
