package merge

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// Form is a proved query. It writes the common query of all requests. It is immutable.
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

// Query is the common PromQL. values narrows it to the values in demand, by the label of their dimension. One value is
// compared as it is; several are matched by a regular expression that matches nothing else. Without values the label
// must not be empty. The order of values does not matter. A value that is not UTF-8 is left out beside others, since no
// series has it.
func (f *Form) Query(values map[string][]string) string { return f.query.fill(f.dims, values) }

// Timestamps is the PromQL for the age of the samples. Its answer has a row for each combination of dimensions in the
// common query, narrowed in the same way. The labels are the dimensions. The value is the Unix time, in seconds, of the
// newest sample that was read. If the query has several selectors, it is the oldest of their newest samples. An offset
// is added to the time, since a query with an offset reads old samples on purpose.
//
// A combination without a row has no current sample: its series have ended, or their last sample is older than
// Prometheus looks back (5m by default). The error says why such a query cannot be written.
func (f *Form) Timestamps(values map[string][]string) (string, error) {
	if f.stampsErr != nil {
		return "", f.stampsErr
	}
	return f.stamps.fill(f.dims, values), nil
}

// Added are the labels that rows have only because of the merging, sorted. Remove them from an answer.
func (f *Form) Added() []string { return slices.Clone(f.added) }

// Unique is true if there is at most one row for each combination of values.
func (f *Form) Unique() bool { return f.unique }

// Fragile is true if the common query can fail as a whole because of the series of one request, even one that nobody
// makes: if two series match one, and that request's own query would fail too.
func (f *Form) Fragile() bool { return f.fragile }

// Sorted is true if the query sorts the rows of each request. The common query keeps that order.
func (f *Form) Sorted() bool { return f.sorted }

// Window is the longest time range over which a selector of the query reads samples; zero for instant selectors. The
// range of a subquery is added to the ranges inside it. An offset does not count.
func (f *Form) Window() time.Duration { return f.window }

// blanks is a text with gaps for the matchers of dimensions.
type blanks struct {
	// parts are the texts between the gaps, one more than places.
	parts []string
	// places has the index of the dimension for each gap.
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

// matcher matches each of the values and nothing else. Without values it matches any non-empty value.
func matcher(label string, values []string) labels.Matcher {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	if valid := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !utf8.ValidString(v) }); len(valid) > 0 {
		values = valid
	} else if len(values) > 1 {
		values = values[:1] // it finds nothing, like all of them, and needs no regular expression
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
