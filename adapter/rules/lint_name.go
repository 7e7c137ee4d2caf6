package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// matchesAll is true if a pattern matches every name of a series. It tries names without a common letter, beginning or
// end.
func matchesAll(pattern *regexp.Regexp) bool {
	for _, name := range []string{"q", "Z", "_9", ":k:", "w_x_y_z", "JJJJJJJJJJJJJJJJ_7_jjjjjjjjjjjjjjj"} {
		if !pattern.MatchString(name) {
			return false
		}
	}
	return true
}

func filtersThatDoNotFilter(s suspect, warn warn) {
	for i, f := range s.filters {
		switch {
		case !matchesAll(f.pattern):
		case f.want:
			warn(fmt.Sprintf("seriesFilters[%d].is", i), "matches every name, so that it leaves nothing out; take it away, or write what a name must have, as in ^http_")
		default:
			warn(fmt.Sprintf("seriesFilters[%d].isNot", i), "matches every name, so that the rule exposes nothing; write what a name must not have, as in ^go_")
		}
	}
}

// nameThatLosesItsSeries: the filters drop the one series that is selected by name.
func nameThatLosesItsSeries(s suspect, warn warn) {
	if s.series == "" {
		return
	}
	for i, f := range s.filters {
		if f.pattern.MatchString(s.series) != f.want {
			warn(fmt.Sprintf("seriesFilters[%d]", i), "leaves out %s, the only series that seriesQuery selects, so that the rule exposes nothing", s.series)
			return
		}
	}
	if !s.matches.MatchString(s.series) {
		warn("name.matches", "does not match %s, the only series that seriesQuery selects, so that the rule exposes nothing", s.series)
	}
}

// nameOfGroupsThatAreNot: $1_x is the group with the name "1_x".
func nameOfGroupsThatAreNot(s suspect, warn warn) {
	for _, reference := range regexp.MustCompile(`\$(\$|\w+|\{\w+\})`).FindAllString(s.as, -1) {
		group := strings.Trim(reference, "${}")
		if group == "" {
			continue // $$ is a dollar sign
		}
		groups := s.matches.NumSubexp()
		if n, err := strconv.Atoi(group); err == nil && n <= groups || s.matches.SubexpIndex(group) >= 0 {
			continue
		}
		mend := fmt.Sprintf("groups of name.matches: %d", groups)
		name := strings.TrimLeft(group, "0123456789")
		if n, err := strconv.Atoi(strings.TrimSuffix(group, name)); err == nil && n <= groups && name != "" {
			mend = fmt.Sprintf("write ${%d}%s", n, name)
		}
		warn("name.as", "reads %s as the group %q, which there is not, and puts nothing in its place; %s", reference, group, mend)
	}
}

// nameForAllThatIsCaught: the groups catch different texts for different series, but the name does not contain them. A
// query without the name of the series is the same for all.
func nameForAllThatIsCaught(s suspect, warn warn) {
	if s.series == "" && s.query.uses.series && s.matches.NumSubexp() > 0 && !strings.Contains(s.as, "$") {
		warn("name.as", "gives all series that name.matches finds the one name %s, under which only one of them is served; write what differs, as in ${1}_%s", s.as, s.as)
	}
}

// claims are the metrics that the rule certainly claims if it finds series, as keys to compare.
func (s suspect) claims() []string {
	api := "custom"
	if s.external {
		api = "external"
	}
	names := []string{fmt.Sprintf("%q %q %q %q", s.seriesQuery, s.text.SeriesFilters, s.matches, s.as)}
	if name, ok := s.fixedName(); ok {
		names = append(names, name)
	}
	var out []string
	for _, name := range names {
		if s.external {
			out = append(out, api+" "+name)
			continue
		}
		for _, kind := range s.claimedKinds() {
			out = append(out, api+" "+kind+" "+name)
		}
	}
	return out
}

// fixedName is the metric's name where it does not depend on the series that are found.
func (s suspect) fixedName() (string, bool) {
	if s.series != "" {
		return s.metricName(s.series)
	}
	return s.as, s.as != "" && !strings.Contains(s.as, "$")
}

// claimedKinds are the kinds that overrides name. Namespaces count only if there are no others: nearly each rule has
// them, for narrowing.
func (s suspect) claimedKinds() []string {
	var out []string
	for _, label := range sortedKeys(s.overrides) {
		if kind := s.overrides[label]; !isNamespace(kind) {
			out = append(out, singular(kind.Resource)+"."+kind.Group)
		}
	}
	if len(out) == 0 && len(s.overrides) > 0 {
		out = append(out, "namespace.")
	}
	if s.text.Resources.Template != "" {
		out = append(out, "template "+s.text.Resources.Template)
	}
	return out
}
