package scalers

import (
	"fmt"
	"maps"
	"slices"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// sourceMap has the trigger types that this part reads. The HPA itself reads cpu and memory.
type sourceMap map[string]trigger.Source

// checkedTriggers are an object's triggers with valid parameters. Nothing is open for them.
type checkedTriggers struct {
	// metrics has one element for each trigger, in their order.
	metrics []hpa.Metric
	// external are the triggers that this part reads, without cpu and memory.
	external []checkedTrigger
	// limits name the values beyond a bound that are reduced to the bound. warnings name ignored parameters.
	limits, warnings []string
}

type checkedTrigger struct {
	trigger.Checked
	metric hpa.Metric
	// kind is the trigger's type; cached says that it has useCachedMetrics.
	kind   string
	cached bool
}

// check checks every trigger of o. With an error, only the warnings of the result are valid. A time-out above the
// ceiling is reduced to it. auth has the values for each trigger. nil means that authentication cannot be resolved, as
// in a check of files.
func (s sourceMap) check(o spec.Owner, auth []map[string]string, ceiling time.Duration) (*checkedTriggers, error) {
	all := &checkedTriggers{}
	var errs []error
	for i, t := range o.Triggers {
		d := trigger.Definition{Namespace: o.Namespace, Index: i, Type: t.Type, Name: t.Name, Metadata: t.Metadata}
		if auth != nil {
			d.Auth = auth[i]
		}
		if ref := t.AuthenticationRef; ref != nil {
			d.AuthName, d.Offline = o.Namespace+"/"+ref.Name, auth == nil
		}
		one, err := s.checkOne(t, d)
		all.warnings = append(all.warnings, one.Warnings...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.ContainsFunc(all.metrics, func(m hpa.Metric) bool {
			return m.Name == one.metric.Name && m.Resource == one.metric.Resource && m.Container == one.metric.Container
		}) {
			errs = append(errs, fmt.Errorf("%s: its metric stands twice; keep one of them", d))
		}
		all.metrics = append(all.metrics, one.metric)
		if spec.IsResource(t.Type) {
			continue
		}
		if one.Timeout > ceiling {
			all.limits = append(all.limits, fmt.Sprintf("%s: timeout: %s is above scalers.maxTriggerTimeout; a reading ends after %s", d, one.Timeout, ceiling))
			one.Timeout = ceiling
		}
		all.external = append(all.external, one)
	}
	return all, text.Join(errs...)
}

func (s sourceMap) checkOne(t keda.ScaleTriggers, d trigger.Definition) (one checkedTrigger, err error) {
	var wrong []error
	if t.AuthenticationRef != nil {
		if err := checkAuthenticationRef(t.AuthenticationRef); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", d, err))
		}
	}
	if spec.IsResource(t.Type) {
		one.metric, one.Warnings, err = resourceMetric(d, t.MetricType)
		return one, text.Join(append(wrong, err)...)
	}
	source, ok := s[t.Type]
	if !ok {
		unknown := fmt.Errorf("%s: type: %s is not supported%s; docs/scalers has a page for each supported type", d, text.Quote(t.Type), config.Nearest(t.Type, s.supported()))
		return one, text.Join(append(wrong, unknown)...)
	}
	metricType, err := hpa.ExternalType(t.MetricType)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("%s: %w", d, err))
	}
	one.kind, one.cached = t.Type, t.UseCachedMetrics
	one.Checked, err = trigger.Check(d, source)
	if err := text.Join(append(wrong, err)...); err != nil {
		return one, err
	}
	one.metric = hpa.Metric{Name: hpa.MetricName(d.Index, one.Name), Type: metricType, Target: one.Target}
	if len(one.metric.Name) > text.Most { // the status contains it several times, and a URL does
		return one, fmt.Errorf("%s: the name of its metric, %s, has %d bytes, and %d are allowed", d, text.Quote(one.metric.Name), len(one.metric.Name), text.Most)
	}
	return one, nil
}

func (s sourceMap) supported() []string {
	types := append(slices.Collect(maps.Keys(s)), "cpu", "memory")
	slices.Sort(types)
	return types
}

// triggerSet is an object's open triggers. nil has none.
type triggerSet struct {
	checkedTriggers
	// opened are the open external triggers, in order.
	opened []*openTrigger
	// told is a warning beside those of the triggers: why their authentication could not be read again.
	told []string
}

// lapsed is s with a warning for err; nil takes it away.
func (s *triggerSet) lapsed(err error) *triggerSet {
	if err == nil && s.told == nil {
		return s
	}
	out := *s
	if out.told = nil; err != nil {
		out.told = []string{text.Line("the authentication cannot be read again, and what was read before is used: " + err.Error())}
	}
	return &out
}

// openAll opens every trigger of o, or none.
func (c *catalog) openAll(o spec.Owner, auth []map[string]string) (*triggerSet, error) {
	checked, err := c.sources.check(o, auth, c.timeout)
	if err != nil {
		return nil, err
	}
	set := &triggerSet{checkedTriggers: *checked}
	for _, t := range checked.external {
		set.opened = append(set.opened, &openTrigger{
			checkedTrigger: t, Opened: t.Open(), now: c.now, metrics: c.metrics, slots: c.slots, namespace: o.Namespace, wait: c.timeout,
		})
	}
	return set, nil
}

// each calls do for each open trigger.
func (s *triggerSet) each(do func(*openTrigger)) {
	if s == nil {
		return
	}
	for _, t := range s.opened {
		do(t)
	}
}

// close gives the leases back. Current readings continue.
func (s *triggerSet) close() { s.each(func(t *openTrigger) { t.Close() }) }

// endReadings ends the current readings, for all who wait for them.
func (s *triggerSet) endReadings() { s.each((*openTrigger).endReading) }

// dismiss says that another set is used from now on.
func (s *triggerSet) dismiss() { s.each((*openTrigger).dismiss) }

func (s *triggerSet) anyFailed() bool {
	return slices.ContainsFunc(s.opened, func(t *openTrigger) bool { return t.remembered().err != nil })
}
