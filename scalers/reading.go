package scalers

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// reading is what a source said, and when. The zero value was never read.
type reading struct {
	sample trigger.Sample
	err    error
	at     time.Time
}

// openTrigger is a trigger with its last reading. It is safe for concurrent use.
type openTrigger struct {
	trigger.Opened
	metric hpa.Metric
	// kind is the trigger's type; cached says that it has useCachedMetrics.
	kind    string
	cached  bool
	now     func() time.Time
	metrics *metrics

	flight singleflight.Group
	mu     sync.Mutex
	last   reading
}

// read returns the last reading if it is not older than maxAge, and else asks the source. Callers at
// the same time share one question; it goes on for the others when one of them gives up.
func (t *openTrigger) read(ctx context.Context, maxAge time.Duration) reading {
	if r := t.remembered(); !r.at.IsZero() && t.now().Sub(r.at) <= maxAge {
		return r
	}
	answer := t.flight.DoChan("", func() (any, error) { return t.ask(context.WithoutCancel(ctx)), nil })
	select {
	case <-ctx.Done():
		return reading{err: ctx.Err(), at: t.now()}
	case r := <-answer:
		return r.Val.(reading)
	}
}

func (t *openTrigger) ask(ctx context.Context) reading {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	began := t.now()
	sample, err := t.Read(ctx, began)
	r := reading{sample: sample, err: err, at: t.now()}
	t.metrics.read(t.kind, r.at.Sub(began), err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = r
	return r
}

func (t *openTrigger) remembered() reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
