package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// example is a file of testdata: a rule file, the world, and the original's answers, as `trimtab simulate
// metrics` reads it.
type example struct {
	name  string
	rules string
	world world
	// answers are the original's to requests that both programs answer equally.
	answers []exchange
	// shapes are those of answers, so that a file has one of each.
	shapes map[string]bool
}

// add takes an exchange, unless the file has one of the same shape.
func (e *example) add(x exchange) {
	shape := x.shape()
	if e.shapes[shape] {
		return
	}
	if e.shapes == nil {
		e.shapes = map[string]bool{}
	}
	e.shapes[shape] = true
	e.answers = append(e.answers, x)
}

// shape is what a request has in common with others that show the same: all but the names of objects, and,
// where selectors are shown, of metrics.
func (x exchange) shape() string {
	path, parameters, _ := strings.Cut(x.path, "?")
	parts := strings.Split(path, "/")
	if parameters != "" {
		parts = []string{parts[2], fmt.Sprint(parts[len(parts)-2] == "*")}
	}
	for i, part := range parts {
		isName := i == len(parts)-2 && part != "*" && part != "metrics" || i > 0 && parts[i-1] == "namespaces" && part != "*"
		if isName {
			parts[i] = "NAME"
		}
	}
	return fmt.Sprint(strings.Join(parts, "/"), parameters, x.original.status, len(x.original.queries), min(len(x.original.items), 2))
}

// write rewrites the file with -update. Otherwise it reports the differences from a fresh one.
func (e *example) write(t *testing.T) {
	t.Helper()
	path := filepath.Join("testdata", e.name+".txt")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(e.text()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(kept), "\n"), strings.Split(e.text(), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("%s is not what the original answers, from line %d on; see the difference after: go test ./conformance -update", path, i+1)
		}
	}
}

// offlineObject is an object as the simulation names it.
type offlineObject struct {
	Resource  string            `json:"resource"`
	Group     string            `json:"group,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels,omitempty"`
	Phase     string            `json:"phase,omitempty"`
}

func (e *example) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What prometheus-adapter v0.12.0 answers. Written by: go test ./conformance -update\n")
	fmt.Fprintf(&b, "interval: %s\nat: %s\n", short(interval.String()), short(evalAt.String()))
	b.WriteString("resources:\n")
	for _, k := range e.world.Resources {
		fmt.Fprintf(&b, "- {group: %s, version: %s, resource: %s, kind: %s, namespaced: %t}\n", k.Group, k.Version, k.Resource, k.Kind, k.Namespaced)
	}
	b.WriteString("objects:\n")
	for _, o := range e.world.Objects {
		resource, group, _ := strings.Cut(o.Resource, ".")
		fmt.Fprintf(&b, "- %s\n", inline(offlineObject{resource, group, o.Namespace, o.Name, o.Labels, o.Phase}))
	}
	b.WriteString("series:\n")
	for _, s := range e.world.Series {
		fmt.Fprintf(&b, "- {series: '%s', values: '%s'}\n", s.Series, s.Values)
	}
	b.WriteString("rules:\n")
	for _, line := range strings.Split(strings.TrimSpace(e.rules), "\n") {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("requests:\n")
	for _, x := range e.answers {
		b.WriteString(x.text())
	}
	return b.String()
}

func (x exchange) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- get: %s\n  want: {status: %d", inline(x.path), x.original.status)
	if len(x.original.queries) > 0 {
		fmt.Fprintf(&b, ", queries: %s", inline(x.original.queries))
	}
	b.WriteString("}\n")
	if x.original.status != http.StatusOK {
		return b.String()
	}
	text := strings.TrimSuffix(b.String(), "}\n")
	var items []string
	for _, item := range x.original.items {
		items = append(items, wanted(item))
	}
	if len(items) == 0 {
		return text + ", items: []}\n"
	}
	return text + ", items: [\n    " + strings.Join(items, ",\n    ") + "]}\n"
}

// wanted is an item as the example names it: the object, or the labels, and the value, or the usage.
func wanted(item string) string {
	type usage struct{ CPU, Memory string }
	var i struct {
		Metadata        struct{ Name, Namespace string }
		DescribedObject struct{ Name string }
		MetricLabels    map[string]string
		Value           string
		Usage           usage
		Containers      []struct {
			Name  string
			Usage usage
		}
	}
	if err := json.Unmarshal([]byte(item), &i); err != nil {
		return item
	}
	var containers []string
	for _, c := range i.Containers {
		containers = append(containers, fmt.Sprintf("{name: %s, cpu: %s, memory: %s}", c.Name, c.Usage.CPU, c.Usage.Memory))
	}
	switch {
	case i.DescribedObject.Name != "":
		return fmt.Sprintf("{object: %s, value: %s}", inline(i.DescribedObject.Name), i.Value)
	case containers != nil:
		return fmt.Sprintf("{object: %s, namespace: %s, containers: [%s]}", i.Metadata.Name, i.Metadata.Namespace, strings.Join(containers, ", "))
	case i.Metadata.Name != "":
		return fmt.Sprintf("{object: %s, cpu: %s, memory: %s}", i.Metadata.Name, i.Usage.CPU, i.Usage.Memory)
	default:
		return fmt.Sprintf("{labels: %s, value: %s}", inline(i.MetricLabels), i.Value)
	}
}

// inline is v as JSON, which is YAML too, without escapes that only HTML needs.
func inline(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// short writes 1m0s as 1m.
func short(d string) string { return strings.TrimSuffix(d, "0s") }

// The examples are of the form that the command line documents.
func TestExamplesAreWellFormed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			At        string          `json:"at"`
			Interval  string          `json:"interval"`
			Rules     map[string]any  `json:"rules"`
			Resources []kind          `json:"resources"`
			Objects   []offlineObject `json:"objects"`
			Series    []series        `json:"series"`
			Requests  []struct {
				Get  string `json:"get"`
				Want struct {
					Status  int              `json:"status"`
					Queries []string         `json:"queries"`
					Items   []map[string]any `json:"items"`
				} `json:"want"`
			} `json:"requests"`
		}
		if err := yaml.UnmarshalStrict(raw, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		items := 0
		for _, r := range file.Requests {
			items += len(r.Want.Items)
			if _, err := url.Parse(r.Get); err != nil || r.Want.Status == 0 {
				t.Errorf("%s: request %q wants status %d: %v", path, r.Get, r.Want.Status, err)
			}
		}
		if len(file.Requests) < 5 || items < 5 || len(file.Rules) == 0 {
			t.Errorf("%s has %d requests and %d items; it says little", path, len(file.Requests), items)
		}
	}
}
