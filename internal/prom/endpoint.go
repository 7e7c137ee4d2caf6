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
	// name is the scheme, host and path. Errors and metrics may print it.
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

// request makes a request to this server, which may be sent again.
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
	// A query changes nothing, so it may be sent again when the server closed an idle connection. The empty value of
	// this header says so to the transport, and is not sent.
	req.Header["X-Idempotency-Key"] = nil
	return req, nil
}

// enter waits until fewer than maxConcurrent requests are in flight, or ctx ends. If the error is nil, call leave.
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

// fleet has the servers in the order of the configuration, and their health. It is safe for concurrent use.
type fleet struct {
	endpoints []*endpoint
	// probe is how long only one request may probe a server after its rest.
	probe time.Duration

	mu     sync.Mutex
	health map[*endpoint]health
}

// next is the server to ask now, without the servers that the request has tried, or nil. It is the first server that
// does not rest, or else the one whose rest ends first.
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

// note applies change to the health of e.
func (f *fleet) note(e *endpoint, change func(health) health) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.health[e] = change(f.health[e])
}
