package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// Source opens triggers and shares their clients. It is safe for concurrent use.
type Source struct {
	timeout  time.Duration
	registry prometheus.Registerer

	mu sync.Mutex
	// clients are counted by their users; one without users is let go.
	clients map[string]*shared
}

type shared struct {
	client *prom.Client
	users  int
}

// New makes a source whose queries take at most timeout, where the trigger says nothing else.
func New(timeout time.Duration, registry prometheus.Registerer) *Source {
	return &Source{timeout: timeout, registry: registry, clients: map[string]*shared{}}
}

// Open checks d; it sends nothing.
func (s *Source) Open(d trigger.Definition) (trigger.Opened, error) {
	q, err := parse(d, s.timeout)
	if err != nil {
		return trigger.Opened{}, err
	}
	client, release, err := s.acquire(q.server)
	if err != nil {
		return trigger.Opened{}, fmt.Errorf("%s: serverAddress: %w", d, err)
	}
	return trigger.Opened{
		Metric: "prometheus", Target: q.target, Activation: q.activation,
		Timeout: q.server.Timeout.Std(), Close: release,
		Read: func(ctx context.Context, at time.Time) (trigger.Sample, error) {
			result, err := client.Query(ctx, q.promql, at)
			if err != nil {
				return trigger.Sample{}, err
			}
			sample, err := q.number(result)
			if err != nil {
				return trigger.Sample{}, fmt.Errorf("query %s at %s: %w", text.Quote(q.promql), client.Server(), err)
			}
			return sample, nil
		},
	}, nil
}

// number is the one number of an answer.
func (q query) number(r prom.Result) (trigger.Sample, error) {
	var n model.SampleValue
	switch v := r.Value.(type) {
	case *model.Scalar:
		n = v.Value
	case model.Vector:
		switch {
		case len(v) > 1:
			return trigger.Sample{}, fmt.Errorf("%d series, where one number is needed; aggregate them, as in sum(...)", len(v))
		case len(v) == 0 && len(r.Warnings) > 0:
			return trigger.Sample{}, fmt.Errorf("no series, and the server warns: %s", strings.Join(r.Warnings, "; "))
		case len(v) == 0 && !q.emptyIsZero:
			return trigger.Sample{}, fmt.Errorf("no series (ignoreNullValues is false)")
		case len(v) == 0:
			return trigger.Sample{Empty: true}, nil
		case v[0].Histogram != nil:
			return trigger.Sample{}, fmt.Errorf("a native histogram, where a number is needed; take histogram_quantile(...) or histogram_count(...) of it")
		}
		n = v[0].Value
	default:
		return trigger.Sample{}, fmt.Errorf("a %s, where an instant vector or a scalar is needed", r.Value.Type())
	}
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return trigger.Sample{}, fmt.Errorf("the value is %s, which is no number of anything", n)
	}
	return trigger.Sample{Value: float64(n)}, nil
}

// acquire returns a client for cfg and what gives it back.
func (s *Source) acquire(cfg prom.Config) (*prom.Client, func(), error) {
	raw, err := json.Marshal(cfg) // maps are sorted by key
	if err != nil {
		return nil, nil, err
	}
	key := string(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.clients[key]
	if entry == nil {
		client, err := prom.NewClient(cfg, s.registry)
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
		delete(s.clients, key)
		entry.client.CloseIdleConnections()
	}
}
