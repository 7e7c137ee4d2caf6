package rules

import "time"

// Source says where a metric comes from: one rule and one series.
type Source struct {
	rule *bound
	// Series is the name of the series in Prometheus; empty in resource rules.
	Series string
}

// Rule is the rule's place in the file: "rules[3]", "resourceRules.cpu".
func (s Source) Rule() string { return s.rule.path }

// Server is the name of the Prometheus server to ask; empty for the server of the section prometheus.
func (s Source) Server() string { return s.rule.extras.source }

// OnNaN says what to do with a sample that is no number.
func (s Source) OnNaN() OnNaN { return s.rule.extras.onNaN }

// OnEmpty is the value of an object without a sample, or of an external metric without any. It is false where there is
// no value then.
func (s Source) OnEmpty() (float64, bool) {
	if s.rule.extras.onEmpty == nil {
		return 0, false
	}
	return *s.rule.extras.onEmpty, true
}

// MaxStaleness is the maximum age of a sample; 0 means Prometheus's look-back.
func (s Source) MaxStaleness() time.Duration { return s.rule.extras.maxStaleness }
