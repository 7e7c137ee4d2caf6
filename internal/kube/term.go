package kube

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// term is how long this process may write as the leader. It starts closed.
//
//	closed -> held by a renewal -> closed when the renewal is too old, until the next
//	       \-> open for ever, without leader election
type term struct {
	now func() time.Time

	mu   sync.Mutex
	open bool
	// renewed is when the last valid renewal was sent; zero without one. It is valid for length.
	renewed time.Time
	length  time.Duration
}

func newTerm(now func() time.Time) *term { return &term{now: now} }

// openForEver allows all writes.
func (t *term) openForEver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = true
}

// renew allows writes for length after the renewing request was sent. Another replica counts from the time when it saw
// the renewal, which is later.
func (t *term) renew(sent time.Time, length time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed, t.length = sent, length
}

// close allows no writes until the next renewal.
func (t *term) close() { t.renew(time.Time{}, 0) }

var errNotHeld = errors.New("not written: this replica does not hold the Lease; another may lead")

// mayWrite is nil while no other replica can lead.
func (t *term) mayWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open {
		return nil
	}
	if t.renewed.IsZero() {
		return errNotHeld
	}
	if age := elapsed(t.renewed, t.now()); age >= t.length {
		return fmt.Errorf("not written: the Lease was last renewed %s ago; another replica may lead", age.Round(time.Second))
	}
	return nil
}

// elapsed is the longer of the monotonic and the wall clock time. The monotonic clock stops while the machine is
// suspended; the wall clock can be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
