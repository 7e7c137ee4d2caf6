package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// Set is a compiled rule file. It is immutable.
type Set struct {
	custom, external []*rule
	// resource is nil where the file has no resourceRules.
	resource *resourceSet
}

// Compile makes a Set, or reports all problems of the file, each with its path.
func Compile(f File) (*Set, error) {
	s := &Set{}
	problems := f.Validate()
	for _, part := range []struct {
		path  string
		rules []Rule
		into  *[]*rule
	}{{"rules", f.Rules, &s.custom}, {"externalRules", f.ExternalRules, &s.external}} {
		for i, r := range part.rules {
			compiled, ps := compileRule(r)
			compiled.path = fmt.Sprintf("%s[%d]", part.path, i)
			for _, p := range ps {
				problems.Add(compiled.path+"."+p.Path, "%s", p.Message)
			}
			*part.into = append(*part.into, compiled)
		}
	}
	if f.ResourceRules != nil {
		resource, ps := compileResource(*f.ResourceRules)
		for _, p := range ps {
			problems.Add(strings.TrimSuffix("resourceRules."+p.Path, "."), "%s", p.Message)
		}
		s.resource = resource
	}
	if err := problems.AsError(); err != nil {
		return nil, err
	}
	return s, nil
}

// rule is a Rule whose texts are parsed.
type rule struct {
	// path is the rule's place in the file: "externalRules[2]".
	path        string
	seriesQuery string
	filters     []filter
	matches     *regexp.Regexp
	as          string
	// queryKey is the key of the query in the rule. query is nil where it is not given; only resource rules may omit
	// it.
	queryKey  string
	query     *query
	overrides map[string]GroupResource
	// label makes a label name from a kind, and labelForm finds the kind in a label name. Both are nil without a
	// template.
	label      *template.Template
	labelForm  *regexp.Regexp
	namespaced bool
	// extraLabel is a label by which queries group in addition to the object's label. Only resource rules have it.
	extraLabel string
	extras     extras
}

// extras are the settings that prometheus-adapter does not have.
type extras struct {
	source       string
	merge        Merge
	onNaN        OnNaN
	onEmpty      *float64
	maxStaleness time.Duration
}

type filter struct {
	pattern *regexp.Regexp
	want    bool
}

func compileRule(r Rule) (*rule, config.Problems) {
	var ps config.Problems
	out := &rule{
		queryKey:    "metricsQuery",
		seriesQuery: r.SeriesQuery,
		overrides:   r.Resources.Overrides,
		namespaced:  r.Resources.Namespaced == nil || *r.Resources.Namespaced,
		extras:      extras{r.Source, r.Merge, r.OnNaN, r.OnEmpty, r.MaxStaleness.Std()},
	}
	if strings.TrimSpace(r.SeriesQuery) == "" {
		ps.Add("seriesQuery", `is required; it is a series selector such as {__name__=~"^http_.*"}`)
	}
	for i, f := range r.SeriesFilters {
		out.addFilter(f, fmt.Sprintf("seriesFilters[%d]", i), &ps)
	}
	out.compileName(r.Name, &ps)
	out.compileLabels(r.Resources, "resources", &ps)
	if strings.TrimSpace(r.MetricsQuery) == "" {
		ps.Add("metricsQuery", "is required; for example sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)")
	} else {
		out.query = compileQuery(r.MetricsQuery, out.queryKey, &ps)
	}
	if r.OnEmpty != nil && !Usable(*r.OnEmpty) {
		ps.Add("onEmpty", "%v is no value that a quantity can hold; write a number such as 0", *r.OnEmpty)
	}
	return out, ps
}

func (r *rule) addFilter(f Filter, path string, ps *config.Problems) {
	if (f.Is == "") == (f.IsNot == "") {
		ps.Add(path, `needs exactly one of "is" and "isNot"`)
		return
	}
	key, text := "is", f.Is
	if text == "" {
		key, text = "isNot", f.IsNot
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		ps.Add(path+"."+key, "%v", err)
		return
	}
	r.filters = append(r.filters, filter{pattern, key == "is"})
}

func (r *rule) compileName(n Naming, ps *config.Problems) {
	text := n.Matches
	if text == "" {
		text = ".*"
	}
	matches, err := regexp.Compile(text)
	if err != nil {
		ps.Add("name.matches", "%v", err)
		return
	}
	r.matches, r.as = matches, n.As
	if r.as != "" {
		return
	}
	switch groups := matches.NumSubexp(); groups {
	case 0:
		r.as = "$0"
	case 1:
		r.as = "$1"
	default:
		ps.Add("name.as", "is required, since name.matches has %d groups and it is not clear which is the name", groups)
	}
}

func (r *rule) compileLabels(a Association, path string, ps *config.Problems) {
	for _, label := range sortedKeys(a.Overrides) {
		if a.Overrides[label].Resource == "" {
			ps.Add(path+".overrides."+label+".resource", "is required")
		}
	}
	if a.Template == "" {
		return
	}
	t, err := parseTemplate(a.Template)
	if err != nil {
		ps.Add(path+".template", "is not a template: %v", err)
		return
	}
	form, err := render(t, labelArgs{Group: "(?P<group>.+?)", Resource: "(?P<resource>.+?)"})
	if err != nil {
		ps.Add(path+".template", "%v", cmp.Or(usesOf(t, "Group", "Resource").unknown, err))
		return
	}
	pattern, err := regexp.Compile("^" + form + "$")
	switch {
	case err != nil:
		ps.Add(path+".template", "makes label names that cannot be recognised again: %v", err)
	case pattern.SubexpIndex("resource") < 0:
		ps.Add(path+".template", "must use <<.Resource>>; without it all kinds would share one label")
	default:
		r.label, r.labelForm = t, pattern
	}
}

// metricName is the name of a series' metric. It is false when the rule leaves the series out.
func (r *rule) metricName(series string) (string, bool) {
	for _, f := range r.filters {
		if f.pattern.MatchString(series) != f.want {
			return "", false
		}
	}
	at := r.matches.FindStringSubmatchIndex(series)
	if at == nil {
		return "", false
	}
	name := string(r.matches.ExpandString(nil, r.as, series, at))
	return name, name != ""
}
