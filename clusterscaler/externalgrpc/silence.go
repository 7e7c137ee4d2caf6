package externalgrpc

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// After a read about a group has timed out it is not made again for minSilence. That doubles up to maxSilence, until it is
// answered. The group stands still meanwhile, and costs the others no time.
const (
	minSilence = 10 * time.Second
	maxSilence = 2 * time.Minute
)

// silence are the reads about a group that hang, each with its first time-out: what is said of it must not change each time.
type silence map[string]error

// isRead is whether the method reads something about one group.
func isRead(method string) bool {
	switch method {
	case "NodeGroupTargetSize", "NodeGroupNodes", "NodeGroupTemplateNodeInfo", "NodeGroupGetOptions", "PricingNodePrice":
		return true
	}
	return false
}

// silent is why a read is not made now; nil when it is.
func (p *Provider) silent(method, group string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pauses.Rests(group, "", p.deps.Now()) {
		return nil
	}
	return p.silences[group][method]
}

// unlessSilent reads something about a group for an observation. Requests that change a group always read anew.
func unlessSilent[T any](p *Provider, method, group string, read func() (T, error)) (T, error) {
	if err := p.silent(method, group); err != nil {
		var none T
		return none, err
	}
	return read()
}

// answered takes the outcome of a read: a time-out that is not the end of ctx, which is the caller's, makes it rest.
func (p *Provider) answered(ctx context.Context, method, group string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.silences[group]
	switch hung := status.Code(err) == codes.DeadlineExceeded; {
	case hung && ctx.Err() != nil:
	case hung:
		if s == nil {
			s = silence{}
			p.silences[group] = s
		}
		if s[method] == nil {
			s[method] = err
		}
		if now := p.deps.Now(); !p.pauses.Rests(group, "", now) { // reads that hang together count once
			p.pauses.Failed(group, "", now)
		}
	case s != nil:
		if delete(s, method); len(s) == 0 {
			delete(p.silences, group)
			p.pauses.Succeeded(group)
		}
	}
}
