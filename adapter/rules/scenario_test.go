package rules

import (
	"cmp"
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
//	form, externalform               the same words; the form of the request, its key and values
//	pods NS/NAMES, nodes NAMES       the queries for CPU and memory, and the forms
//	selectors                        what discovery has to ask for; with input, which of its labels matter to each selector
//	lint                             the input is a rule file; prints what is wrong with it or the warnings
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
		got := strings.TrimSpace(w.run(command, input))
		for strings.Contains(got, "\n\n") { // an empty line would end the step
			got = strings.ReplaceAll(got, "\n\n", "\n")
		}
		if got != strings.TrimSpace(want) {
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
	case "lint":
		return lint(input)
	case "selectors":
		return w.selectors(strings.Fields(input))
	case "pods", "nodes":
		return w.resource(words[0], words[1])
	case "series":
		return w.expose(input)
	case "custom", "form":
		return w.custom(words[1], words[2], words[3], strings.Join(words[4:], " "), words[0] == "form")
	case "external", "externalform":
		return w.external(words[1], words[2], strings.Join(words[3:], " "), words[0] == "externalform")
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
	found := map[SelectorKey][]Series{}
	for _, one := range w.set.Selectors() {
		found[one.SelectorKey] = series
	}
	w.catalog = w.set.Expose(found, nil, cluster())
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

func (w *world) custom(kindName, objects, metric, selector string, form bool) string {
	o, ok := objectsOf(kindName, objects)
	if !ok {
		return "unknown kind"
	}
	source, ok := w.catalog.Metric(Metric{o.Kind.GroupResource, o.Namespace != "", metric})
	if !ok {
		return "unknown metric"
	}
	sel, err := labels.Parse(selector)
	if err != nil {
		return err.Error()
	}
	if form {
		key, values, keyErr := source.FormKey(o, sel)
		f, err := source.Form(o, sel)
		return printForm(source, f, err, key, values, keyErr)
	}
	return printQuery(source.Query(o, sel))
}

func (w *world) external(namespace, metric, selector string, form bool) string {
	source, ok := w.catalog.External(metric)
	if !ok {
		return "unknown metric"
	}
	sel, err := labels.Parse(selector)
	if err != nil {
		return err.Error()
	}
	if form {
		key, values, keyErr := source.ExternalFormKey(namespace, sel)
		f, err := source.ExternalForm(namespace, sel)
		return printForm(source, f, err, key, values, keyErr)
	}
	return printQuery(source.ExternalQuery(namespace, sel))
}

func objectsOf(kindName, objects string) (Objects, bool) {
	kind, ok := cluster().Kind(schema.ParseGroupResource(kindName))
	namespace, names, namespaced := strings.Cut(objects, "/")
	if !namespaced {
		namespace, names = "", objects
	}
	return Objects{kind, namespace, strings.Split(names, ",")}, ok
}

func printQuery(q Query, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	out := q.PromQL
	if q.Label != "" {
		out += "\nobjects by label " + q.Label
	}
	if q.ExtraLabel != "" {
		out += ", containers by label " + q.ExtraLabel
	}
	return out
}

// printForm shows what FormKey and Form say; the two must agree.
func printForm(s Source, f Form, err error, key string, values []string, keyErr error) string {
	var b strings.Builder
	if why := s.Mergeable(); why != nil {
		fmt.Fprintf(&b, "not mergeable: %v\n", why)
	}
	if err != nil || keyErr != nil {
		fmt.Fprintf(&b, "error: %v", err)
		if keyErr != nil && keyErr.Error() != err.Error() {
			fmt.Fprintf(&b, "\nerror of the key: %v", keyErr)
		}
		return b.String()
	}
	if key != f.Key {
		fmt.Fprintf(&b, "THE KEYS DIFFER: %q\n", f.Key)
	}
	fmt.Fprintf(&b, "%s\nkey %q\n", f.Text, key)
	i := 0
	for _, d := range f.Dimensions {
		value := "(the object)"
		if d.Label != f.ObjectLabel {
			value = values[i]
			i++
		}
		fmt.Fprintf(&b, "%s for %s: %s\n", d.Sentinel, d.Label, value)
	}
	return b.String()
}

func (w *world) resource(of, objects string) string {
	r, ok := w.set.Resource(cluster())
	if !ok {
		return "no resourceRules"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "window %s\n", r.Window)
	o, _ := objectsOf(of, objects)
	for _, usage := range []Usage{r.CPU, r.Memory} {
		source := usage.Containers
		if of == "nodes" {
			source = usage.Nodes
		}
		key, values, keyErr := source.FormKey(o, nil)
		f, err := source.Form(o, nil)
		server := ""
		if source.Server() != "" {
			server = " at " + source.Server()
		}
		fmt.Fprintf(&b, "%s%s\n%s\n%s\n", source.Rule(), server, printQuery(source.Query(o, nil)), printForm(source, f, err, key, values, keyErr))
	}
	return b.String()
}

func (w *world) selectors(labels []string) string {
	var b strings.Builder
	for _, one := range w.set.Selectors() {
		fmt.Fprint(&b, one.Query)
		if one.Source != "" {
			fmt.Fprintf(&b, " at %s", one.Source)
		}
		if len(one.Overrides) > 0 {
			fmt.Fprintf(&b, ", overrides %v", one.Overrides)
		}
		if one.Template {
			b.WriteString(", template")
		}
		if len(labels) > 0 {
			fmt.Fprintf(&b, ", of kinds %v", w.set.KindLabels(one.SelectorKey, labels, cluster()))
		}
		narrowed, err := WithLabel(one.Query, "pod")
		if err != nil {
			narrowed = "cannot be narrowed: " + err.Error()
		}
		fmt.Fprintf(&b, "\n  %s\n", narrowed)
	}
	return b.String()
}

func lint(input string) string {
	var file File
	if err := config.Decode("rules.yaml", []byte(input), &file); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, warning := range Lint(file) {
		fmt.Fprintf(&b, "%s: %s\n", warning.Path, warning.Message)
	}
	return cmp.Or(b.String(), "no warning")
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
