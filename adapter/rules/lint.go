package rules

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Warning is something in a rule file that is allowed but probably not meant.
type Warning struct {
	// Path is its place in the file: "rules[2].resources.namespaced".
	Path string
	// Message says what happens and what to write instead.
	Message string
}

// Lint reports what in a file is probably not meant, in the order of the rules. It uses no cluster and no Prometheus,
// and reports only what is certain. It skips rules that Compile refuses.
func Lint(f File) []Warning {
	l := &linter{claims: map[string]string{}}
	for i, r := range f.Rules {
		l.lint(fmt.Sprintf("rules[%d]", i), r, false)
	}
	for i, r := range f.ExternalRules {
		l.lint(fmt.Sprintf("externalRules[%d]", i), r, true)
	}
	if f.ResourceRules != nil {
		l.lintResource(*f.ResourceRules)
	}
	return l.warnings
}

type linter struct {
	warnings []Warning
	// claims has the first rule that claims each metric.
	claims map[string]string
}

// warn reports a problem at a path below the rule's own.
type warn func(path, format string, args ...any)

func (l *linter) at(path string) warn {
	return func(below, format string, args ...any) {
		l.warnings = append(l.warnings, Warning{strings.Trim(path+"."+below, "."), fmt.Sprintf(format, args...)})
	}
}

// suspect is a rule under examination.
type suspect struct {
	*rule
	text     Rule
	external bool
	// series is the only name that seriesQuery selects; empty where there may be several.
	series string
	// prefix is the known common prefix of all names that seriesQuery selects.
	prefix string
}

func (l *linter) lint(path string, r Rule, external bool) {
	compiled, ps := compileRule(r)
	if len(ps) > 0 {
		return
	}
	s := suspect{rule: compiled, text: r, external: external}
	w := l.at(path)
	s.readSelector(w)
	for _, check := range []func(suspect, warn){
		filtersThatDoNotFilter, nameThatLosesItsSeries, nameOfGroupsThatAreNot, nameForAllThatIsCaught,
		noKind, noNamespaceForNamespaced, groupInTemplate, namespacedWithoutEffect, noNamespaceForExternal,
		nameThatCannotBeAsked, queryOfRule,
	} {
		check(s, w)
	}
	lintOverrides(s.overrides, w)
	for _, claim := range s.claims() {
		if first, taken := l.claims[claim]; taken {
			w("name", "claims the same metric as %s; where both find series, only the later rule is served: give one of them another name.as", first)
			break
		}
	}
	for _, claim := range s.claims() {
		if _, taken := l.claims[claim]; !taken {
			l.claims[claim] = path
		}
	}
}

// onlyName is the only name that a matcher matches, also one written as a pattern: {__name__=~"^up$"}.
func onlyName(m *labels.Matcher) string {
	switch names := m.SetMatches(); {
	case m.Name != model.MetricNameLabel:
		return ""
	case m.Type == labels.MatchEqual:
		return m.Value
	case m.Type == labels.MatchRegexp && len(names) == 1:
		return names[0]
	default:
		return ""
	}
}

// readSelector parses seriesQuery.
func (s *suspect) readSelector(warn warn) {
	matchers, err := parseSelector(s.seriesQuery)
	if err != nil {
		warn("seriesQuery", "is no series selector of PromQL (%s); unless the server speaks a wider dialect, the rule finds nothing", syntaxError(err))
		return
	}
	selective := false
	for _, m := range matchers {
		selective = selective || !m.Matches("")
		s.prefix = cmp.Or(s.prefix, sureBeginning(m))
		s.series = cmp.Or(s.series, onlyName(m))
	}
	if !selective {
		warn("seriesQuery", `names nothing that a series must have, and Prometheus refuses it; name a metric, or a label as in {namespace!=""}`)
	}
}
