package rules

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

const (
	// The values for queries that are examined.
	probeNamespace = "a-namespace"
	probeObject    = "an-object"
	probeValue     = "a-value"
	// probeSeries is long enough for templates that cut it.
	probeSeries = "a_series_that_is_found_by_the_series_query"
	// shortRange is the shortest range of a rate that has two samples at the usual scrape intervals.
	shortRange = time.Minute
	// mostLabels bounds the labels of a rule that are examined.
	mostLabels = 32
)

// probe is a query to examine, with its values.
type probe struct {
	// path is the query's key below the rule.
	path  string
	query *query
	// series is the name of the series, where there is one.
	series string
	// namespaceLabel is empty where the query is not narrowed to a namespace.
	namespaceLabel string
	// keep lists labels to group by that the result must have: all labels of one of the entries. Empty for external
	// metrics.
	keep [][]string
	// ignored says what happens when the query does not use the namespace.
	ignored string
}

func queryOfRule(s suspect, warn warn) {
	p := probe{path: s.queryKey, query: s.query, series: cmp.Or(s.series, probeSeries)}
	if !s.external || s.namespaced {
		p.namespaceLabel, _ = s.labelFor("namespace")
	}
	if s.external {
		p.ignored = "every namespace gets the same answer; write <<.Series>>{<<.LabelMatchers>>}, or resources.namespaced: false where that is meant"
		if _, ok := p.examine(warn, nil); ok && !s.namespaced {
			p.withoutMatchers(warn)
		}
		return
	}
	p.ignored = "objects of one name in several namespaces get each other's values; write <<.Series>>{<<.LabelMatchers>>}"
	if p.keep = s.kindLabels(); len(p.keep) > 0 {
		p.examineKept(warn)
	}
}

// kindLabels are labels of which a result should have one: the labels that overrides map to kinds other than
// namespaces, or else the namespaces' label. With a template they are the labels of usual kinds, namespaces last. A
// label job does not count for Jobs, since each series has it.
func (s suspect) kindLabels() [][]string {
	var out [][]string
	for _, label := range sortedKeys(s.overrides) {
		if !isNamespace(s.overrides[label]) {
			out = append(out, []string{label})
		}
	}
	if s.label != nil {
		for _, kind := range []string{"pod", "node", "service", "deployment", "statefulset", "daemonset", "replicaset", "ingress", "persistentvolumeclaim", "namespace"} {
			if label, ok := s.templateLabel("", kind); ok {
				out = append(out, []string{label})
			}
		}
	}
	if label, ok := s.labelFor("namespace"); ok && len(out) == 0 {
		out = append(out, []string{label})
	}
	return out
}

// examineKept examines the query, and checks that its result can have the labels of one entry.
func (p probe) examineKept(warn warn) {
	var lost []string
	for i, labels := range p.keep {
		if i == mostLabels {
			return
		}
		tell := warn
		if i > 0 {
			tell = func(string, string, ...any) {} // the first query has reported these
		}
		expr, ok := p.examine(tell, labels)
		if !ok {
			return
		}
		kept := rowsOf(expr).labels
		missing := slices.DeleteFunc(slices.Clone(labels), kept.has)
		if len(missing) == 0 {
			if several := severalRows(expr, labels); several != "" {
				warn(p.path, "%s", several)
			}
			return
		}
		lost = append(lost, missing...)
	}
	what := "the label " + lost[0]
	if len(lost) > 1 {
		what = "all labels of kinds, such as " + lost[0]
	}
	warn(p.path, "loses %s, by which a value finds its object, so that requests find nothing; aggregate by (<<.GroupBy>>)", what)
}

// examine writes the query for an object that groupBy names, or for an external metric, and reports its problems. It is
// false where there is no syntax tree.
func (p probe) examine(warn warn, groupBy []string) (parser.Expr, bool) {
	if err := p.query.uses.unknown; err != nil {
		warn(p.path, "fails, and so does every request that comes to it: %v", err)
		return nil, false
	}
	if p.query.uses.branches {
		if p.mixesNamespaces(groupBy) && !p.query.uses.matchers && p.query.uses.freely == "" {
			warn(p.path, "does not use <<.LabelMatchers>>: %s", p.ignored)
		}
		return nil, false // the text depends on the series that are found
	}
	text, err := p.query.render(p.series, p.matchers(groupBy), groupBy)
	switch {
	case err != nil:
		warn(p.path, "fails, and so does every request: %v", err)
		return nil, false
	case text == "":
		warn(p.path, "makes an empty query, so that every request fails")
		return nil, false
	case p.mixesNamespaces(groupBy) && !strings.Contains(text, probeNamespace):
		warn(p.path, "does not use <<.LabelMatchers>>: %s", p.ignored)
	}
	if len(text) > maxParsed {
		return nil, false
	}
	expr, err := parseQuery(text)
	if err != nil {
		warn(p.path, "is no PromQL as it is sent (%s): %s%s", syntaxError(err), shown(text), p.mendOf(err, groupBy))
		return nil, false
	}
	if t := expr.Type(); t != parser.ValueTypeVector && (len(groupBy) > 0 || t != parser.ValueTypeScalar) {
		warn(p.path, "gives a %s, so that every request fails; a vector is needed", parser.DocumentedType(t))
		return nil, false
	}
	shortRanges(expr, p.path, warn)
	return expr, true
}

