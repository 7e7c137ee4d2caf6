package rules

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/config"
)

// File is a rule file as prometheus-adapter reads it with --config.
type File struct {
	// Rules expose metrics of the custom metrics API. Default none.
	Rules []Rule `yaml:"rules"`
	// ExternalRules expose metrics of the external metrics API. Default none.
	ExternalRules []Rule `yaml:"externalRules"`
	// ResourceRules describe pods' and nodes' CPU and memory. They are understood but not served.
	ResourceRules *ResourceRules `yaml:"resourceRules"`
}

// Validate refuses the one section that is not served. Each rule is checked by its own Validate.
func (f *File) Validate() config.Problems {
	var ps config.Problems
	if f.ResourceRules != nil {
		ps.Add("resourceRules", "is not served: keep metrics-server for metrics.k8s.io and take this section out")
	}
	return ps
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

// ResourceRules are the section of the resource metrics API.
type ResourceRules struct {
	CPU    ResourceRule `yaml:"cpu"`
	Memory ResourceRule `yaml:"memory"`
	// Window is the span that the queries' rates cover, in Prometheus's notation.
	Window string `yaml:"window"`
}

// ResourceRule says how one resource's usage is queried.
type ResourceRule struct {
	ContainerQuery string      `yaml:"containerQuery"`
	NodeQuery      string      `yaml:"nodeQuery"`
	Resources      Association `yaml:"resources"`
	ContainerLabel string      `yaml:"containerLabel"`
}
