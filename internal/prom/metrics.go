package prom

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all clients of a registry. They have series for each server. So use them only for servers whose
// number the configuration bounds. Nil metrics record nothing.
type metrics struct {
	duration *prometheus.HistogramVec
	up       *upGauge
	waiting  *prometheus.GaugeVec
}

// upGauge has its series, and the state that all clients of a registry share.
type upGauge struct {
	*prometheus.GaugeVec
	mu sync.Mutex
	// clients counts the clients of each server. A server without clients has no series.
	clients map[string]int
}

// newMetrics registers the metrics, or returns the ones that are registered.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	if reg == nil {
		return nil, nil
	}
	duration, err1 := register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "trimtab_prometheus_request_duration_seconds",
		Help:    "Time until an answer of a Prometheus server was read, by API path, server and result.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"server", "path", "result"}))
	up, err2 := register(reg, &upGauge{clients: map[string]int{}, GaugeVec: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "trimtab_prometheus_endpoint_up",
		Help: "Whether the last request to a Prometheus server that told how it is found it well (1) or down (0).",
	}, []string{"server"})})
	waiting, err3 := register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "trimtab_prometheus_requests_waiting",
		Help: "Requests that wait because maxConcurrent of them are in flight to a Prometheus server.",
	}, []string{"server"}))
	return &metrics{duration, up, waiting}, errors.Join(err1, err2, err3)
}

// register registers c, or returns the collector that is registered in its place.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	if registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		return registered.ExistingCollector.(C), nil
	}
	return c, err
}

// open records a client of the servers; closed records its end.
func (m *metrics) open(servers []*endpoint) {
	if m == nil {
		return
	}
	m.up.mu.Lock()
	defer m.up.mu.Unlock()
	for _, e := range servers {
		m.up.clients[e.name]++
	}
}

func (m *metrics) closed(servers []*endpoint) {
	if m == nil {
		return
	}
	m.up.mu.Lock()
	defer m.up.mu.Unlock()
	for _, e := range servers {
		if m.up.clients[e.name]--; m.up.clients[e.name] > 0 {
			continue
		}
		delete(m.up.clients, e.name)
		of := prometheus.Labels{"server": e.name}
		m.duration.DeletePartialMatch(of)
		m.up.DeletePartialMatch(of)
		m.waiting.DeletePartialMatch(of)
	}
}

// note calls do if a client of the server still exists: a request may end after its client was closed.
func (m *metrics) note(server string, do func()) {
	if m == nil {
		return
	}
	m.up.mu.Lock()
	defer m.up.mu.Unlock()
	if m.up.clients[server] > 0 {
		do()
	}
}

// answered records the end of one request.
func (m *metrics) answered(server, route, outcome string, took time.Duration) {
	m.note(server, func() { m.duration.WithLabelValues(server, route, outcome).Observe(took.Seconds()) })
}

// found records whether a request found a server healthy.
func (m *metrics) found(server string, well bool) {
	up := 0.0
	if well {
		up = 1
	}
	m.note(server, func() { m.up.WithLabelValues(server).Set(up) })
}

// waits records a waiting request until done is called.
func (m *metrics) waits(server string) (done func()) {
	m.note(server, func() { m.waiting.WithLabelValues(server).Inc() })
	return func() { m.note(server, func() { m.waiting.WithLabelValues(server).Dec() }) }
}
