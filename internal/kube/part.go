package kube

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// For is the Kube of a part that runs on all replicas, with its own budget of requests. The name is a label of metrics.
func (k *Kube) For(part string) (*Kube, error) { return k.with(part, nil) }

// ForLeader is the Kube of a part that runs on the leader only. Requests that may change something fail while another
// replica may lead: see MayWrite. Events are the exception, since a superfluous Event does no harm.
func (k *Kube) ForLeader(part string) (*Kube, error) { return k.with(part, k.shared.term) }

func (k *Kube) with(part string, gate *term) (*Kube, error) {
	own := &Kube{Cache: k.Cache, Mapper: k.Mapper, shared: k.shared, gate: gate}
	restConfig := k.shared.restFor(part, gate)
	httpClient, err := rest.HTTPClientFor(restConfig)
	if err == nil {
		err = own.useOwn(restConfig, httpClient)
	}
	if err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	return own, nil
}

// MayWrite is nil unless this is the Kube of a leader's part and another replica may lead. Call it immediately before a
// change outside Kubernetes.
func (k *Kube) MayWrite() error {
	if k.gate == nil {
		return nil
	}
	return k.gate.mayWrite()
}

// restFor is a part's client configuration. Connections are shared with the other parts.
func (s *shared) restFor(part string, gate *term) *rest.Config {
	c := rest.CopyConfig(s.base)
	c.RateLimiter = budget{
		flowcontrol.NewTokenBucketRateLimiter(float32(s.cfg.QPS), s.cfg.Burst), s.metrics.waited.WithLabelValues(part),
	}
	requests := s.metrics.requests.MustCurryWith(prometheus.Labels{"part": part})
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return &transport{next, gate, requests} })
	return c
}

// budget is a rate limiter that measures its waiting time.
type budget struct {
	flowcontrol.RateLimiter
	waited prometheus.Observer
}

// Wait is part of flowcontrol.RateLimiter.
func (b budget) Wait(ctx context.Context) error {
	start := time.Now()
	err := b.RateLimiter.Wait(ctx)
	b.waited.Observe(time.Since(start).Seconds())
	return err
}

// transport sends a part's requests. It is the last step, after all waiting for the budget.
type transport struct {
	next     http.RoundTripper
	gate     *term
	requests *prometheus.CounterVec
}

// RoundTrip is part of http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.gate != nil && r.Method != http.MethodGet {
		if err := t.gate.mayWrite(); err != nil {
			t.requests.WithLabelValues(codeRefused).Inc()
			if r.Body != nil {
				_ = r.Body.Close()
			}
			return nil, err
		}
	}
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		t.requests.WithLabelValues(codeFailed).Inc()
		return answer, err
	}
	t.requests.WithLabelValues(strconv.Itoa(answer.StatusCode)).Inc()
	return answer, nil
}

// WrappedRoundTripper lets libraries find the transport that has the connections.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// The values of the label code for a request without an answer.
const (
	codeFailed  = "error"
	codeRefused = "refused"
)

// metrics are the metrics of requests to the API server.
type metrics struct {
	requests *prometheus.CounterVec
	waited   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_kube_requests_total",
			Help: "Requests to the API server by part and code of the answer; error is no answer, refused one that was not sent because another replica may lead.",
		}, []string{"part", "code"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "trimtab_kube_budget_wait_seconds",
			Help:    "How long requests waited for the part's budget (kubeClientQps and kubeClientBurst).",
			Buckets: []float64{0.001, 0.01, 0.1, 1, 10},
		}, []string{"part"}),
	}
	reg.MustRegister(m.requests, m.waited)
	return m
}
