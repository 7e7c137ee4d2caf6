package scalers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// triggerSet is an object's triggers, opened. Who has it from open may read it until he releases it; the
// catalog holds the one that is current, and its triggers are closed when nobody holds them any more.
type triggerSet struct {
	// metrics has one element for each trigger, in their order.
	metrics []hpa.Metric
	// external are those that are read here; cpu and memory are not among them.
	external []*openTrigger
	// warnings are what the triggers ask for beyond a bound that they are kept within.
	warnings []string
}

// openAll opens every trigger of so, or none.
func (c *catalog) openAll(so *keda.ScaledObject, auth []map[string]string) (*triggerSet, error) {
	set := &triggerSet{}
	var errs []error
	for i, t := range so.Spec.Triggers {
		d := trigger.Definition{
			Namespace: so.Namespace, Index: i, Type: t.Type, Name: t.Name, Metadata: t.Metadata, Auth: auth[i], Offline: c.offline && t.AuthenticationRef != nil,
		}
		if ref := t.AuthenticationRef; ref != nil {
			d.AuthName = so.Namespace + "/" + ref.Name
		}
		metric, open, err := c.openOne(so, i, d)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.ContainsFunc(set.metrics, func(m hpa.Metric) bool {
			return m.Name == metric.Name && m.Resource == metric.Resource && m.Container == metric.Container
		}) {
			errs = append(errs, fmt.Errorf("trigger %d (%s): its metric stands twice; keep one of them", i, t.Type))
		}
		set.metrics = append(set.metrics, metric)
		if open != nil {
			set.external = append(set.external, open)
			set.bound(d, open, c.timeout)
		}
	}
	if err := text.Join(errs...); err != nil {
		set.release()
		return nil, err
	}
	return set, nil
}

func (c *catalog) openOne(so *keda.ScaledObject, i int, d trigger.Definition) (hpa.Metric, *openTrigger, error) {
	t := so.Spec.Triggers[i]
	if t.AuthenticationRef != nil {
		if err := checkAuthenticationRef(t.AuthenticationRef); err != nil {
			return hpa.Metric{}, nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	if spec.IsResource(t.Type) {
		m, err := resourceMetric(d, t.MetricType)
		return m, nil, err
	}
	from, ok := c.sources[t.Type]
	if !ok {
		return hpa.Metric{}, nil, fmt.Errorf("%s: type: %s is not supported; supported: %s", d, text.Quote(t.Type), strings.Join(c.supported(), ", "))
	}
	metricType, err := hpa.ExternalType(t.MetricType)
	if err != nil {
		return hpa.Metric{}, nil, fmt.Errorf("%s: %w", d, err)
	}
	opened, err := trigger.Open(d, from.Open)
	if err != nil {
		return hpa.Metric{}, nil, err
	}
	m := hpa.Metric{Name: hpa.MetricName(i, opened.Metric), Type: metricType, Target: opened.Target}
	if len(m.Name) > text.Most { // it stands several times in the status, and in a URL
		opened.Close()
		return hpa.Metric{}, nil, fmt.Errorf("%s: the name of its metric, %s, has %d bytes, and %d are allowed", d, text.Quote(m.Name), len(m.Name), text.Most)
	}
	return m, &openTrigger{
		Opened: opened, metric: m, kind: t.Type, cached: t.UseCachedMetrics, now: c.now, metrics: c.metrics,
		slots: c.slots, namespace: so.Namespace, wait: c.timeout,
	}, nil
}

func (c *catalog) supported() []string {
	types := append(slices.Collect(maps.Keys(c.sources)), "cpu", "memory")
	slices.Sort(types)
	return types
}

// bound keeps the time-out of t within the ceiling.
func (s *triggerSet) bound(d trigger.Definition, t *openTrigger, ceiling time.Duration) {
	if t.Timeout > ceiling {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: timeout: %s is above scalers.maxTriggerTimeout; a reading ends after %s", d, t.Timeout, ceiling))
		t.Timeout = ceiling
	}
}

func (s *triggerSet) hold() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.hold()
	}
}

func (s *triggerSet) release() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.release()
	}
}

func (s *triggerSet) endReadings() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.endReading()
	}
}

// replaced says that another set is used from now on.
func (s *triggerSet) replaced() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.dismiss()
		t.release()
	}
}

func (s *triggerSet) anyFailed() bool {
	return slices.ContainsFunc(s.external, func(t *openTrigger) bool { return t.remembered().err != nil })
}
