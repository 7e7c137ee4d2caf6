package rules

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// sentinelPrefix begins the values that stand in a Form for those asked for. A query that holds it itself has no
// form.
const sentinelPrefix = "trimtab:value:"

// errSentinel is the error of a query in which sentinels could not be told from its own text.
var errSentinel = errors.New("the query holds " + sentinelPrefix + " itself, so it is asked exactly as it is written")

// Form is a request with its values taken out: requests with an equal Key differ only in the values of their
// Dimensions.
type Form struct {
	// Key is equal for requests that may share one query; it holds for one Set.
	Key string
	// Text is PromQL where each dimension stands as label="sentinel".
	Text string
	// Dimensions are the labels that requests compare with one value: those of the selector, sorted, then the
	// namespace's, then the object's.
	Dimensions []FormDimension
	// ObjectLabel is the label of the dimension that names objects; empty for external metrics.
	ObjectLabel string
	// ExtraLabel is as in Query.
	ExtraLabel string
}

// FormDimension is a label that requests of one Form compare with a value each, and the value that stands for
// it in the Form's text: no other text of the query holds it.
type FormDimension struct{ Label, Sentinel string }

// Mergeable tells why requests must be asked exactly as they are written, as far as it can be told from the rule
// without its PromQL; nil where they need not.
func (s Source) Mergeable() error {
	switch {
	case s.rule.extras.merge == MergeNever:
		return fmt.Errorf("%s has merge: never", s.Rule())
	case s.rule.query == nil:
		return fmt.Errorf("%s has no %s", s.Rule(), s.rule.queryKey)
	case s.rule.query.uses.freely != "":
		return fmt.Errorf("%s of %s %s, so that the values asked for may stand anywhere in the query", s.rule.queryKey, s.Rule(), s.rule.query.uses.freely)
	default:
		return nil
	}
}

// FormKey is the Key of the request's Form, made without rendering it, and the values of its Dimensions but the
// object's, in their order. The objects' names count for nothing. The error says why the request has no form.
func (s Source) FormKey(o Objects, selector labels.Selector) (string, []string, error) {
	object, namespaceLabel, err := s.labels(o)
	if err != nil {
		return "", nil, err
	}
	p, err := partsOf(selector, namespaceLabel, o.Namespace, object)
	if err != nil {
		return "", nil, err
	}
	return s.formKey(p, object), p.values(object), nil
}

// Form takes the values out of a request for a metric of objects. The objects' names count for nothing.
func (s Source) Form(o Objects, selector labels.Selector) (Form, error) {
	object, namespaceLabel, err := s.labels(o)
	if err != nil {
		return Form{}, err
	}
	p, err := partsOf(selector, namespaceLabel, o.Namespace, object)
	if err != nil {
		return Form{}, err
	}
	return s.form(p, object, s.rule.groupBy(object))
}

// ExternalFormKey is what FormKey is, for an external metric.
func (s Source) ExternalFormKey(namespace string, selector labels.Selector) (string, []string, error) {
	namespaceLabel, err := s.externalLabel(namespace)
	if err != nil {
		return "", nil, err
	}
	p, err := partsOf(selector, namespaceLabel, namespace, "")
	if err != nil {
		return "", nil, err
	}
	return s.formKey(p, ""), p.values(""), nil
}

// ExternalForm takes the values out of a request for an external metric.
func (s Source) ExternalForm(namespace string, selector labels.Selector) (Form, error) {
	namespaceLabel, err := s.externalLabel(namespace)
	if err != nil {
		return Form{}, err
	}
	p, err := partsOf(selector, namespaceLabel, namespace, "")
	if err != nil {
		return Form{}, err
	}
	return s.form(p, "", nil)
}

// formPart is one label of a request: a dimension with its value, or a matcher that all requests of the form share.
type formPart struct {
	label, value string
	constant     string
}

type formParts []formPart

// partsOf lists the labels of a request in the order of its matchers. A label with the empty value is no dimension:
// series without the label match it too.
func partsOf(selector labels.Selector, namespaceLabel, namespace, objectLabel string) (formParts, error) {
	requirements, err := requirementsOf(selector)
	if err != nil {
		return nil, err
	}
	p := make(formParts, 0, len(requirements)+2)
	for _, r := range requirements {
		m, err := matcherOf(r)
		if err != nil {
			return nil, err
		}
		one := formPart{label: m.label}
		if (m.operator == "=" || m.operator == "=~") && len(m.values) == 1 && m.values[0] != "" {
			one.value = m.values[0]
		} else {
			one.constant = m.String()
		}
		p = append(p, one)
	}
	if namespaceLabel != "" {
		p = append(p, formPart{label: namespaceLabel, value: namespace})
	}
	if objectLabel != "" {
		p = append(p, formPart{label: objectLabel})
	}
	for i, one := range p {
		for _, other := range p[:i] {
			if other.label == one.label {
				return nil, fmt.Errorf("the label %q is matched twice, so the request is asked exactly as it is written", one.label)
			}
		}
	}
	return p, nil
}

// values are those of the dimensions without the object's.
func (p formParts) values(object string) []string {
	values := make([]string, 0, len(p))
	for _, one := range p {
		if one.constant == "" && one.label != object {
			values = append(values, one.value)
		}
	}
	return values
}

// formKey joins what requests have in common; a separator can stand in none of it, since it is not UTF-8 and what
// comes from outside is quoted.
func (s Source) formKey(p formParts, object string) string {
	size := len(s.rule.path) + len(s.rule.queryKey) + len(s.Series) + len(object) + 3
	for _, one := range p {
		size += len(one.label) + len(one.constant) + 4
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(s.rule.path)
	b.WriteByte('.')
	b.WriteString(s.rule.queryKey)
	b.WriteByte('\xff')
	b.WriteString(s.Series)
	b.WriteByte('\xff')
	b.WriteString(object)
	for _, one := range p {
		b.WriteByte('\xff')
		if one.constant != "" {
			b.WriteString(one.constant)
		} else {
			b.WriteString(labelName(one.label))
		}
	}
	return b.String()
}

func (s Source) form(p formParts, object string, groupBy []string) (Form, error) {
	f := Form{Key: s.formKey(p, object), ObjectLabel: object, ExtraLabel: s.rule.extraLabel}
	m := &matchers{values: map[string]string{}}
	for i, one := range p {
		if one.constant != "" {
			m.texts = append(m.texts, one.constant)
			continue
		}
		sentinel := fmt.Sprintf("%s%d:", sentinelPrefix, i)
		m.equal(one.label, sentinel)
		f.Dimensions = append(f.Dimensions, FormDimension{one.label, sentinel})
	}
	if s.holds(sentinelPrefix, p) {
		return Form{}, errSentinel
	}
	var err error
	f.Text, err = s.render(m, groupBy)
	return f, err
}

// holds tells whether what the query is made of, but for the values of its dimensions, holds a text.
func (s Source) holds(text string, p formParts) bool {
	if s.rule.query != nil && strings.Contains(s.rule.query.text, text) || strings.Contains(s.Series, text) {
		return true
	}
	for _, one := range p {
		if strings.Contains(one.label, text) || strings.Contains(one.constant, text) {
			return true
		}
	}
	return false
}
