package rules

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrSelector marks an error that lies in the selector asked with, not in the rule.
var ErrSelector = errors.New("the selector cannot be written as PromQL")

// Objects are the objects that a metric is asked of.
type Objects struct {
	Kind Kind
	// Namespace is empty for kinds without one.
	Namespace string
	// Names has at least one name; their order is the order in the query.
	Names []string
}

// Query is the PromQL of one request.
type Query struct {
	PromQL string
	// Label is the label whose value names the object that a sample belongs to; empty for external metrics.
	Label string
}

// templateArgs are the variables of metricsQuery.
type templateArgs struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	GroupBy           string
	GroupBySlice      []string
}

// Query writes the PromQL for a metric of objects: first the matchers of the selector, sorted by key, then the
// namespace, then the objects' names.
func (s Source) Query(o Objects, selector labels.Selector) (Query, error) {
	label, ok := s.rule.labelOf(o.Kind)
	if !ok {
		return Query{}, s.noLabel(o.Kind.GroupResource)
	}
	m, err := matchSelector(selector)
	if err != nil {
		return Query{}, err
	}
	if o.Namespace != "" {
		if s.rule.namespaceLabel == "" {
			return Query{}, s.noLabel(schema.GroupResource{Resource: "namespaces"})
		}
		m.equal(s.rule.namespaceLabel, o.Namespace)
	}
	m.names(label, o.Names)
	text, err := s.render(m, []string{label})
	return Query{PromQL: text, Label: label}, err
}

// ExternalQuery writes the PromQL for an external metric: the matchers of the selector, sorted by key, then the
// namespace unless the rule is not namespaced.
func (s Source) ExternalQuery(namespace string, selector labels.Selector) (Query, error) {
	m, err := matchSelector(selector)
	if err != nil {
		return Query{}, err
	}
	if s.rule.namespaced && namespace != "" {
		if s.rule.namespaceLabel == "" {
			return Query{}, fmt.Errorf("%w; or set its resources.namespaced to false", s.noLabel(schema.GroupResource{Resource: "namespaces"}))
		}
		m.equal(s.rule.namespaceLabel, namespace)
	}
	text, err := s.render(m, nil)
	return Query{PromQL: text}, err
}

func (s Source) noLabel(kind schema.GroupResource) error {
	return fmt.Errorf("%s ties no label to %s: give it resources.template or an entry in resources.overrides", s.Rule(), kind)
}

func (s Source) render(m *matchers, groupBy []string) (string, error) {
	text, err := render(s.rule.query, templateArgs{
		Series:            s.Series,
		LabelMatchers:     strings.Join(m.texts, ","),
		LabelValuesByName: m.values,
		GroupBy:           strings.Join(groupBy, ","),
		GroupBySlice:      groupBy,
	})
	if err != nil {
		return "", fmt.Errorf("metricsQuery of %s: %w", s.Rule(), err)
	}
	if text == "" {
		return "", fmt.Errorf("metricsQuery of %s makes an empty query", s.Rule())
	}
	return text, nil
}
