package rules

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// nameThatCannotBeAsked: no request can contain the metric's name.
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

// surePart is text that every name of the rule contains. whole says that it is the whole name.
func (s suspect) surePart() (text string, whole bool) {
	if name, ok := s.fixedName(); ok {
		return name, true
	}
	if s.as == "$0" && s.matches.String() == ".*" {
		return s.prefix, false
	}
	return regexp.MustCompile(`\$(\$|\w+|\{\w+\})`).ReplaceAllString(s.as, ""), false
}

// sureBeginning is the start of every name that a pattern for __name__ matches.
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
