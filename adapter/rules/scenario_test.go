package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/config"
)

// TestScenarios runs the files of testdata. A file is a list of steps, divided by empty lines; a step is a
// command, its input, a line of four dashes, and the exact output. TRIMTAB_UPDATE=1 writes the outputs anew.
//
//	rules                            the input is a rule file; prints what is wrong with it
//	series                           the input is one series a line: name{label,label}; prints the catalog and the verdicts
//	custom KIND NAMES METRIC [SEL]   the query for the objects (NAMES: ns/a,b or a,b), the metric selector last
//	external NAMESPACE METRIC [SEL]  the query for an external metric
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	var rewritten []string
	for _, step := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		if strings.HasPrefix(step, "#") && !strings.Contains(step, "\n----") {
			rewritten = append(rewritten, step)
			continue
		}
		in, want, _ := strings.Cut(step+"\n", "\n----\n")
		command, input, _ := strings.Cut(in, "\n")
		for strings.HasPrefix(command, "#") {
			command, input, _ = strings.Cut(input, "\n")
		}
		got := w.run(command, input)
		if got = strings.TrimSpace(got); got != strings.TrimSpace(want) {
			t.Errorf("%s\n got: %s\nwant: %s", command, got, strings.TrimSpace(want))
		}
		rewritten = append(rewritten, in+"\n----\n"+got)
	}
	if os.Getenv("TRIMTAB_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// world is what the steps of a scenario build up.
type world struct {
	set     *Set
	catalog *Catalog
}

func (w *world) run(command, input string) string {
	words := strings.Fields(command)
	switch words[0] {
	case "rules":
		var file File
		if err := config.Decode("rules.yaml", []byte(input), &file); err != nil {
			return err.Error()
		}
		set, err := Compile(file)
		if err != nil {
			return "compile: " + err.Error()
		}
		w.set = set
		return "ok"
	case "series":
		return w.expose(input)
	case "custom":
		return w.custom(words[1], words[2], words[3], strings.Join(words[4:], " "))
	case "external":
		return w.external(words[1], words[2], strings.Join(words[3:], " "))
	default:
		return "unknown command " + words[0]
	}
}

// expose gives every rule the same series; real selectors are Prometheus's to apply.
func (w *world) expose(input string) string {
	var series []Series
	for line := range strings.Lines(input) {
		name, labels, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), "}"), "{")
		one := Series{Name: name}
		if labels != "" {
			one.Labels = strings.Split(labels, ",")
		}
		series = append(series, one)
	}
	found := map[string][]Series{}
	for _, q := range w.set.SeriesQueries() {
		found[q] = series
	}
	w.catalog = w.set.Expose(found, cluster())
	var b strings.Builder
	for _, m := range w.catalog.Metrics {
		source, _ := w.catalog.Metric(m)
		scope := "root"
		if m.Namespaced {
			scope = "namespaced"
		}
		fmt.Fprintf(&b, "%s/%s %s from %s of %s\n", m.Resource, m.Name, scope, source.Series, source.Rule())
	}
	for _, name := range w.catalog.Externals {
		source, _ := w.catalog.External(name)
		fmt.Fprintf(&b, "external/%s from %s of %s\n", name, source.Series, source.Rule())
	}
	for _, v := range w.catalog.Verdicts {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

func (w *world) custom(kindName, objects, metric, selector string) string {
	kind, ok := cluster().Kind(schema.ParseGroupResource(kindName))
	if !ok {
		return "unknown kind"
	}
	namespace, names, namespaced := strings.Cut(objects, "/")
	if !namespaced {
		namespace, names = "", objects
	}
	source, ok := w.catalog.Metric(Metric{kind.GroupResource, namespaced, metric})
	if !ok {
		return "unknown metric"
	}
	sel, err := labels.Parse(selector)
	if err != nil {
		return err.Error()
	}
	q, err := source.Query(Objects{kind, namespace, strings.Split(names, ",")}, sel)
	if err != nil {
		return "error: " + err.Error()
	}
	return q.PromQL + "\nobjects by label " + q.Label
}

func (w *world) external(namespace, metric, selector string) string {
	source, ok := w.catalog.External(metric)
	if !ok {
		return "unknown metric"
	}
	sel, err := labels.Parse(selector)
	if err != nil {
		return err.Error()
	}
	q, err := source.ExternalQuery(namespace, sel)
	if err != nil {
		return "error: " + err.Error()
	}
	return q.PromQL
}

// kindList is a cluster's kinds.
type kindList []Kind

func (l kindList) Kind(name schema.GroupResource) (Kind, bool) {
	i := slices.IndexFunc(l, func(k Kind) bool {
		return (name.Resource == k.Resource || name.Resource == k.Singular) && (name.Group == "" || name.Group == k.Group)
	})
	if i < 0 {
		return Kind{}, false
	}
	return l[i], true
}

func cluster() kindList {
	kind := func(group, version, name, singular, plural string, namespaced bool) Kind {
		return Kind{schema.GroupResource{Group: group, Resource: plural}, singular, schema.GroupVersionKind{Group: group, Version: version, Kind: name}, namespaced}
	}
	return kindList{
		kind("", "v1", "Pod", "pod", "pods", true),
		kind("", "v1", "Namespace", "namespace", "namespaces", false),
		kind("", "v1", "Node", "node", "nodes", false),
		kind("", "v1", "Service", "service", "services", true),
		kind("batch", "v1", "Job", "job", "jobs", true),
		kind("apps", "v1", "Deployment", "deployment", "deployments", true),
		kind("networking.k8s.io", "v1", "Ingress", "ingress", "ingresses", true),
		kind("fleet.example.com", "v1", "Ship", "ship", "ships", false),
	}
}
