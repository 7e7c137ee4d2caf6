package rules

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/config"
)

// File is a rule file as prometheus-adapter reads it with --config. The keys that prometheus-adapter does not
// have (source, merge, onNaN, onEmpty, maxStaleness) change nothing where they are not given.
type File struct {
	// Rules expose metrics of the custom metrics API. Default none.
	Rules List `yaml:"rules"`
	// ExternalRules expose metrics of the external metrics API. Default none.
	ExternalRules []Rule `yaml:"externalRules"`
	// ResourceRules tell how the CPU and memory of pods and nodes are queried, for the resource metrics API.
	// Default none: that API is left to another server. prometheus-adapter reads a key without a value as none.
	ResourceRules *ResourceRules `yaml:"resourceRules" null:"none"`
}

// List is a list of rules.
type List []Rule

// MistakenFor knows the values of prometheus-adapter's Helm chart, where `rules` is a mapping.
func (*List) MistakenFor(keys []string) string {
	for _, key := range keys {
		if slices.Contains([]string{"default", "custom", "external", "resource", "existing"}, key) {
			return "; these are values of prometheus-adapter's Helm chart: write rules.custom as rules, rules.external as externalRules and rules.resource as resourceRules, " +
				"or give what `helm template` prints, the chart's own rules of rules.default included, to `trimtab migrate prometheus-adapter --manifest`"
		}
	}
	return ""
}

// maxRules bounds each list of rules; every series selector among them is asked for in each discovery.
const maxRules = 10_000

// Validate bounds the number of rules. Each rule is checked by its own Validate.
func (f *File) Validate() config.Problems {
	var ps config.Problems
	for _, part := range []struct {
		path  string
		rules int
	}{{"rules", len(f.Rules)}, {"externalRules", len(f.ExternalRules)}} {
		if part.rules > maxRules {
			ps.Add(part.path, "has %d rules, more than %d; one rule finds many series by a pattern on __name__", part.rules, maxRules)
		}
	}
	return ps
}

// Empty tells whether the file has no rule of any sort.
func (f *File) Empty() bool {
	return len(f.Rules) == 0 && len(f.ExternalRules) == 0 && f.ResourceRules == nil
}

// Sources are the servers that rules name, by the path at which they do. A rule that names none stands for
// itself, with "": it asks the server of the section prometheus.
func (f *File) Sources() map[string]string {
	out := map[string]string{}
	note := func(path, source string) {
		if source != "" {
			path += ".source"
		}
		out[path] = source
	}
	for i, r := range f.Rules {
		note(fmt.Sprintf("rules[%d]", i), r.Source)
	}
	for i, r := range f.ExternalRules {
		note(fmt.Sprintf("externalRules[%d]", i), r.Source)
	}
	if f.ResourceRules != nil {
		note("resourceRules", f.ResourceRules.Source)
	}
	return out
}

// Rule says which series become metrics, of which objects, under which name, and how they are queried.
type Rule struct {
	// SeriesQuery is the series selector that finds the rule's series. Required.
	SeriesQuery string `yaml:"seriesQuery"`
	// SeriesFilters keep a series only if its name passes all of them. Default none.
	SeriesFilters []Filter `yaml:"seriesFilters"`
	// Resources ties labels to kinds of objects.
	Resources Association `yaml:"resources"`
	// Name turns the name of a series into the name of the metric.
	Name Naming `yaml:"name"`
	// MetricsQuery is a Go text/template with the delimiters << and >> that makes the PromQL; it may use
	// .Series, .LabelMatchers, .LabelValuesByName, .GroupBy and .GroupBySlice. Required.
	MetricsQuery string `yaml:"metricsQuery"`
	// Source names the Prometheus server that is asked. Default none: the one of the section prometheus.
	Source string `yaml:"source"`
	// Merge says whether requests may be answered by one query in common. Default auto.
	Merge Merge `yaml:"merge"`
	// OnNaN says what becomes of a sample that is no number. Default drop.
	OnNaN OnNaN `yaml:"onNaN"`
	// OnEmpty is the value of an object without a sample, or of an external metric without any. Default none:
	// there is no value then.
	OnEmpty *float64 `yaml:"onEmpty"`
	// MaxStaleness is how old a sample may be; an older one counts as none. Default 0: as old as Prometheus
	// looks back.
	MaxStaleness config.Duration `yaml:"maxStaleness"`
}

