package merge

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// Form is a proved query: it writes the common query of all requests. It is immutable.
type Form struct {
	// dims are sorted by label.
	dims            []Dimension
	query           blanks
	stamps          blanks
	stampsErr       error
	added           []string
	unique, fragile bool
	sorted          bool
	window          time.Duration
}

// Query is the common PromQL. The values narrow it to those in demand, by the label of their dimension:
// one value is compared as it is, several by a regular expression that matches them and nothing else,
// and without values the label must not be empty. The order of values does not matter. A value that is
// not UTF-8 is left out beside others, since no series has it.
func (f *Form) Query(values map[string][]string) string { return f.query.fill(f.dims, values) }

// Timestamps is the PromQL that tells how old the samples are: for each combination of dimensions that the
// common query has, narrowed in the same way, a row with the dimensions as labels, and as value the time, in
// Unix seconds, of the newest sample that was read; where the query has several selectors, the oldest of their
// newest. An offset is added to the time, since looking back on purpose is not being late.
//
// A combination without a row has no current sample: its series have ended, or their last sample is older
// than Prometheus looks back (5m by default). The error tells why the query has no such times.
func (f *Form) Timestamps(values map[string][]string) (string, error) {
	if f.stampsErr != nil {
		return "", f.stampsErr
	}
	return f.stamps.fill(f.dims, values), nil
}

// Added are the labels that rows have only because of the merging, sorted: to be taken off an answer.
func (f *Form) Added() []string { return slices.Clone(f.added) }

// Unique tells that there is at most one row for each combination of values.
func (f *Form) Unique() bool { return f.unique }

// Fragile tells that the common query fails as a whole when the series of some request, perhaps of one
// that nobody makes, are such that its own query would fail: two series that match one.
func (f *Form) Fragile() bool { return f.fragile }

// Sorted tells that the query puts the rows of each request in an order, which the common query keeps.
func (f *Form) Sorted() bool { return f.sorted }

// Window is the longest time over which a selector of the query reads samples, zero for instant selectors.
// The range of a subquery is added to those inside; an offset does not count.
func (f *Form) Window() time.Duration { return f.window }

// blanks is a text with places for the matchers of dimensions.
type blanks struct {
	// parts are one more than the places between them.
	parts []string
	// places has, for each place, the index of its dimension.
	places []int
}

// newBlanks cuts a text at the matchers label="sentinel".
func newBlanks(text string, dims []Dimension) blanks {
	var b blanks
	for {
		at, which, length := -1, 0, 0
		for i, d := range dims {
			m := labels.Matcher{Type: labels.MatchEqual, Name: d.Label, Value: d.Sentinel}
			if j := strings.Index(text, m.String()); j >= 0 && (at < 0 || j < at) {
				at, which, length = j, i, len(m.String())
			}
		}
		if at < 0 {
			b.parts = append(b.parts, text)
			return b
		}
		b.parts, b.places = append(b.parts, text[:at]), append(b.places, which)
		text = text[at+length:]
	}
}

func (b blanks) fill(dims []Dimension, values map[string][]string) string {
	matchers := make([]string, len(dims))
	for i, d := range dims {
		m := matcher(d.Label, values[d.Label])
		matchers[i] = m.String()
	}
	var out strings.Builder
	for i, part := range b.parts {
		out.WriteString(part)
		if i < len(b.places) {
			out.WriteString(matchers[b.places[i]])
		}
	}
	return out.String()
}

// matcher matches each of the values and nothing else; without values, what is not empty.
func matcher(label string, values []string) labels.Matcher {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	if valid := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !utf8.ValidString(v) }); len(valid) > 0 {
		values = valid
	} else if len(values) > 1 {
		values = values[:1] // it finds nothing, as none of them would, and is no regular expression
	}
	switch len(values) {
	case 0:
		return labels.Matcher{Type: labels.MatchNotEqual, Name: label}
	case 1:
		return labels.Matcher{Type: labels.MatchEqual, Name: label, Value: values[0]}
	}
	for i, v := range values {
		values[i] = regexp.QuoteMeta(v)
	}
	return labels.Matcher{Type: labels.MatchRegexp, Name: label, Value: strings.Join(values, "|")}
}
