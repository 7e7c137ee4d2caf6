package offline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
)

// File is what `trimtab simulate metrics` reads.
type File struct {
	// RulesFile is the path of a rule file, relative to this file. Excludes Rules.
	RulesFile string `yaml:"rulesFile"`
	// Rules are the contents of a rule file: a mapping with rules, externalRules and resourceRules, or a list, which is
	// the value of its rules. Excludes RulesFile.
	Rules rules.File `yaml:"-"`
	// Compat sends exactly the PromQL of each request. Otherwise requests share common queries. Default true.
	Compat bool `yaml:"compat"`
	// Resources are kinds in addition to those that every API server serves. Default none.
	Resources []Resource `yaml:"resources"`
	// Objects are the existing objects. Their namespaces exist too. Default none.
	Objects []Object `yaml:"objects"`
	// Series are the series in Prometheus. Default none.
	Series []Series `yaml:"series"`
	// Interval is the time between two samples of a series. The first sample is at time zero. Default 1m.
	Interval Span `yaml:"interval"`
	// At is the time of the requests, counted from time zero. Default the time of the last sample of all.
	At *Span `yaml:"at"`
	// Requests are made one after the other. Required.
	Requests []Request `yaml:"requests"`
}

// Series is one series in the notation of promtool's rule tests.
type Series struct {
	// Series is its name and labels: http_requests_total{pod="a"}. Required.
	Series string `yaml:"series"`
	// Values are its samples: '1 2 _ stale 0+60x10', and native histograms. Required.
	Values string `yaml:"values"`
}

// SetDefaults fills in the values documented at the fields.
func (f *File) SetDefaults() {
	f.Compat = true
	f.Interval = Span(time.Minute)
}

// Case is a file that was read and checked.
type Case struct {
	File
	// Store holds the file's series.
	Store *Store
	// Cluster holds its kinds and objects.
	Cluster *Cluster
	// Now is At; time zero is the beginning of Unix time.
	Now time.Time
}

// withRules and withRuleList are the two forms of a file: with rules as a mapping or as a list.
type withRules struct {
	File  `yaml:",inline"`
	Rules rules.File `yaml:"rules"`
}

type withRuleList struct {
	File  `yaml:",inline"`
	Rules []rules.Rule `yaml:"rules"`
}

// Decode reads a file. Errors use name for the file. The error has all problems, as config.Problems, each with its
// line. Decode does not read a rule file that is only named.
func Decode(name string, data []byte) (*Case, error) {
	c := &Case{}
	var err error
	if listsRules(data) {
		f := withRuleList{}
		f.SetDefaults()
		err = config.Decode(name, data, &f)
		c.File, c.Rules.Rules = f.File, f.Rules
	} else {
		f := withRules{}
		f.SetDefaults()
		err = config.Decode(name, data, &f)
		c.File, c.Rules = f.File, f.Rules
	}
	ps, ok := errors.AsType[config.Problems](err)
	if err != nil && !ok {
		return nil, err
	}
	for _, p := range c.build(sectionsOf(ps)) {
		p.File = name
		ps = append(ps, p)
	}
	ps.Locate(config.Document{Line: 1, Data: data})
	return c, ps.AsError()
}

// listsRules is true if `rules` is a list. Decode reports what cannot be read.
func listsRules(data []byte) bool {
	if len(data) > config.MaxFileBytes {
		return false
	}
	root, err := config.Document{Line: 1, Data: data}.Root("")
	if err != nil || root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		value := root.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if root.Content[i].Value == "rules" {
			return value.Kind == yaml.SequenceNode
		}
	}
	return false
}

// sectionsOf are the top-level keys that have problems; "" for the file as a whole.
func sectionsOf(ps config.Problems) map[string]bool {
	sections := map[string]bool{}
	for _, p := range ps {
		end := strings.IndexAny(p.Path, ".[")
		if end < 0 {
			end = len(p.Path)
		}
		sections[p.Path[:end]] = true
	}
	return sections
}

// build makes the store and the cluster from the sections without problems.
func (c *Case) build(broken map[string]bool) config.Problems {
	if broken[""] {
		return nil
	}
	ps := c.check(broken)
	if !broken["series"] && !broken["interval"] {
		var found config.Problems
		c.Store, found = newStore(c.Series, time.Duration(c.Interval))
		ps = append(ps, found...)
	}
	if !broken["resources"] && !broken["objects"] {
		var found config.Problems
		c.Cluster, found = newCluster(c.Resources, c.Objects)
		c.Cluster.announce(c.Requests)
		ps = append(ps, found...)
	}
	c.Now = c.now()
	return ps
}

// check finds what is missing or contradictory, and notes in broken the sections that cannot be used.
func (c *Case) check(broken map[string]bool) config.Problems {
	var ps config.Problems
	switch given := !emptyRules(c.Rules); {
	case broken["rules"] || broken["rulesFile"]:
	case given && c.RulesFile != "":
		ps.Add("rulesFile", "excludes rules; keep one of them")
	case !given && c.RulesFile == "":
		ps.Add("", "there are no rules: name a rule file in rulesFile, or write them in rules")
	}
	if !broken["requests"] && len(c.Requests) == 0 {
		ps.Add("requests", "is required: at least one {get: /apis/...}")
	}
	if !broken["interval"] && (c.Interval < Span(time.Millisecond) || c.Interval > Span(maxInterval)) {
		ps.Add("interval", "%s is not between 1ms and %s", time.Duration(c.Interval), maxInterval)
		broken["interval"] = true
	}
	return ps
}

func (c *Case) now() time.Time {
	switch {
	case c.At != nil:
		return time.UnixMilli(time.Duration(*c.At).Milliseconds()).UTC()
	case c.Store != nil:
		return time.UnixMilli(c.Store.last).UTC()
	default:
		return time.UnixMilli(0).UTC()
	}
}

func emptyRules(f rules.File) bool {
	return len(f.Rules) == 0 && len(f.ExternalRules) == 0 && f.ResourceRules == nil
}

// within is the path of a field of a list's element.
func within(list string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", list, i, field) }
