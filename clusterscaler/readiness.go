package clusterscaler

import (
	"errors"
	"fmt"
	"sync"
)

// errNotPlanned is why the part is not ready at first.
var errNotPlanned = errors.New("waits for its first look at the cluster")

// readiness says whether the first plan exists, and why not. It is safe for concurrent use.
type readiness struct {
	mu      sync.Mutex
	planned bool
	trouble error
}

// note takes what a loop came to: err, or a plan.
func (r *readiness) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = err
	r.planned = r.planned || err == nil
}

// err is nil once there was a plan, also when later loops fail.
func (r *readiness) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.planned:
		return nil
	case r.trouble != nil:
		return fmt.Errorf("%w: %w", errNotPlanned, r.trouble)
	default:
		return errNotPlanned
	}
}
