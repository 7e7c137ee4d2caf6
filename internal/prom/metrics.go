package prom

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all clients of a registry.
type metrics struct {
	duration *prometheus.HistogramVec
	up       *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	duration, err1 := register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "trimtab_prometheus_request_duration_seconds",
		Help:    "Time until an answer of a Prometheus server was read, by API path, server and result.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"server", "path", "result"}))
	up, err2 := register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "trimtab_prometheus_endpoint_up",
		Help: "Whether the last request to a Prometheus server that told how it is found it well (1) or down (0).",
	}, []string{"server"}))
	waiting, err3 := register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "trimtab_prometheus_requests_waiting",
		Help: "Requests that wait because maxConcurrent of them are in flight to a Prometheus server.",
	}, []string{"server"}))
	return &metrics{duration, up, waiting}, errors.Join(err1, err2, err3)
}

// register registers c, or gives what stands in reg for it.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	if registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		return registered.ExistingCollector.(C), nil
	}
	return c, err
}
