package rules

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// nameThatCannotBeAsked: a request cannot say the metric's name.
func nameThatCannotBeAsked(s suspect, warn warn) {
	name, whole := s.surePart()
	at, mend := "name", "give the rule a name.as in small letters"
	if s.text.Name.As != "" {
		at, mend = "name.as", "write it in small letters"
	}
	if lower := strings.ToLower(name); s.external && lower != name {
		if whole {
			mend = "write name.as: " + lower
		}
		warn(at, "makes a name with %s, and no HPA reaches it: client-go asks for external metrics in small letters; %s", strconv.Quote(name), mend)
	}
	if strings.Contains(name, "/") {
		warn(at, "makes a name with %s, and a / divides the path of a request, so that nobody reaches it; write another sign, as in _", strconv.Quote(name))
	}
}

// surePart is text that stands in each name that the rule makes; whole says that it is all of the name.
func (s suspect) surePart() (text string, whole bool) {
	if name, ok := s.fixedName(); ok {
		return name, true
	}
	if s.as == "$0" && s.matches.String() == ".*" {
		return s.prefix, false
	}
	return regexp.MustCompile(`\$(\$|\w+|\{\w+\})`).ReplaceAllString(s.as, ""), false
}

// sureBeginning is what a name begins with that a pattern for __name__ asks for.
func sureBeginning(m *labels.Matcher) string {
	if m.Name != model.MetricNameLabel || m.Type != labels.MatchRegexp {
		return ""
	}
	for _, name := range m.SetMatches() {
		if name != strings.ToLower(name) {
			return name
		}
	}
	return m.Prefix()
}
