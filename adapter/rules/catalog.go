package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Series has what discovery needs of a time series: its name and the names of its labels. Series with the same name and
// labels may be given once.
type Series struct {
	Name   string
	Labels []string
}

// Metric is an entry of the custom metrics API.
type Metric struct {
	Resource   schema.GroupResource
	Namespaced bool
	Name       string
}

// Subject is how verdicts and messages name the metric: "metric pods/http_requests".
func (m Metric) Subject() verdict.Subject {
	return verdict.On(metricKind, m.Resource.String()+"/"+m.Name)
}

// Catalog has the metrics that a Set exposes for the existing series. It is immutable.
type Catalog struct {
	custom       map[Metric]Source
	external     map[string]Source
	unknownKinds bool
	// Metrics and Externals are all entries, sorted.
	Metrics   []Metric
	Externals []string
	// Verdicts report what a user may not expect: one for each rule, and one for each metric that two sources claim.
	Verdicts []verdict.Verdict
}

// UnknownKinds is true if a rule names a kind that is not served.
func (c *Catalog) UnknownKinds() bool { return c.unknownKinds }

// Metric finds the source of an entry of the custom metrics API.
func (c *Catalog) Metric(m Metric) (Source, bool) {
	s, ok := c.custom[m]
	return s, ok
}

// External finds the source of an external metric.
func (c *Catalog) External(name string) (Source, bool) {
	s, ok := c.external[name]
	return s, ok
}

// Expose makes the catalog from the series of each series selector. If two sources claim one entry, the later rule has
// it. Within a rule, the series that is last in alphabetical order has it. Series with the same name may be given as
// one series with all their labels; the result is the same. failures are the errors of selectors that could not be
// listed now. If their series are given, an earlier round found them.
func (s *Set) Expose(found map[SelectorKey][]Series, failures map[SelectorKey]error, kinds Kinds) *Catalog {
	c := &Catalog{custom: map[Metric]Source{}, external: map[string]Source{}}
	for _, r := range s.custom {
		series, listed := found[r.selectorKey()]
		c.exposeCustom(bind(r, kinds), series, tally{series: len(series), listed: listed, failure: failures[r.selectorKey()]})
	}
	for _, r := range s.external {
		series, listed := found[r.selectorKey()]
		c.exposeExternal(bind(r, kinds), series, tally{series: len(series), listed: listed, failure: failures[r.selectorKey()]})
	}
	c.Metrics = slices.SortedFunc(maps.Keys(c.custom), func(a, b Metric) int {
		return cmp.Or(strings.Compare(a.Resource.String(), b.Resource.String()), strings.Compare(a.Name, b.Name))
	})
	c.Externals = sortedKeys(c.external)
	return c
}

func (c *Catalog) exposeCustom(b *bound, series []Series, t tally) {
	c.tellUnknown(b)
	for _, one := range sorted(series) {
		name, ok := b.metricName(one.Name)
		if !ok {
			continue
		}
		t.named++
		mapped := false
		for _, label := range one.Labels {
			kind, ok := b.kindOf(label)
			if !ok {
				continue
			}
			mapped = true
			b.remember(kind)
			m := Metric{Resource: kind.GroupResource, Namespaced: kind.Namespaced, Name: name}
			source := Source{rule: b, Series: one.Name}
			if old, ok := c.custom[m]; ok && differ(old, source) {
				c.Verdicts = append(c.Verdicts, shadowed(m.Subject(), source, old))
			}
			c.custom[m] = source
			t.exposed++
		}
		if !mapped && t.unmapped == "" {
			t.unmapped = one.Name
		}
	}
	c.Verdicts = append(c.Verdicts, t.verdict(b))
}

func (c *Catalog) exposeExternal(b *bound, series []Series, t tally) {
	c.tellUnknown(b)
	for _, one := range sorted(series) {
		name, ok := b.metricName(one.Name)
		if !ok {
			continue
		}
		t.named++
		source := Source{rule: b, Series: one.Name}
		if old, ok := c.external[name]; ok && differ(old, source) {
			c.Verdicts = append(c.Verdicts, shadowed(ExternalSubject(name), source, old))
		}
		c.external[name] = source
		t.exposed++
	}
	c.Verdicts = append(c.Verdicts, t.verdict(b))
}

// tellUnknown reports the labels that are mapped to kinds which are not served.
func (c *Catalog) tellUnknown(b *bound) {
	if len(b.unknown) == 0 {
		return
	}
	c.unknownKinds = true
	var each []string
	for _, label := range b.unknown {
		g := b.overrides[label]
		each = append(each, fmt.Sprintf("%s (%s): %s", label, g.schema(), g.unserved(b.kinds)))
	}
	c.Verdicts = append(c.Verdicts, verdict.Because(verdict.On("rule", b.path), OverrideMapsNothing, verdict.Text("labels", strings.Join(each, "; "))))
}

func differ(a, b Source) bool { return a.rule != b.rule || a.Series != b.Series }

// ExternalSubject is how verdicts and messages name an external metric: "metric external/queue_length".
func ExternalSubject(name string) verdict.Subject { return verdict.On(metricKind, "external/"+name) }

// metricKind is the subject kind of a metric in verdicts.
const metricKind = "metric"

func shadowed(subject verdict.Subject, winner, loser Source) verdict.Verdict {
	return verdict.Because(subject, MetricShadowed,
		verdict.Text("served by", winner.Rule()+" from "+winner.Series),
		verdict.Text("not by", loser.Rule()+" from "+loser.Series))
}

// tally counts the series of one rule at each step.
type tally struct {
	series, named, exposed int
	// unmapped is a series that passed the filters but has no label of a known kind.
	unmapped string
	// listed says that the series were listed at least once. failure is why they are not up to date.
	listed  bool
	failure error
}

// verdict says whether the rule exposes anything. If not, it names the step at which the series were lost, or says that
// nobody knows.
func (t tally) verdict(b *bound) verdict.Verdict {
	subject := verdict.On("rule", b.path)
	found := []verdict.Fact{verdict.Number("series", t.series)}
	switch {
	case t.exposed > 0:
		return verdict.Because(subject, RuleExposes, append([]verdict.Fact{verdict.Number("mapped", t.exposed)}, found...)...)
	case t.failure != nil || !t.listed:
		why := "not asked for yet"
		if t.failure != nil {
			why = t.failure.Error()
		}
		return verdict.Because(subject, RuleSeriesUnknown, verdict.Text("series query", b.seriesQuery), verdict.Text("error", why))
	case t.series == 0:
		return verdict.Because(subject, RuleFindsNoSeries, append(found, verdict.Text("series query", b.seriesQuery))...)
	case t.named == 0:
		return verdict.Because(subject, RuleNamesNothing, append(found, verdict.Text("name.matches", b.matches.String()))...)
	default:
		return verdict.Because(subject, RuleMapsNoKind, append(found, verdict.Text("for example", t.unmapped))...)
	}
}

func sorted(series []Series) []Series {
	return slices.SortedStableFunc(slices.Values(series), func(a, b Series) int { return strings.Compare(a.Name, b.Name) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
