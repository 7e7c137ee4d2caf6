package adapter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/internal/verdict"
)

// metrics are the adapter's own Prometheus metrics.
type metrics struct {
	requests  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	exposed   *prometheus.GaugeVec
	discovery prometheus.Histogram
	failing   prometheus.Gauge
	last      prometheus.Gauge
	announced prometheus.Gauge
	families  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	buckets := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_adapter_requests_total",
			Help: "Requests answered, by API, source (a rule's path in the file, external source, or none) and verdict code.",
		}, []string{"api", "source", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trimtab_adapter_request_duration_seconds", Buckets: buckets,
			Help: "Time to answer a request, by API and source.",
		}, []string{"api", "source"}),
		exposed: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trimtab_adapter_metrics", Help: "Metrics exposed by rules, by API.",
		}, []string{"api"}),
		discovery: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trimtab_adapter_discovery_duration_seconds", Buckets: buckets,
			Help: "Time that a round of discovery took.",
		}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_adapter_discovery_failing_selectors",
			Help: "Series selectors that could not be listed in the last round.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_adapter_discovery_last_success_timestamp_seconds",
			Help: "When the last round of discovery ended in which every selector could be listed.",
		}),
		announced: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_adapter_announced_requests",
			Help: "Requests that HPAs are going to make, as far as rules answer them.",
		}),
		families: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_adapter_demanded_families",
			Help: "Groups of requests that one query could answer, for which there is demand.",
		}),
	}
	reg.MustRegister(m.requests, m.latency, m.exposed, m.discovery, m.failing, m.last, m.announced, m.families)
	return m
}

func (m *metrics) discovered(p *plan, now, began time.Time, failures int) {
	m.exposed.WithLabelValues(customAPI).Set(float64(len(p.catalog.Metrics)))
	m.exposed.WithLabelValues(externalAPI).Set(float64(len(p.catalog.Externals)))
	m.discovery.Observe(now.Sub(began).Seconds())
	m.failing.Set(float64(failures))
	if failures == 0 {
		m.last.Set(float64(now.UnixMilli()) / 1000)
	}
}

func (m *metrics) answered(api, source string, code verdict.Code, took time.Duration) {
	m.requests.WithLabelValues(api, source, string(code)).Inc()
	m.latency.WithLabelValues(api, source).Observe(took.Seconds())
}
