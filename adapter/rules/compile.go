package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/trimtab/trimtab/internal/config"
)

// Set is a compiled rule file. It is immutable.
type Set struct {
	custom, external []*rule
}

// Compile makes a Set, or tells everything that is wrong with the file, each with its path.
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
	if err := problems.AsError(); err != nil {
		return nil, err
	}
	return s, nil
}

// SeriesQueries are the distinct series selectors of all rules, sorted: what discovery has to ask for.
func (s *Set) SeriesQueries() []string {
	var out []string
	for _, r := range slices.Concat(s.custom, s.external) {
		out = append(out, r.seriesQuery)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rule is a Rule whose texts are parsed.
type rule struct {
	// path is where the rule stands in the file: "externalRules[2]".
	path        string
	seriesQuery string
	filters     []filter
	matches     *regexp.Regexp
	as          string
	query       *template.Template
	overrides   map[string]GroupResource
	// label makes a label name of a kind, and labelForm catches the kind from a label name; both nil
	// without a template.
	label      *template.Template
	labelForm  *regexp.Regexp
	namespaced bool
}

type filter struct {
	pattern *regexp.Regexp
	want    bool
}

func compileRule(r Rule) (*rule, config.Problems) {
	var ps config.Problems
	out := &rule{
		seriesQuery: r.SeriesQuery,
		overrides:   r.Resources.Overrides,
		namespaced:  r.Resources.Namespaced == nil || *r.Resources.Namespaced,
	}
	if strings.TrimSpace(r.SeriesQuery) == "" {
		ps.Add("seriesQuery", `is required; it is a series selector such as {__name__=~"^http_.*"}`)
	}
	for i, f := range r.SeriesFilters {
		out.addFilter(f, fmt.Sprintf("seriesFilters[%d]", i), &ps)
	}
	out.compileName(r.Name, &ps)
	out.compileLabels(r.Resources, &ps)
	if strings.TrimSpace(r.MetricsQuery) == "" {
		ps.Add("metricsQuery", "is required; for example sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)")
	} else if q, err := parseTemplate(r.MetricsQuery); err != nil {
		ps.Add("metricsQuery", "is not a template: %v", err)
	} else {
		out.query = q
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

func (r *rule) compileLabels(a Association, ps *config.Problems) {
	for _, label := range sortedKeys(a.Overrides) {
		if a.Overrides[label].Resource == "" {
			ps.Add("resources.overrides."+label+".resource", "is required")
		}
	}
	if a.Template == "" {
		return
	}
	t, err := parseTemplate(a.Template)
	if err != nil {
		ps.Add("resources.template", "is not a template: %v", err)
		return
	}
	form, err := render(t, labelArgs{Group: "(?P<group>.+?)", Resource: "(?P<resource>.+?)"})
	if err != nil {
		ps.Add("resources.template", "%v", err)
		return
	}
	pattern, err := regexp.Compile("^" + form + "$")
	switch {
	case err != nil:
		ps.Add("resources.template", "makes label names that cannot be recognised again: %v", err)
	case pattern.SubexpIndex("resource") < 0:
		ps.Add("resources.template", "must use <<.Resource>>; without it all kinds would share one label")
	default:
		r.label, r.labelForm = t, pattern
	}
}

func parseTemplate(text string) (*template.Template, error) {
	return template.New("").Delims("<<", ">>").Parse(text)
}

func render(t *template.Template, args any) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, args); err != nil {
		return "", err
	}
	return b.String(), nil
}

// metricName is the name of the metric that a series becomes, and false when the rule leaves it out.
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
