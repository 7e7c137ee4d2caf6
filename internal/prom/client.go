package prom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Client speaks to one server, or to several with the same data of which it asks the first that is well.
// It is safe for concurrent use.
type Client struct {
	core *core
	// tenant is sent with each request, "" for none.
	tenant string
	// refused is why no request may be sent.
	refused error
}

// core is what all clients of one configuration share.
type core struct {
	fleet    fleet
	verb     string
	timeout  time.Duration
	maxBytes int64
	tenant   *Tenant
	http     *http.Client
	metrics  *metrics
	decoders sync.Pool
	now      func() time.Time
}

// Result is an answer. Warnings are what the server said of a partial one, and Infos its remarks on the query,
// which are no sign that anything is missing; neither is ever dropped.
type Result struct {
	Value           model.Value
	Warnings, Infos []string
}

// NewClient checks cfg and makes a client for it; it sends nothing. Its metrics are shared by all clients of reg.
func NewClient(cfg Config, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate().AsError(); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	c := &core{
		verb: cfg.Verb, timeout: cfg.Timeout.Std(), maxBytes: cfg.MaxResponseBytes, tenant: cfg.Tenant, now: time.Now,
		fleet:    fleet{probe: cfg.Timeout.Std(), health: map[*endpoint]health{}},
		decoders: sync.Pool{New: func() any { return newDecoder() }},
	}
	for _, address := range append([]string{cfg.URL}, cfg.FailoverURLs...) {
		e, err := newEndpoint(address, cfg.MaxConcurrent)
		if err != nil {
			return nil, errors.New("prometheus client: a url cannot be parsed") // the parser's error would print it
		}
		c.fleet.endpoints = append(c.fleet.endpoints, e)
	}
	var err error
	if c.http, err = newHTTPClient(cfg); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	if c.metrics, err = newMetrics(reg); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	client := &Client{core: c}
	client.tenant = client.Tenant("")
	return client, nil
}

func newHTTPClient(cfg Config) (*http.Client, error) {
	hc, err := promconfig.NewClientFromConfig(cfg.httpConfig(), "trimtab", promconfig.WithUserAgent("trimtab"))
	if err != nil {
		return nil, err
	}
	hc.CheckRedirect = stay
	if cfg.OAuth2 != nil {
		if hc.Transport, err = newTokens(*cfg.OAuth2, hc.Transport); err != nil {
			return nil, err
		}
	}
	if cfg.SigV4 != nil {
		hc.Transport = newSigner(*cfg.SigV4, hc.Transport)
	}
	return hc, nil
}

// Server is the first server's address, without parameters, as errors and metrics name it.
func (c *Client) Server() string { return c.core.fleet.endpoints[0].name }

// CloseIdleConnections lets go of what a client that is no longer used still holds.
func (c *Client) CloseIdleConnections() { c.core.http.CloseIdleConnections() }

// Query evaluates promql at one instant.
func (c *Client) Query(ctx context.Context, promql string, at time.Time) (Result, error) {
	return c.query(ctx, "/api/v1/query", promql, url.Values{"query": {promql}, "time": {unixMillis(at)}})
}

// QueryRange evaluates promql at each step from start to end, both included.
func (c *Client) QueryRange(ctx context.Context, promql string, start, end time.Time, step time.Duration) (Result, error) {
	return c.query(ctx, "/api/v1/query_range", promql, url.Values{
		"query": {promql}, "start": {unixMillis(start)}, "end": {unixMillis(end)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

// QueryVector evaluates promql at one instant, as Query does, at a fraction of the memory. A query that gives
// neither a vector nor a scalar is a BadQuery.
func (c *Client) QueryVector(ctx context.Context, promql string, at time.Time) (Vector, error) {
	r, e, server, err := c.evaluate(ctx, "/api/v1/query", promql, url.Values{"query": {promql}, "time": {unixMillis(at)}})
	if err != nil {
		return Vector{}, err
	}
	v := Vector{Rows: r.rows, Warnings: e.warnings, Infos: e.infos}
	switch {
	case r.scalar != nil:
		v.Rows = []Row{{Value: float64(r.scalar.Value), TimestampMillis: int64(r.scalar.Timestamp)}}
	case r.kind != "vector":
		return Vector{}, &Error{Kind: BadQuery, Server: server, Query: promql, Err: fmt.Errorf("it gives a %s, where a vector is needed", r.kind)}
	}
	return v, nil
}

func (c *Client) query(ctx context.Context, path, promql string, form url.Values) (Result, error) {
	r, e, _, err := c.evaluate(ctx, path, promql, form)
	if err != nil {
		return Result{}, err
	}
	return Result{Value: r.value(), Warnings: e.warnings, Infos: e.infos}, nil
}

func (c *Client) evaluate(ctx context.Context, path, promql string, form url.Values) (r result, e envelope, server string, err error) {
	e, server, err = c.ask(ctx, call{path: path, route: path, verb: c.core.verb, query: promql, form: form}, func(d *decoder) (err error) {
		r, err = d.result()
		return err
	})
	return r, e, server, err
}

func unixMillis(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