// mixesNamespaces is true if a query that is not narrowed to the namespace gives wrong values. A request for namespaces
// themselves has a row for each.
func (p probe) mixesNamespaces(groupBy []string) bool {
	return p.namespaceLabel != "" && !slices.Contains(groupBy, p.namespaceLabel)
}

// matchers are the matchers of a request by name in a namespace, with a value for each label that the template reads.
func (p probe) matchers(groupBy []string) *matchers {
	m := &matchers{values: map[string]string{}}
	for _, label := range p.query.uses.values {
		if label != p.namespaceLabel && !slices.Contains(groupBy, label) {
			m.equal(label, probeValue)
		}
	}
	if p.namespaceLabel != "" {
		m.equal(p.namespaceLabel, probeNamespace)
	}
	switch {
	case len(groupBy) == 0 && len(m.texts) == 0:
		m.equal("label", probeValue)
	case len(groupBy) > 0 && groupBy[0] == p.namespaceLabel:
		// A request for a namespace itself has one matcher for its label.
	case len(groupBy) > 0:
		m.equal(groupBy[0], probeObject)
	}
	return m
}

// withoutMatchers examines a query that neither a namespace nor a selector narrows.
func (p probe) withoutMatchers(warn warn) {
	if len(p.query.uses.values) > 0 {
		return
	}
	text, err := p.query.render(p.series, &matchers{values: map[string]string{}}, nil)
	if err != nil || len(text) > maxParsed {
		return
	}
	if _, err := parseQuery(text); err != nil {
		mend := `write it last, as in {code="500",<<.LabelMatchers>>}`
		if strings.Contains(err.Error(), "non-empty matcher") {
			mend = "name the series, as in <<.Series>>{<<.LabelMatchers>>}"
		}
		warn(p.path, "is no PromQL where an HPA gives no selector, since <<.LabelMatchers>> is empty then (%s): %s; %s", syntaxError(err), shown(text), mend)
	}
}

// shortRanges reports the first rate with a range too short for two samples.
func shortRanges(expr parser.Expr, path string, warn warn) {
	rates := []string{"rate", "irate", "increase", "delta", "idelta", "deriv"}
	found := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		call, ok := n.(*parser.Call)
		if !ok || !slices.Contains(rates, call.Func.Name) || found {
			return nil
		}
		for _, arg := range call.Args {
			if m, ok := arg.(*parser.MatrixSelector); ok && m.RangeExpr == nil && m.Range < shortRange {
				found = true
				warn(path, "takes the %s over %s, which holds fewer than two samples unless series are scraped more often than that, so that the metric comes and goes; write at least four scrape intervals, as in [2m]", call.Func.Name, m.Range)
			}
		}
		return nil
	})
}

// parseQuery reads PromQL with all optional features.
func parseQuery(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	}).ParseExpr(text)
}

// syntaxError is the first error of a parser: its position and its message.
func syntaxError(err error) string {
	if all, ok := errors.AsType[parser.ParseErrors](err); ok && len(all) > 0 {
		err = &all[0]
	}
	return strings.Replace(err.Error(), ": parse error: ", ": ", 1)
}

func (p probe) mendOf(err error, groupBy []string) string {
	if strings.Contains(err.Error(), "expected type range vector") {
		return "; give it a range, as in [2m]"
	}
	if text, err := p.query.render(probeSeries, p.matchers(groupBy), groupBy); err == nil && p.series != probeSeries {
		if _, err := parseQuery(text); err == nil {
			return `; the name of the series needs quotes, as in {"<<.Series>>",<<.LabelMatchers>>}`
		}
	}
	return "; unless the server speaks a wider dialect, every request fails"
}

// maxShown is how many bytes of a query a warning shows.
const maxShown = 300

// shown is a query on one line, shortened.
func shown(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}
