package prometheus

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// keptIdle bounds the connections that are kept to all servers of all triggers, and keptIdlePerHost those to one.
const keptIdle, keptIdlePerHost = 100, 10

// Config is what all triggers have in common.
type Config struct {
	// Timeout bounds a query whose trigger says nothing else.
	Timeout time.Duration
	// MaxResponseBytes bounds an answer.
	MaxResponseBytes int64
	// MaxConcurrent is how many queries of one namespace a server may get at the same time. It is not below the
	// namespace's share of all readings, which is the bound that users know.
	MaxConcurrent int
	// Policy says where triggers may lead.
	Policy *fetch.Policy
	// Log gets, at level debug, what errors do not repeat of an answer.
	Log *slog.Logger
}

// Source opens triggers and shares their clients and connections. It is safe for concurrent use.
type Source struct {
	cfg Config
	// secure and insecure are the connections of all triggers; secure ones check certificates.
	secure, insecure *fetch.Transport
	decoders         prom.Decoders

	mu sync.Mutex
	// clients are counted by their users; one without users is let go.
	clients map[string]*shared
}

type shared struct {
	client *prom.Client
	users  int
}

// New makes a source.
func New(cfg Config) *Source {
	transport := func(insecure bool) *fetch.Transport {
		return fetch.NewTransport(fetch.Options{
			Policy: cfg.Policy, TLS: &tls.Config{InsecureSkipVerify: insecure}, MaxIdle: keptIdle, MaxIdlePerHost: keptIdlePerHost,
		})
	}
	return &Source{cfg: cfg, secure: transport(false), insecure: transport(true), clients: map[string]*shared{}}
}

// Open checks d; it sends nothing.
func (s *Source) Open(d trigger.Definition) (trigger.Opened, error) {
	q, err := parse(d, s.cfg)
	if err != nil {
		return trigger.Opened{}, err
	}
	client, release, err := s.acquire(d.Namespace, q.server)
	if err != nil {
		return trigger.Opened{}, fmt.Errorf("%s: serverAddress: %w", d, err)
	}
	return trigger.Opened{
		Metric: "prometheus", Target: q.target, Activation: q.activation,
		Timeout: q.server.Timeout.Std(), Close: release,
		Read: func(ctx context.Context, at time.Time) (trigger.Sample, error) {
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
	}, nil
}

// number is the one number of an answer.
func (q query) number(v prom.Vector) (trigger.Sample, error) {
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

// first is the first of the server's warnings, not at length, and how many more there are.
func first(warnings []string) string {
	text := fmt.Sprintf("%.200q", warnings[0])
	if more := len(warnings) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// acquire returns a client for cfg and what gives it back. Each namespace has its own: a client has a bounded number
// of requests in flight, and slow queries of one namespace must not hold up another's.
func (s *Source) acquire(namespace string, cfg prom.Config) (*prom.Client, func(), error) {
	raw, err := json.Marshal(cfg) // maps are sorted by key
	if err != nil {
		return nil, nil, err
	}
	key := namespace + string(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.clients[key]
	if entry == nil {
		transport := s.secure
		if cfg.TLS.InsecureSkipVerify {
			transport = s.insecure
		}
		// No Registry: triggers name the servers, and each would have series of its own.
		client, err := prom.NewClient(cfg, prom.Deps{Log: s.cfg.Log, Transport: transport, Decoders: &s.decoders})
		if err != nil {
			return nil, nil, err
		}
		entry = &shared{client: client}
		s.clients[key] = entry
	}
	entry.users++
	return entry.client, func() { s.release(key) }, nil
}

func (s *Source) release(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.clients[key]
	if entry.users--; entry.users == 0 {
		delete(s.clients, key) // its connections are those of all, and end when they were idle for a while
	}
}
