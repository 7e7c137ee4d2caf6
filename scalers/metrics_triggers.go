package scalers

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
)

const (
	// maxTriggerSeries bounds the triggers with series in one namespace, since users create the triggers.
	maxTriggerSeries = 1000
	// maxMetricLabel bounds a trigger's metric name in a label, in bytes.
	maxMetricLabel = 200
)

// triggerSeries are the series of triggers. They are removed with their object. It is safe for concurrent use.
type triggerSeries struct {
	value, active *prometheus.GaugeVec

	mu sync.Mutex
	// shown are the triggers that have series, by namespace.
	shown map[string]map[shownTrigger]bool
}

type shownTrigger struct{ object, metric string }

func newTriggerSeries() *triggerSeries {
	labels := []string{"namespace", "scaledobject", "metric"}
	return &triggerSeries{
		value: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trimtab_scalers_trigger_value", Help: "The last value of a trigger; absent while it cannot be read. At most 1000 triggers of a namespace.",
		}, labels),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trimtab_scalers_trigger_active", Help: "1 where a trigger exceeds its activation threshold, 0 where it does not; absent while it cannot be read. At most 1000 triggers of a namespace.",
		}, labels),
		shown: map[string]map[shownTrigger]bool{},
	}
}

// show records a reading of a trigger of object. A failed reading has no series.
func (s *triggerSeries) show(object types.NamespacedName, r replicas.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := shownTrigger{object.Name, metricLabel(r.Trigger)}
	of := s.shown[object.Namespace]
	switch {
	case r.State == replicas.Failed:
		s.remove(object.Namespace, t)
		return
	case of == nil:
		of = map[shownTrigger]bool{}
		s.shown[object.Namespace] = of
	case !of[t] && len(of) >= maxTriggerSeries:
		return
	}
	of[t] = true
	active := 0.0
	if r.Value > r.Activation {
		active = 1
	}
	s.value.WithLabelValues(object.Namespace, t.object, t.metric).Set(r.Value)
	s.active.WithLabelValues(object.Namespace, t.object, t.metric).Set(active)
}

// forget removes the series of an object, also of an object with an older specification.
func (s *triggerSeries) forget(object types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.shown[object.Namespace] {
		if t.object == object.Name {
			s.remove(object.Namespace, t)
		}
	}
}

// closed forgets a ScaledObject of which the triggers were closed. Other kinds have no series.
func (s *triggerSeries) closed(owner spec.OwnerKey) {
	if owner.IsScaledObject() {
		s.forget(owner.NamespacedName)
	}
}

func (s *triggerSeries) remove(namespace string, t shownTrigger) {
	s.value.DeleteLabelValues(namespace, t.object, t.metric)
	s.active.DeleteLabelValues(namespace, t.object, t.metric)
	delete(s.shown[namespace], t)
	if len(s.shown[namespace]) == 0 {
		delete(s.shown, namespace)
	}
}

// metricLabel shortens a metric name for a label. It begins with the index of its trigger, so that the shortened names
// of an object differ.
func metricLabel(name string) string {
	if len(name) > maxMetricLabel {
		name = name[:maxMetricLabel] + "..."
	}
	return strings.ToValidUTF8(name, "")
}
