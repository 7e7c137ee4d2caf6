package scalers

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// patience is how long any HPA may wait for a source, and patienceFailed for a source whose last reading failed.
	// kube-controller-manager has five workers for the HPAs of all namespaces, and each waits until it gets an answer.
	patience       = time.Second
	patienceFailed = 100 * time.Millisecond
	// patientHPAs is how many HPAs of one namespace may wait longer at the same time.
	patientHPAs = 2
)

// patients are the HPA requests that wait longer than patience, by namespace. It is safe for concurrent use.
type patients struct {
	mu      sync.Mutex
	waiting map[string]int
}

func (p *patients) enter(namespace string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[namespace] >= patientHPAs {
		return false
	}
	if p.waiting == nil {
		p.waiting = map[string]int{}
	}
	p.waiting[namespace]++
	return true
}

func (p *patients) leave(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[namespace]--; p.waiting[namespace] == 0 {
		delete(p.waiting, namespace)
	}
}

// read is t.read for an HPA. If the HPA stops waiting, the reading continues, and answers the next request.
func (p *patients) read(ctx context.Context, t *openTrigger, maxAge time.Duration) reading {
	last, asked := t.question(ctx, maxAge)
	if asked == nil {
		t.askAhead(ctx, maxAge/2)
		return last
	}
	defer t.giveUp(asked)
	wait := patience
	if last.err != nil {
		wait = patienceFailed
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-asked.done:
		return asked.reading
	case <-ctx.Done():
		return reading{err: ctx.Err(), at: t.now()}
	case <-timer.C:
		t.keep(asked)
	}
	if last.err != nil {
		return last
	}
	if !p.enter(t.namespace) {
		return reading{at: t.now(), err: fmt.Errorf("the source has not answered for %s, and %d HPAs of namespace %s wait longer already; "+
			"it is still read for the next request", patience, patientHPAs, t.namespace)}
	}
	defer p.leave(t.namespace)
	select {
	case <-asked.done:
		return asked.reading
	case <-ctx.Done():
		return reading{err: ctx.Err(), at: t.now()}
	}
}

// askAhead reads a slow source again before its reading is too old, if the source takes longer than an HPA may wait. So
// the next request has an answer.
func (t *openTrigger) askAhead(ctx context.Context, maxAge time.Duration) {
	t.mu.Lock()
	slow := t.last.err == nil && t.took > patience
	t.mu.Unlock()
	if !slow {
		return
	}
	if _, ahead := t.question(ctx, maxAge); ahead != nil {
		t.keep(ahead)
		t.giveUp(ahead)
	}
}
