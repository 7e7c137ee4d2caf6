package externalgrpc

import (
	"context"
	"math/rand/v2"
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

// silence is what is known of a group about which reads hang.
type silence struct {
	// reads are those that hang, each with its first time-out: what is said of it must not change each time.
	reads map[string]error
	pause time.Duration
	until time.Time
}

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
	s := p.silences[group]
	if s == nil || s.reads[method] == nil || !p.deps.Now().Before(s.until) {
		return nil
	}
	return s.reads[method]
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
		now := p.deps.Now()
		if s == nil {
			s = &silence{reads: map[string]error{}, pause: minSilence}
			p.silences[group] = s
		} else if !now.Before(s.until) { // it was asked again
			s.pause = min(2*s.pause, maxSilence)
		}
		if s.reads[method] == nil {
			s.reads[method] = err
		}
		s.until = now.Add(s.pause/2 + rand.N(s.pause/2+1))
	case s != nil:
		if delete(s.reads, method); len(s.reads) == 0 {
			delete(p.silences, group)
		}
	}
}
