package rules

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrSelector marks an error in the selector of the request, not in the rule.
var ErrSelector = errors.New("the selector cannot be written as PromQL")

// Objects are the objects whose metric is requested.
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
	// Label is the label that names the object of a sample; empty for external metrics.
	Label string
	// ExtraLabel distinguishes the samples of one object: the containers of a pod. Only resource rules have it.
	ExtraLabel string
	// GroupBy are the labels of the template's .GroupBy: Label, and ExtraLabel if there is one.
	GroupBy []string
}

// Query writes the PromQL for a metric of objects: first the matchers of the selector, sorted by key, then the
// namespace, then the objects' names.
func (s Source) Query(o Objects, selector labels.Selector) (Query, error) {
	label, namespaceLabel, err := s.labels(o)
	if err != nil {
		return Query{}, err
	}
	m, err := matchSelector(selector)
	if err != nil {
		return Query{}, err
	}
	if namespaceLabel != "" {
		m.equal(namespaceLabel, o.Namespace)
	}
	m.names(label, o.Names)
	groupBy := s.rule.groupBy(label)
	text, err := s.render(m, groupBy)
	return Query{text, label, s.rule.extraLabel, groupBy}, err
}

// ExternalQuery writes the PromQL for an external metric: the matchers of the selector, sorted by key, then the
// namespace unless the rule is not namespaced.
func (s Source) ExternalQuery(namespace string, selector labels.Selector) (Query, error) {
	namespaceLabel, err := s.externalLabel(namespace)
	if err != nil {
		return Query{}, err
	}
	m, err := matchSelector(selector)
	if err != nil {
		return Query{}, err
	}
	if namespaceLabel != "" {
		m.equal(namespaceLabel, namespace)
	}
	text, err := s.render(m, nil)
	return Query{PromQL: text}, err
}

// labels returns the label that names the objects and, if they have a namespace, the label for it.
func (s Source) labels(o Objects) (object, namespace string, err error) {
	object, ok := s.rule.labelOf(o.Kind)
	switch {
	case !ok:
		return "", "", s.noLabel(o.Kind.GroupResource)
	case o.Namespace == "":
		return object, "", nil
	case s.rule.namespaceLabel == "":
		return "", "", s.noLabel(schema.GroupResource{Resource: "namespaces"})
	default:
		return object, s.rule.namespaceLabel, nil
	}
}

// externalLabel is the label for the namespace of a request for an external metric; empty where the query is not
// narrowed to the namespace.
func (s Source) externalLabel(namespace string) (string, error) {
	switch {
	case !s.rule.namespaced || namespace == "":
		return "", nil
	case s.rule.namespaceLabel == "":
		return "", fmt.Errorf("%w; or set its resources.namespaced to false", s.noLabel(schema.GroupResource{Resource: "namespaces"}))
	default:
		return s.rule.namespaceLabel, nil
	}
}

func (r *rule) groupBy(label string) []string {
	if r.extraLabel == "" {
		return []string{label}
	}
	return []string{label, r.extraLabel}
}

func (s Source) noLabel(kind schema.GroupResource) error {
	return fmt.Errorf("%s ties no label to %s: give it resources.template or an entry in resources.overrides", s.Rule(), kind)
}

func (s Source) render(m *matchers, groupBy []string) (string, error) {
	if s.rule.query == nil {
		return "", fmt.Errorf("%s has no %s", s.Rule(), s.rule.queryKey)
	}
	text, err := s.rule.query.render(s.Series, m, groupBy)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s of %s: %w", s.rule.queryKey, s.Rule(), err)
	case text == "":
		return "", fmt.Errorf("%s of %s makes an empty query", s.rule.queryKey, s.Rule())
	default:
		return text, nil
	}
}

// SeveralRows says how one object can have several rows in the answer, although only one is served, and what to write
// instead. It is empty where an object has one row at most, for an external metric, and where the query is not PromQL.
func (q Query) SeveralRows() string {
	if q.Label == "" || len(q.PromQL) > maxParsed {
		return ""
	}
	expr, err := parseQuery(q.PromQL)
	if err != nil {
		return ""
	}
	return severalRows(expr, q.GroupBy)
}
