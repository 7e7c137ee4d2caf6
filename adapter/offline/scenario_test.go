package offline

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/adapter/rules"
)

// TestScenarios runs the files of testdata. A file is a list of steps, divided by empty lines; a step is a
// command, its input, a line of four dashes, and the exact output. TRIMTAB_UPDATE=1 writes the outputs anew.
//
//	file                      the input is a file; prints what is wrong with it, or what it holds
//	query AT                  evaluates the PromQL that is the input at that span from zero
//	series FROM TO            lists the series of each selector of the input
//	names FROM TO             lists the label names of them
//	values LABEL FROM TO      lists the values of a label of them
//	kind NAME                 what a resource is resolved to
//	objects NAME NS [SEL]     lists objects; NS - for all namespaces
//	announced                 the metrics of the HPAs that make the file's requests
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			runScenario(t, file)
		})
	}
}

func runScenario(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
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
		got := cmp.Or(strings.TrimSpace(w.run(command, input)), "(nothing)")
		if got != strings.TrimSpace(want) {
			t.Errorf("%s\n%s\n got: %s\nwant: %s", command, input, got, strings.TrimSpace(want))
		}
		rewritten = append(rewritten, in+"\n----\n"+got)
	}
	if os.Getenv("TRIMTAB_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// world is the file that was read last.
type world struct {
	t    *testing.T
	read *Case
	prom *Prometheus
}

func (w *world) run(command, input string) string {
	words := strings.Fields(command)
	switch words[0] {
	case "file":
		c, err := Decode("case.yaml", []byte(input))
		if err != nil {
			return err.Error()
		}
		w.read, w.prom = c, NewPrometheus(c.Store)
		return fmt.Sprintf("ok: %d rules, %d external, compat %t, %d series, at %s", len(c.Rules.Rules), len(c.Rules.ExternalRules), c.Compat, len(c.Store.all), c.Now.Format(time.TimeOnly))
	case "query":
		return w.query(input, w.at(words[1]))
	case "series", "names":
		return w.list(words[0], "", input, w.at(words[1]), w.at(words[2]))
	case "values":
		return w.list(words[0], words[1], input, w.at(words[2]), w.at(words[3]))
	case "kind":
		return w.kind(words[1])
	case "objects":
		return w.objects(words[1], strings.Trim(words[2], "-"), strings.Join(words[3:], " "))
	case "announced":
		return w.announced()
	default:
		return "unknown command " + words[0]
	}
}

func (w *world) at(text string) time.Time {
	d, err := parseSpan(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return time.UnixMilli(d.Milliseconds())
}

func (w *world) query(text string, at time.Time) string {
	result, err := w.prom.Query(w.t.Context(), text, at)
	if err != nil {
		return err.Error()
	}
	out := fmt.Sprintf("%s\n%s", result.Value.Type(), cmp.Or(result.Value.String(), "(no samples)"))
	for _, warning := range result.Warnings {
		out += "\nwarning: " + warning
	}
	return out
}

func (w *world) list(what, label, input string, from, to time.Time) string {
	selectors := strings.Split(strings.TrimSpace(input), "\n")
	var lines []string
	var err error
	switch what {
	case "series":
		sets, _, failed := w.prom.Series(w.t.Context(), selectors, from, to)
		for _, set := range sets {
			lines = append(lines, set.String())
		}
		err = failed
	case "names":
		lines, _, err = w.prom.LabelNames(w.t.Context(), selectors, from, to)
	case "values":
		lines, _, err = w.prom.LabelValues(w.t.Context(), label, selectors, from, to)
	}
	if err != nil {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}

func (w *world) resolve(name string) (rules.Kind, error) {
	mapper, err := w.read.Cluster.Mapper(w.t.Context())
	if err != nil {
		return rules.Kind{}, err
	}
	resource, err := mapper.ResourceFor(schema.ParseGroupResource(name).WithVersion(""))
	if err != nil {
		return rules.Kind{}, err
	}
	kind, err := mapper.KindFor(resource)
	if err != nil {
		return rules.Kind{}, err
	}
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return rules.Kind{}, err
	}
	singular, err := mapper.ResourceSingularizer(resource.Resource)
	return rules.Kind{GroupResource: resource.GroupResource(), Singular: singular, GVK: kind, Namespaced: mapping.Scope.Name() == meta.RESTScopeNameNamespace}, err
}

func (w *world) kind(name string) string {
	k, err := w.resolve(name)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s (%s) is %s, namespaced %t", k.GroupResource, k.Singular, k.GVK, k.Namespaced)
}

func (w *world) objects(name, namespace, selector string) string {
	kind, err := w.resolve(name)
	if err != nil {
		return err.Error()
	}
	parsed, err := labels.Parse(selector)
	if err != nil {
		return err.Error()
	}
	found, err := w.read.Cluster.Objects(w.t.Context(), kind, namespace, parsed)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, o := range found {
		line := fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())
		if pod, ok := o.(*corev1.Pod); ok {
			line += " " + string(pod.Status.Phase)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (w *world) announced() string {
	hpas, err := w.read.Cluster.HPAs(w.t.Context())
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, hpa := range hpas {
		text, err := yaml.Marshal(hpa.Spec.Metrics)
		if err != nil {
			return err.Error()
		}
		lines = append(lines, hpa.Namespace+"/"+hpa.Name+"\n"+string(text))
	}
	return strings.Join(lines, "")
}
