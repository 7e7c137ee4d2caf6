package scalers

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	readDuration *prometheus.HistogramVec
	readErrors   *prometheus.CounterVec
	triggers     *triggerSeries
	answers      *prometheus.CounterVec
	round        prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		readDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trimtab_scalers_source_read_duration_seconds", Help: "Time until a source answered or failed, by trigger type.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 3, 10},
		}, []string{"type"}),
		readErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_scalers_source_read_errors_total", Help: "Readings of a source that failed, by trigger type.",
		}, []string{"type"}),
		triggers: newTriggerSeries(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_scalers_external_metric_answers_total", Help: "Answers to HPAs, by result: value, fallback or error.",
		}, []string{"result"}),
		round: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trimtab_scalers_round_duration_seconds", Help: "Time that one ScaledObject took to observe, decide and act.",
			Buckets: []float64{.005, .01, .05, .1, .5, 1, 3, 10, 30},
		}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.readDuration, m.readErrors, m.triggers.value, m.triggers.active, m.answers, m.round} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// read notes one reading of a source.
func (m *metrics) read(kind string, took time.Duration, err error) {
	m.readDuration.WithLabelValues(kind).Observe(took.Seconds())
	if err != nil {
		m.readErrors.WithLabelValues(kind).Inc()
	}
}
