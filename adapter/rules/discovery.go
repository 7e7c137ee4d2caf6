package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxParsed bounds the PromQL that is parsed, since the parser recurses with the depth of the text.
const maxParsed = 64 << 10

// SelectorKey identifies a series selector of a Set: the server's name, where it is not the default one, and the text.
type SelectorKey = string

// Selector is a series selector of one or more rules, for one server.
type Selector struct {
	SelectorKey SelectorKey
	// Source names the server; empty for the server of the section prometheus.
	Source string
	// Query is the seriesQuery.
	Query string
	// Overrides are the labels that custom rules with this selector map to kinds by name, sorted.
	Overrides []string
	// Template says that a custom rule with this selector maps labels by a template.
	Template bool
}

// Selectors are the distinct series selectors of all rules, sorted. Discovery lists them. Custom rules need the series'
// names, and whether they have the labels of Overrides or, with Template, the labels that KindLabels returns. External
// rules need only the names.
func (s *Set) Selectors() []Selector {
	byKey := map[SelectorKey]*Selector{}
	of := func(r *rule) *Selector {
		key := r.selectorKey()
		if byKey[key] == nil {
			byKey[key] = &Selector{SelectorKey: key, Source: r.extras.source, Query: r.seriesQuery}
		}
		return byKey[key]
	}
	for _, r := range s.external {
		of(r)
	}
	for _, r := range s.custom {
		one := of(r)
		one.Overrides = slices.AppendSeq(one.Overrides, maps.Keys(r.overrides))
		one.Template = one.Template || r.label != nil
	}
	out := make([]Selector, 0, len(byKey))
	for _, one := range byKey {
		slices.Sort(one.Overrides)
		one.Overrides = slices.Compact(one.Overrides)
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Selector) int { return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Query, b.Query)) })
	return out
}

// selectorKey joins with a byte that no configuration has, since configurations are UTF-8.
func (r *rule) selectorKey() SelectorKey {
	if r.extras.source == "" {
		return r.seriesQuery
	}
	return r.extras.source + "\xff" + r.seriesQuery
}

// KindLabels returns the label names that a custom rule with the selector maps to a kind of objects, sorted. Discovery
// has to know these labels of a series.
func (s *Set) KindLabels(key SelectorKey, names []string, kinds Kinds) []string {
	var out []string
	for _, r := range s.custom {
		if r.selectorKey() != key {
			continue
		}
		b := bind(r, kinds)
		for _, label := range names {
			if _, ok := b.kindOf(label); ok {
				out = append(out, label)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// WithLabel narrows a series selector to the series that have a label. It fails where the selector is not one plain
// vector selector of PromQL. Some servers accept more; then only the server knows the series.
func WithLabel(selector, label string) (string, error) {
	matchers, err := parseSelector(selector)
	if err != nil {
		return "", err
	}
	if !model.UTF8Validation.IsValidLabelName(label) {
		return "", fmt.Errorf("%.80q is no name of a label", label)
	}
	present := labels.MustNewMatcher(labels.MatchNotEqual, label, "") // only patterns can fail
	return (&parser.VectorSelector{LabelMatchers: append(matchers, present)}).String(), nil
}

func parseSelector(selector string) ([]*labels.Matcher, error) {
	if len(selector) > maxParsed {
		return nil, fmt.Errorf("the series selector has more than %d bytes", maxParsed)
	}
	return parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
}
