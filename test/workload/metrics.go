package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// container is the name of the only container of a pod.
const container = "web"

// exporter turns what the pods did at this moment into series; a pod that is gone has none.
type exporter struct {
	web       *web
	rate      *wish
	namespace string

	served, failed, cpu, memory, wished *prometheus.Desc
}

func newExporter(w *web, rate *wish, namespace string) *exporter {
	pod, cgroup := []string{"namespace", "pod"}, []string{"namespace", "pod", "container"}
	return &exporter{
		web: w, rate: rate, namespace: namespace,
		served: prometheus.NewDesc("http_requests_total", "Requests served.", pod, nil),
		failed: prometheus.NewDesc("http_requests_failed_total", "Requests that no pod took or finished.", []string{"namespace"}, nil),
		cpu:    prometheus.NewDesc("container_cpu_usage_seconds_total", "CPU time of the pod's thread.", cgroup, nil),
		memory: prometheus.NewDesc("container_memory_working_set_bytes", "Bytes that the pod holds.", cgroup, nil),
		wished: prometheus.NewDesc("workload_wished_requests_per_second", "The rate wished for.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (e *exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{e.served, e.failed, e.cpu, e.memory, e.wished} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (e *exporter) Collect(ch chan<- prometheus.Metric) {
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	for _, u := range e.web.usages() {
		ns, pod := u.key.namespace, u.key.name
		ch <- prometheus.MustNewConstMetric(e.served, counter, float64(u.served), ns, pod)
		ch <- prometheus.MustNewConstMetric(e.cpu, counter, u.cpuSeconds, ns, pod, container)
		ch <- prometheus.MustNewConstMetric(e.memory, gauge, float64(u.heldBytes), ns, pod, container)
	}
	ch <- prometheus.MustNewConstMetric(e.failed, counter, float64(e.web.failed.Load()), e.namespace)
	ch <- prometheus.MustNewConstMetric(e.wished, gauge, e.rate.rate())
}

// handler serves /metrics, /load and /healthz, which is 200 once the pods are known.
func handler(w *web, rate *wish, s settings, synced func() bool) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newExporter(w, rate, s.namespace))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /load", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(rw, rate.rate())
	})
	mux.HandleFunc("PUT /load", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64))
		var wished float64
		if err == nil {
			wished, err = parseRate(string(body))
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		rate.set(wished)
		rw.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) {
		if !synced() {
			http.Error(rw, "waiting for the first list of pods", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(rw, "ok")
	})
	return mux
}
