package externalgrpc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// restError is that the server is left alone because it has failed a moment ago.
type restError struct {
	err error
	age time.Duration
}

func (e *restError) Error() string {
	return fmt.Sprintf("%v (%s ago; it is asked again %s after a failure)", e.err, e.age.Round(time.Millisecond), refreshPause)
}

func (e *restError) Unwrap() error { return e.err }

// resting is why the server is not asked now: it has failed as a whole just before. Pods that come one after another start
// observations too, and must not wear out a server that throttles.
func (p *Provider) resting() error {
	if p.failure == nil {
		return nil
	}
	if age := p.deps.Now().Sub(p.failed); age >= 0 && age < refreshPause {
		return &restError{p.failure, age}
	}
	return nil
}

// noteFailure keeps the failure of an observation, if it is the server's own and not the end of ctx.
func (p *Provider) noteFailure(ctx context.Context, err error) {
	p.failure = nil
	if e, called := errors.AsType[*Error](err); called && ofServer(e) && ctx.Err() == nil {
		p.failure, p.failed = err, p.deps.Now()
	}
}
