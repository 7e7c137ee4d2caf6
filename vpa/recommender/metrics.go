package recommender

import "github.com/prometheus/client_golang/prometheus"

// metrics are the part's own. The journal counts decisions.
type metrics struct {
	round       prometheus.Histogram
	held        *prometheus.CounterVec
	objects     *prometheus.GaugeVec
	containers  prometheus.Gauge
	samples     *prometheus.CounterVec
	dropped     prometheus.Counter
	kills       prometheus.Counter
	statuses    *prometheus.CounterVec
	checkpoints *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		round: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trimtab_vpa_round_duration_seconds", Help: "Time that one round over all VPAs took.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		held: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_vpa_rounds_held_total", Help: "Rounds that changed nothing because something could not be read, by verdict code.",
		}, []string{"code"}),
		objects: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trimtab_vpa_objects", Help: "VPAs that this recommender answers for, by state: recommended, without_recommendation, no_pods, unsupported.",
		}, []string{"state"}),
		containers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_vpa_containers", Help: "Containers that have a recommendation.",
		}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_vpa_samples_total", Help: "Usage samples of containers with a VPA, by resource and result (counted, repeated).",
		}, []string{"resource", "result"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trimtab_vpa_readings_dropped_total", Help: "Series that Prometheus answered with and that are no usage of a container.",
		}),
		kills: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trimtab_vpa_out_of_memory_kills_total", Help: "Kills for memory that were counted.",
		}),
		statuses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_vpa_status_writes_total", Help: "Statuses of VPAs by result: written, failed, unchanged.",
		}, []string{"result"}),
		checkpoints: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_vpa_checkpoint_writes_total", Help: "Checkpoints by result: written, removed, failed.",
		}, []string{"result"}),
	}
	reg.MustRegister(m.round, m.held, m.objects, m.containers, m.samples, m.dropped, m.kills, m.statuses, m.checkpoints)
	return m
}

func (m *metrics) sample(resource string, counted bool) {
	result := "repeated"
	if counted {
		result = "counted"
	}
	m.samples.WithLabelValues(resource, result).Inc()
}

// count sets the gauges to the result of a round.
func (m *metrics) count(plans []plan) {
	states := map[string]int{"recommended": 0, "without_recommendation": 0, "no_pods": 0, "unsupported": 0}
	containers := 0
	for i := range plans {
		states[plans[i].state]++
		containers += plans[i].containers
	}
	for state, n := range states {
		m.objects.WithLabelValues(state).Set(float64(n))
	}
	m.containers.Set(float64(containers))
}
