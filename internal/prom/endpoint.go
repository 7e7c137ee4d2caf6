package prom

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// endpoint is one of the servers.
type endpoint struct {
	base *url.URL
	// name is the scheme, host and path: what errors and metrics may print.
	name string
	// slots holds one entry for each request in flight.
	slots chan struct{}
}

func newEndpoint(address string, maxConcurrent int) (*endpoint, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return &endpoint{
		base:  base,
		name:  strings.TrimSuffix(text.Address(address), "/"),
		slots: make(chan struct{}, maxConcurrent),
	}, nil
}

// request is one request to this server, which may be sent again.
func (e *endpoint) request(ctx context.Context, verb, path string, form url.Values) (*http.Request, error) {
	u := e.base.JoinPath(path)
	if verb == http.MethodGet {
		u.RawQuery = strings.Trim(u.RawQuery+"&"+form.Encode(), "&")
		return http.NewRequestWithContext(ctx, verb, u.String(), nil)
	}
	req, err := http.NewRequestWithContext(ctx, verb, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// A query changes nothing: it may be sent again when the server closed a kept connection under it.
	// An empty value tells the transport so and is not sent.
	req.Header["X-Idempotency-Key"] = nil
	return req, nil
}

// enter waits until fewer than maxConcurrent requests are in flight, or ctx ends; leave follows where it is nil.
func (e *endpoint) enter(ctx context.Context, m *metrics) error {
	select {
	case e.slots <- struct{}{}:
		return nil
	default:
	}
	defer m.waits(e.name)()
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *endpoint) leave() { <-e.slots }

// fleet is the servers in the order of the configuration, and what is known of each. It is safe for concurrent use.
type fleet struct {
	endpoints []*endpoint
	// probe is how long a server that is due is left to the one request that probes it.
	probe time.Duration

	mu     sync.Mutex
	health map[*endpoint]health
}

// next is the server to ask now, without those that a request has tried, or nil: the first that does not
// rest, or else the one that has rested most.
func (f *fleet) next(tried []*endpoint, now time.Time) *endpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rested *endpoint
	for _, e := range f.endpoints {
		if slices.Contains(tried, e) {
			continue
		}
		h := f.health[e]
		if !h.resting(now) {
			f.health[e] = h.probed(now, f.probe)
			return e
		}
		if rested == nil || h.until.Before(f.health[rested].until) {
			rested = e
		}
	}
	return rested
}

// note keeps what change makes of what is known of e.
func (f *fleet) note(e *endpoint, change func(health) health) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health[e] = change(f.health[e])
}
