package rules

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
)

// formPart is one label of a request: a dimension with its value, or a matcher that all requests of the form share.
type formPart struct {
	label, value string
	constant     string
}

type formParts []formPart

// partsOf lists the labels of a request in the order of its matchers. A label with the empty value is no dimension,
// since series without the label match it too.
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

// values are the values of the dimensions, without the object's.
func (p formParts) values(object string) []string {
	values := make([]string, 0, len(p))
	for _, one := range p {
		if one.constant == "" && one.label != object {
			values = append(values, one.value)
		}
	}
	return values
}

// formKey joins the common parts of requests. None of them contains the separator: it is not UTF-8, and input from
// outside is quoted.
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

// holds is true if the parts of the query, without the values of its dimensions, contain a text.
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
