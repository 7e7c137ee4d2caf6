package scalers

import (
	"context"
	"sync"
	"time"

	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// reading is what a source said, and when. The zero value was never read.
type reading struct {
	sample trigger.Sample
	err    error
	at     time.Time
}

// openTrigger is a trigger with its last reading. It is safe for concurrent use by its holders.
type openTrigger struct {
	trigger.Opened
	metric hpa.Metric
	// kind is the trigger's type; cached says that it has useCachedMetrics.
	kind    string
	cached  bool
	now     func() time.Time
	metrics *metrics

	mu   sync.Mutex
	last reading
	// asked is the question that the source has not answered yet; nil where there is none.
	asked *question
	// holders are those beside whoever opened the trigger; at -1 it is closed.
	holders int
}

// question is asked once for all that wait. Its reading is there when done is closed.
type question struct {
	done    chan struct{}
	reading reading
}

// hold keeps the trigger open until release. Only who holds it already may hold it for another.
func (t *openTrigger) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holders++
}

// release lets go of the trigger; the last to do so closes it.
func (t *openTrigger) release() {
	t.mu.Lock()
	t.holders--
	last := t.holders < 0
	t.mu.Unlock()
	if last {
		t.Close()
	}
}

// read returns the last reading if it is not older than maxAge, and else asks the source. Callers at
// the same time share one question; it goes on for the others when one of them gives up, and holds the
// trigger until it is answered.
func (t *openTrigger) read(ctx context.Context, maxAge time.Duration) reading {
	t.mu.Lock()
	if !t.last.at.IsZero() && t.now().Sub(t.last.at) <= maxAge {
		defer t.mu.Unlock()
		return t.last
	}
	if t.asked == nil {
		t.asked = &question{done: make(chan struct{})}
		t.holders++
		go t.ask(context.WithoutCancel(ctx), t.asked)
	}
	asked := t.asked
	t.mu.Unlock()
	select {
	case <-ctx.Done():
		return reading{err: ctx.Err(), at: t.now()}
	case <-asked.done:
		return asked.reading
	}
}

func (t *openTrigger) ask(ctx context.Context, q *question) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	began := t.now()
	sample, err := t.Read(ctx, began)
	q.reading = reading{sample: sample, err: err, at: t.now()}
	t.metrics.read(t.kind, q.reading.at.Sub(began), err)
	t.mu.Lock()
	t.last, t.asked = q.reading, nil
	t.mu.Unlock()
	t.release()
	close(q.done)
}

func (t *openTrigger) remembered() reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