// Validate reports all that keeps the rule from being used.
func (r *Rule) Validate() config.Problems {
	_, ps := compileRule(*r)
	return ps
}

// Filter keeps or drops series by a regular expression (RE2) that may match anywhere in the name.
type Filter struct {
	// Is keeps the series that match. Excludes IsNot.
	Is string `yaml:"is"`
	// IsNot keeps the series that do not match. Excludes Is.
	IsNot string `yaml:"isNot"`
}

// Association ties label names to kinds of objects. Overrides win over the template.
type Association struct {
	// Template makes a label name of a kind: "kube_<<.Group>>_<<.Resource>>". Default none.
	Template string `yaml:"template"`
	// Overrides name the kind of single labels. Default none.
	Overrides map[string]GroupResource `yaml:"overrides"`
	// Namespaced says whether queries are narrowed to the namespace asked for. Only external rules
	// obey it, as in prometheus-adapter. Default true.
	Namespaced *bool `yaml:"namespaced"`
}

// GroupResource names a kind of objects by its API group (empty for the core group) and its resource, in
// the singular or the plural.
type GroupResource struct {
	Group    string `yaml:"group"`
	Resource string `yaml:"resource"`
}

func (g GroupResource) schema() schema.GroupResource {
	return schema.GroupResource{Group: g.Group, Resource: g.Resource}
}

// Naming turns the name of a series into the name of a metric.
type Naming struct {
	// Matches is a regular expression that may match anywhere in the name; a series that it does not
	// match is left out. Default ".*".
	Matches string `yaml:"matches"`
	// As is the name, with $1 or ${name} for what the groups of Matches caught; nothing else of the
	// series' name is kept. Default $0 without a group in Matches, $1 with one.
	As string `yaml:"as"`
}

// ResourceRules tell the usage of containers and nodes. Pods are served when both resources have a
// containerQuery, nodes when both have a nodeQuery.
type ResourceRules struct {
	CPU    ResourceRule `yaml:"cpu"`
	Memory ResourceRule `yaml:"memory"`
	// Window is the span that the queries' rates cover, in Prometheus's notation ("5m", "1d"). It is reported
	// with each value and changes no query. Default 0, which is reported as 0s.
	Window string `yaml:"window"`
	// Source names the Prometheus server that is asked. Default none: the one of the section prometheus.
	Source string `yaml:"source"`
	// Merge says whether requests may be answered by one query in common. Default auto.
	Merge Merge `yaml:"merge"`
}

// Validate reports all that keeps the section from being used.
func (r *ResourceRules) Validate() config.Problems {
	_, ps := compileResource(*r)
	return ps
}

// ResourceRule says how one resource's usage is queried: CPU in cores, memory in bytes.
type ResourceRule struct {
	// ContainerQuery is a template as metricsQuery is. It is asked for the pods of one namespace; .Series is
	// empty and .GroupBy is the pod's label and ContainerLabel.
	ContainerQuery string `yaml:"containerQuery"`
	// NodeQuery is a template as metricsQuery is, asked for nodes; .GroupBy is the node's label.
	NodeQuery string `yaml:"nodeQuery"`
	// Resources ties labels to namespaces, pods and nodes; its namespaced means nothing here.
	Resources Association `yaml:"resources"`
	// ContainerLabel is the label whose values name containers.
	ContainerLabel string `yaml:"containerLabel"`
}
