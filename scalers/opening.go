package scalers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/scalers/spec"
)

// opened is what an entry has open, and of which version of the object it is.
type opened struct {
	uid        types.UID
	generation int64
	set        *triggerSet
}

// openForHPA is open for a request of an HPA, which does not wait for Secrets: kube-controller-manager has five workers for
// all HPAs. What is open of this version answers while its authentication is read again. Where nothing is, the request
// ends after patience, and the opening goes on for the next one. The request does not learn of the deletion of o: look sees
// it once more. It is called where an entry was made: forget may have come before that, and comes no more; from then on it
// finds the entry.
func (c *catalog) openForHPA(ctx context.Context, o spec.Owner, look func() error) (*triggerSet, error) {
	e, made := c.entry(o.OwnerKey)
	if made {
		if err := look(); err != nil {
			c.forget(o.OwnerKey)
			return nil, err
		}
	}
	if now := e.opened.Load(); now != nil && now.uid == o.UID && now.generation == o.Generation {
		if e.mu.TryLock() { // else it is being opened already
			if c.stale(e, c.marks(ctx, o)) {
				go func() { _, _ = c.openLocked(context.WithoutCancel(ctx), e, o) }() // the entry keeps the error
			} else {
				e.mu.Unlock()
			}
		}
		return now.set, nil
	}
	type outcome struct {
		set *triggerSet
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		set, err := c.openIn(context.WithoutCancel(ctx), e, o)
		done <- outcome{set, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case got := <-done:
		return got.set, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("its authentication is still being read after %s; the next request gets what comes of it", patience)
	}
}

// openIn is open in the entry of o.
func (c *catalog) openIn(ctx context.Context, e *entry, o spec.Owner) (*triggerSet, error) {
	e.mu.Lock()
	return c.openLocked(ctx, e, o)
}

// openLocked unlocks e.
func (c *catalog) openLocked(ctx context.Context, e *entry, o spec.Owner) (*triggerSet, error) {
	defer e.mu.Unlock()
	set, err := c.current(ctx, e, o)
	if e.forgotten { // nobody will close it
		set.close()
		e.set, e.uid = nil, ""
	}
	e.opened.Store(nil)
	if e.set != nil {
		e.opened.Store(&opened{e.uid, e.generation, e.set})
	}
	return set, err
}
