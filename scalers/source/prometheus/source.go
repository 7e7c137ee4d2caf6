package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

const (
	// keptIdle bounds the idle connections to all servers of all triggers, keptIdlePerHost the idle connections to one
	// server.
	keptIdle, keptIdlePerHost = 100, 10
	// keptTransports is how many TLS settings keep their idle connections: with the system's authorities, without a
	// check, and with authorities or a certificate of a trigger. The last keep keptIdleOwn connections.
	keptTransports, keptIdleOwn = 25, 4
)

// Source reads triggers, and shares their clients and connections. It is safe for concurrent use.
type Source struct {
	env        trigger.Env
	decoders   prom.Decoders
	clients    trigger.Pool[clientKey, client]
	transports trigger.Pool[trigger.TLS, *fetch.Transport]
}

type clientKey struct {
	namespace, url, headers string
	timeout                 time.Duration
	tls                     trigger.TLS
}

// client queries one server, on connections that all triggers with equal TLS settings share.
type client struct {
	*prom.Client
	connections connections
}

// connections is an http.RoundTripper.
type connections struct {
	*trigger.Lease[trigger.TLS, *fetch.Transport]
}

// RoundTrip implements http.RoundTripper.
func (c connections) RoundTrip(r *http.Request) (*http.Response, error) {
	transport, done, err := c.Use(r.Context())
	if err != nil {
		return nil, err
	}
	defer done() // a connection stays open while its answer is read
	return transport.RoundTrip(r)
}

// New makes a source.
func New(env trigger.Env) *Source {
	s := &Source{env: env}
	s.clients.Close = func(c client) { c.connections.Close() }
	s.transports.Idle, s.transports.Close = keptTransports, (*fetch.Transport).CloseIdleConnections
	return s
}

// Open implements trigger.Spec.
func (q *query) Open(d trigger.Definition) trigger.Opened {
	lease := q.source.clients.Lease(q.key(d.Namespace), q.client)
	return trigger.Opened{
		Close: lease.Close,
		Read: func(ctx context.Context, at time.Time) (trigger.Sample, error) {
			client, done, err := lease.Use(ctx)
			if err != nil {
				return trigger.Sample{}, err
			}
			defer done()
			answer, err := client.QueryOne(ctx, q.promql, at)
			if err != nil {
				return trigger.Sample{}, err
			}
			sample, err := q.number(answer)
			if err != nil {
				return trigger.Sample{}, fmt.Errorf("query %s at %s: %w", text.Quote(q.promql), client.Server(), err)
			}
			return sample, nil
		},
	}
}

// client is a new one for q. There is no Registry: triggers name the servers, and each would have series of its own.
func (q *query) client(context.Context) (client, error) {
	s := q.source
	c := client{connections: connections{s.transports.Lease(q.auth.TLS, q.transport)}}
	var err error
	if c.Client, err = prom.NewClient(q.server, prom.Deps{Log: s.env.Log, Transport: c.connections, Decoders: &s.decoders}); err != nil {
		c.connections.Close()
	}
	return c, err
}

// transport is a new one for q. Few connections are kept of those that one trigger alone may have.
func (q *query) transport(context.Context) (*fetch.Transport, error) {
	config, err := q.auth.TLS.Config("")
	idle, perHost := keptIdle, keptIdlePerHost
	if q.auth.TLS.CA != "" || q.auth.TLS.Cert != "" {
		idle, perHost = keptIdleOwn, keptIdleOwn
	}
	return fetch.NewTransport(fetch.Options{Policy: q.source.env.Policy, TLS: config, MaxIdle: idle, MaxIdlePerHost: perHost}), err
}

// number returns the single number of an answer.
func (q *query) number(v prom.Vector) (trigger.Sample, error) {
	switch {
	case len(v.Rows) == 0 && len(v.Warnings) > 0:
		return trigger.Sample{}, fmt.Errorf("no series, and the server warns: %s", first(v.Warnings))
	case len(v.Rows) == 0 && !q.emptyIsZero:
		return trigger.Sample{}, errors.New("no series (ignoreNullValues is false)")
	case len(v.Rows) == 0:
		return trigger.Sample{Empty: true}, nil
	}
	row := v.Rows[0]
	switch {
	case row.Histogram:
		return trigger.Sample{}, errors.New("a native histogram, where a number is needed; take histogram_quantile(...) or histogram_count(...) of it")
	case math.IsNaN(row.Value), math.IsInf(row.Value, 0):
		return trigger.Sample{}, fmt.Errorf("the value is %s, which is no number of anything", model.SampleValue(row.Value))
	}
	return trigger.Sample{Value: row.Value}, nil
}

// first is the first of the server's warnings, shortened, and the number of further ones.
func first(warnings []string) string {
	text := fmt.Sprintf("%.200q", warnings[0])
	if more := len(warnings) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
