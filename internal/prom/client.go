package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// Client queries one server, or the first healthy one of several with the same data. It is safe for concurrent use.
type Client struct {
	core *core
	// tenant is sent with each request; "" for none.
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
	decoders *Decoders
	log      *slog.Logger
	now      func() time.Time
}

// Result is an answer. Warnings are the server's warnings about a partial answer. Infos are its remarks on the query,
// which do not mean that anything is missing. Neither is ever dropped.
type Result struct {
	Value           model.Value
	Warnings, Infos []string
}

// NewClient checks cfg and makes a client for it, without any request. All clients of a registry share its metrics.
func NewClient(cfg Config, deps Deps) (*Client, error) {
	if err := cfg.Validate().AsError(); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	c := &core{
		verb: cfg.Verb, timeout: cfg.Timeout.Std(), maxBytes: cfg.MaxResponseBytes, tenant: cfg.Tenant, now: time.Now,
		fleet:    fleet{probe: cfg.Timeout.Std(), health: map[*endpoint]health{}},
		decoders: deps.Decoders, log: deps.Log,
	}
	if c.decoders == nil {
		c.decoders = new(Decoders)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, address := range append([]string{cfg.URL}, cfg.FailoverURLs...) {
		e, err := newEndpoint(address, cfg.MaxConcurrent)
		if err != nil {
			return nil, errors.New("prometheus client: a url cannot be parsed") // the parser's error would print it
		}
		c.fleet.endpoints = append(c.fleet.endpoints, e)
	}
	var err error
	if c.http, err = newHTTPClient(cfg, deps.Transport); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	if c.metrics, err = newMetrics(deps.Registry); err != nil {
		return nil, fmt.Errorf("prometheus client: %w", err)
	}
	c.metrics.open(c.fleet.endpoints)
	client := &Client{core: c}
	client.tenant = client.Tenant("")
	return client, nil
}

// Server is the first server's address, without parameters, as errors and metrics name it.
func (c *Client) Server() string { return c.core.fleet.endpoints[0].name }

// Close releases the resources of a client: connections, and the series of servers that no other client has. Requests
// in flight are not interrupted. Call it once.
func (c *Client) Close() {
	c.core.http.CloseIdleConnections()
	c.core.metrics.closed(c.core.fleet.endpoints)
}

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

// QueryVector evaluates promql at one instant as Query does, with much less memory. A result that is neither a vector
// nor a scalar is a BadQuery.
func (c *Client) QueryVector(ctx context.Context, promql string, at time.Time) (Vector, error) {
	return c.queryVector(ctx, promql, at, 0)
}

// QueryOne evaluates promql as QueryVector does, for at most one row. More rows are a BadQuery; the second row is not
// read.
func (c *Client) QueryOne(ctx context.Context, promql string, at time.Time) (Vector, error) {
	return c.queryVector(ctx, promql, at, 1)
}

func (c *Client) queryVector(ctx context.Context, promql string, at time.Time, maxRows int) (Vector, error) {
	form := url.Values{"query": {promql}, "time": {unixMillis(at)}}
	r, e, err := c.evaluate(ctx, "/api/v1/query", promql, form, func(d *decoder) { d.maxRows, d.onlyVector, d.small = maxRows, true, maxRows > 0 })
	if err != nil {
		return Vector{}, err
	}
	v := Vector{Rows: r.rows, Warnings: e.warnings, Infos: e.infos}
	if v.Scalar = r.scalar != nil; v.Scalar {
		v.Rows = []Row{{Value: float64(r.scalar.Value), TimestampMillis: int64(r.scalar.Timestamp)}}
	}
	return v, nil
}

func (c *Client) query(ctx context.Context, path, promql string, form url.Values) (Result, error) {
	r, e, err := c.evaluate(ctx, path, promql, form, func(*decoder) {})
	if err != nil {
		return Result{}, err
	}
	return Result{Value: r.value(), Warnings: e.warnings, Infos: e.infos}, nil
}

// evaluate sends a query. limit sets the bounds of the decoder.
func (c *Client) evaluate(ctx context.Context, path, promql string, form url.Values, limit func(*decoder)) (r result, e envelope, err error) {
	e, _, err = c.ask(ctx, call{path: path, route: path, verb: c.core.verb, query: promql, form: form}, func(d *decoder) (err error) {
		limit(d)
		r, err = d.result()
		return err
	})
	return r, e, err
}

func unixMillis(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
