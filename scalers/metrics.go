package scalers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/scalers/poll"
)

type metrics struct {
	readDuration *prometheus.HistogramVec
	readErrors   *prometheus.CounterVec
	triggers     *triggerSeries
	answers      *prometheus.CounterVec
	round        prometheus.Histogram
}

// newMetrics registers the metrics. load returns the rounds in flight.
func newMetrics(reg prometheus.Registerer, load func() poll.Load) (*metrics, error) {
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
			Name: "trimtab_scalers_round_duration_seconds", Help: "Time that one ScaledObject took to be read, decided on and acted on.",
			Buckets: []float64{.005, .01, .05, .1, .5, 1, 3, 10, 30},
		}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.readDuration, m.readErrors, m.triggers.value, m.triggers.active, m.answers, m.round, newLoadGauges(load)} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// read records one reading of a source.
func (m *metrics) read(kind string, took time.Duration, err error) {
	m.readDuration.WithLabelValues(kind).Observe(took.Seconds())
	if err != nil {
		m.readErrors.WithLabelValues(kind).Inc()
	}
}

// loadGauges show at each scrape how much work the polling loop has.
type loadGauges struct {
	load            func() poll.Load
	rounds, overdue *prometheus.Desc
}

func newLoadGauges(load func() poll.Load) *loadGauges {
	return &loadGauges{
		load: load,
		rounds: prometheus.NewDesc("trimtab_scalers_rounds_in_flight",
			"ScaledObjects that are due and not decided on yet, by phase: queued, opening, reading or acting.", []string{"phase"}, nil),
		overdue: prometheus.NewDesc("trimtab_scalers_overdue_seconds",
			"How long the ScaledObject has been due that is due for the longest time; 0 where none is.", nil, nil),
	}
}

// Describe is part of prometheus.Collector.
func (f *loadGauges) Describe(to chan<- *prometheus.Desc) { to <- f.rounds; to <- f.overdue }

// Collect is part of prometheus.Collector.
func (f *loadGauges) Collect(to chan<- prometheus.Metric) {
	load := f.load()
	for _, phase := range poll.Phases() {
		to <- prometheus.MustNewConstMetric(f.rounds, prometheus.GaugeValue, float64(load.Rounds[phase]), string(phase))
	}
	to <- prometheus.MustNewConstMetric(f.overdue, prometheus.GaugeValue, load.Overdue.Seconds())
}

// Note says how much is in flight, so that people see whether the part keeps up. It is empty where nothing is.
func (s *Scalers) Note() string {
	load := s.load()
	var rounds []string
	for _, phase := range poll.Phases() {
		if n := load.Rounds[phase]; n > 0 {
			rounds = append(rounds, fmt.Sprintf("%d %s", n, phase))
		}
	}
	if len(rounds) == 0 {
		return ""
	}
	return fmt.Sprintf("rounds in flight: %s; the oldest, %s, has been due for %s", strings.Join(rounds, ", "), load.Oldest, load.Overdue.Round(time.Millisecond))
}

// load is the load of this term; zero where another replica leads.
func (s *Scalers) load() poll.Load {
	if l := s.term.Load(); l != nil {
		return l.polls.Load()
	}
	return poll.Load{}
}
