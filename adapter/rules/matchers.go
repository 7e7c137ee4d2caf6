package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// matchers collects label matchers in the order of the query.
type matchers struct {
	texts []string
	// values has the values of each label, joined with |, escaped for a quoted string of PromQL.
	values map[string]string
}

func (m *matchers) add(label, operator, pattern string, values []string) {
	m.texts = append(m.texts, matcher{label, operator, pattern, values}.String())
	safe := make([]string, len(values))
	for i, v := range values {
		safe[i] = insideQuotes(v)
	}
	m.values[label] = strings.Join(safe, "|")
}

func (m *matchers) equal(label, value string) { m.add(label, "=", value, []string{value}) }

// names matches one name exactly and several by alternation.
func (m *matchers) names(label string, names []string) {
	if len(names) == 1 {
		m.equal(label, names[0])
		return
	}
	m.add(label, "=~", alternation(names), names)
}

// matchSelector translates a label selector of Kubernetes. Requirements are sorted by key, and their values are sorted
// too. The error wraps ErrSelector.
func matchSelector(selector labels.Selector) (*matchers, error) {
	m := &matchers{values: map[string]string{}}
	requirements, err := requirementsOf(selector)
	if err != nil {
		return nil, err
	}
	for _, r := range requirements {
		one, err := matcherOf(r)
		if err != nil {
			return nil, err
		}
		m.add(one.label, one.operator, one.pattern, one.values)
	}
	return m, nil
}

// requirementsOf sorts the requirements of a selector by key. A nil selector has none: it matches everything.
func requirementsOf(selector labels.Selector) (labels.Requirements, error) {
	if selector == nil {
		return nil, nil
	}
	requirements, selectable := selector.Requirements()
	if !selectable {
		return nil, fmt.Errorf("%w: it selects nothing", ErrSelector)
	}
	byKey := func(a, b labels.Requirement) int { return strings.Compare(a.Key(), b.Key()) }
	if !slices.IsSortedFunc(requirements, byKey) {
		requirements = slices.SortedStableFunc(slices.Values(requirements), byKey)
	}
	return requirements, nil
}

// matcher is one requirement as PromQL.
type matcher struct {
	label, operator, pattern string
	// values are the values in pattern, sorted.
	values []string
}

func matcherOf(r labels.Requirement) (matcher, error) {
	key, values := r.Key(), r.ValuesUnsorted()
	slices.Sort(values)
	many := len(values) > 0
	switch op := r.Operator(); {
	case key == "":
		return matcher{}, fmt.Errorf("%w: a requirement names no label", ErrSelector)
	case (op == selection.Equals || op == selection.DoubleEquals) && len(values) == 1:
		return matcher{key, "=", values[0], values}, nil
	case op == selection.NotEquals && len(values) == 1:
		return matcher{key, "!=", values[0], values}, nil
	case op == selection.In && many:
		return matcher{key, "=~", alternation(values), values}, nil
	case op == selection.NotIn && many:
		return matcher{key, "!~", alternation(values), values}, nil
	case op == selection.Exists && !many:
		return matcher{key, "!=", "", nil}, nil
	case op == selection.DoesNotExist && !many:
		return matcher{key, "=", "", nil}, nil
	default:
		return matcher{}, fmt.Errorf("%w: operator %q of label %q with %d values has no counterpart", ErrSelector, op, key, len(values))
	}
}

func (m matcher) String() string { return labelName(m.label) + m.operator + strconv.Quote(m.pattern) }

// alternation is a regular expression that matches each of the values and nothing else.
func alternation(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = regexp.QuoteMeta(v)
	}
	return strings.Join(escaped, "|")
}

// labelName quotes a name that is no plain word of PromQL's grammar, as Prometheus 3 reads it.
func labelName(name string) string {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return strconv.Quote(name)
		}
	}
	return name
}

// insideQuotes escapes a value for quotes of any sort. A value that is a valid name or label value in Kubernetes stays
// as it is.
func insideQuotes(value string) string {
	if !strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' || c == '\'' || c == '"' || c == '`' || c == '\\' }) {
		return value
	}
	quoted := strconv.Quote(value)
	return strings.NewReplacer("'", `\x27`, "`", `\x60`).Replace(quoted[1 : len(quoted)-1])
}
