package rules

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/config"
)

// File is a rule file, as prometheus-adapter reads it with --config. The keys that prometheus-adapter does not have
// (source, merge, onNaN, onEmpty, maxStaleness) change nothing where they are not given.
type File struct {
	// Rules expose metrics of the custom metrics API. Default none.
	Rules List `yaml:"rules"`
	// ExternalRules expose metrics of the external metrics API. Default none.
	ExternalRules []Rule `yaml:"externalRules"`
	// ResourceRules are the queries for the CPU and memory of pods and nodes, for the resource metrics API. Default
	// none: another server serves that API. prometheus-adapter reads a key without a value as none.
	ResourceRules *ResourceRules `yaml:"resourceRules" null:"none"`
}

// List is a list of rules.
type List []Rule

// MistakenFor recognises the values of prometheus-adapter's Helm chart, where `rules` is a mapping.
func (*List) MistakenFor(keys []string) string {
	for _, key := range keys {
		if slices.Contains([]string{"default", "custom", "external", "resource", "existing"}, key) {
			return "; these are values of prometheus-adapter's Helm chart: write rules.custom as rules, rules.external as externalRules and rules.resource as resourceRules, " +
				"or give what `helm template` prints, the chart's own rules of rules.default included, to `trimtab migrate prometheus-adapter --manifest`"
		}
	}
	return ""
}

// maxRules bounds each list of rules, since each discovery lists every series selector.
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

// Empty is true if the file has no rules.
func (f *File) Empty() bool {
	return len(f.Rules) == 0 && len(f.ExternalRules) == 0 && f.ResourceRules == nil
}

// Sources are the servers that rules name, by the path of the name. A rule without a server has an entry at its own
// path with "": it uses the server of the section prometheus.
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

// Rule says which series become metrics, of which objects, with which name, and how they are queried.
type Rule struct {
	// SeriesQuery is the series selector that finds the rule's series. Required.
	SeriesQuery string `yaml:"seriesQuery"`
	// SeriesFilters keep a series only if its name passes all filters. Default none.
	SeriesFilters []Filter `yaml:"seriesFilters"`
	// Resources maps labels to kinds of objects.
	Resources Association `yaml:"resources"`
	// Name makes the name of the metric from the name of the series.
	Name Naming `yaml:"name"`
	// MetricsQuery is a Go text/template with the delimiters << and >> that writes the PromQL. It may use .Series,
	// .LabelMatchers, .LabelValuesByName, .GroupBy and .GroupBySlice. Required.
	MetricsQuery string `yaml:"metricsQuery"`
	// Source names the Prometheus server to ask. Default none: the server of the section prometheus.
	Source string `yaml:"source"`
	// Merge says whether one common query may answer several requests. Default auto.
	Merge Merge `yaml:"merge"`
	// OnNaN says what to do with a sample that is no number. Default drop.
	OnNaN OnNaN `yaml:"onNaN"`
	// OnEmpty is the value of an object without a sample, or of an external metric without any. Default none: there is
	// no value.
	OnEmpty *float64 `yaml:"onEmpty"`
	// MaxStaleness is the maximum age of a sample; an older sample is ignored. Default 0: Prometheus's look-back is the
	// limit.
	MaxStaleness config.Duration `yaml:"maxStaleness"`
}

// Validate reports all problems of the rule.
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

// Association maps label names to kinds of objects. Overrides have precedence over the template.
type Association struct {
	// Template makes a label name from a kind: "kube_<<.Group>>_<<.Resource>>". Default none.
	Template string `yaml:"template"`
	// Overrides map single labels to a kind. Default none.
	Overrides map[string]GroupResource `yaml:"overrides"`
	// Namespaced says whether queries are narrowed to the namespace of the request. Only external rules use it, as in
	// prometheus-adapter. Default true.
	Namespaced *bool `yaml:"namespaced"`
}

// GroupResource names a kind of objects by its API group (empty for the core group) and its resource, singular or
// plural.
type GroupResource struct {
	Group    string `yaml:"group"`
	Resource string `yaml:"resource"`
}

func (g GroupResource) schema() schema.GroupResource {
	return schema.GroupResource{Group: g.Group, Resource: g.Resource}
}

// Naming makes the name of a metric from the name of a series.
type Naming struct {
	// Matches is a regular expression that may match anywhere in the name. A series that it does not match is left out.
	// Default ".*".
	Matches string `yaml:"matches"`
	// As is the name of the metric. It may contain $1 or ${name} for the groups of Matches; no other part of the
	// series' name is kept. Default $0 if Matches has no group, $1 if it has one.
	As string `yaml:"as"`
}

// ResourceRules are the queries for the usage of containers and nodes. Pods are served when both resources have a
// containerQuery, nodes when both have a nodeQuery.
type ResourceRules struct {
	CPU    ResourceRule `yaml:"cpu"`
	Memory ResourceRule `yaml:"memory"`
	// Window is the range of the rates in the queries, in Prometheus's notation ("5m", "1d"). It is reported with each
	// value and changes no query. Default 0, which is reported as 0s.
	Window string `yaml:"window"`
	// Source names the Prometheus server to ask. Default none: the server of the section prometheus.
	Source string `yaml:"source"`
	// Merge says whether one common query may answer several requests. Default auto.
	Merge Merge `yaml:"merge"`
}

// Validate reports all problems of the section.
func (r *ResourceRules) Validate() config.Problems {
	_, ps := compileResource(*r)
	return ps
}

// ResourceRule has the queries for one resource's usage: CPU in cores, memory in bytes.
type ResourceRule struct {
	// ContainerQuery is a template as metricsQuery is, for the pods of one namespace. .Series is empty; .GroupBy is the
	// pod's label and ContainerLabel.
	ContainerQuery string `yaml:"containerQuery"`
	// NodeQuery is a template as metricsQuery is, for nodes. .GroupBy is the node's label.
	NodeQuery string `yaml:"nodeQuery"`
	// Resources maps labels to namespaces, pods and nodes. Its namespaced has no effect here.
	Resources Association `yaml:"resources"`
	// ContainerLabel is the label whose values name containers.
	ContainerLabel string `yaml:"containerLabel"`
}
