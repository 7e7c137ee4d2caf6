package scalers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trimtab/trimtab/scalers/poll"
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
	checkedTrigger
	trigger.Opened
	now     func() time.Time
	metrics *metrics
	// slots bound the readings of all triggers; namespace is whose share this one takes, wait how long it
	// waits for its turn.
	slots     *poll.Slots
	namespace string
	wait      time.Duration

	mu   sync.Mutex
	last reading
	// took is how long the source took for it.
	took time.Duration
	// asked is the question that the source has not answered yet; nil where there is none.
	asked *question
}

// question is asked once for all that wait. Its reading is there when done is closed.
type question struct {
	done    chan struct{}
	reading reading
	// waiting are those who wait for it; the last to give up cancels it, unless it is kept for who comes next.
	waiting int
	kept    bool
	cancel  context.CancelFunc
}

// read returns the last reading if it is not older than maxAge, and else asks the source. Callers at
// the same time share one question; it goes on for the others when one of them gives up, and ends with
// the last.
func (t *openTrigger) read(ctx context.Context, maxAge time.Duration) reading {
	last, asked := t.question(ctx, maxAge)
	if asked == nil {
		return last
	}
	select {
	case <-ctx.Done():
		t.giveUp(asked)
		return reading{err: ctx.Err(), at: t.now()}
	case <-asked.done:
		return asked.reading
	}
}

// question is nil where the last reading is not older than maxAge; else the caller waits for it or gives up.
func (t *openTrigger) question(ctx context.Context, maxAge time.Duration) (last reading, asked *question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.at.IsZero() && t.now().Sub(t.last.at) <= maxAge {
		return t.last, nil
	}
	if t.asked == nil {
		asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
		t.asked = &question{done: make(chan struct{}), cancel: cancel}
		go t.ask(asking, t.asked)
	}
	t.asked.waiting++
	return t.last, t.asked
}

// keep lets the question go on when nobody waits for it: its reading is for who asks next.
func (t *openTrigger) keep(q *question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q.kept = true
}

// endReading ends the question that is asked, for all who wait for it.
func (t *openTrigger) endReading() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked != nil {
		t.asked.cancel()
	}
}

// dismiss ends a question that was kept: the trigger was replaced, and nobody asks it next.
func (t *openTrigger) dismiss() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked == nil {
		return
	}
	if t.asked.kept = false; t.asked.waiting == 0 {
		t.asked.cancel()
	}
}

func (t *openTrigger) giveUp(q *question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.waiting--; q.waiting > 0 || q.kept {
		return
	}
	q.cancel()
	if t.asked == q { // who comes now asks anew
		t.asked = nil
	}
}

func (t *openTrigger) ask(ctx context.Context, q *question) {
	defer q.cancel()
	began := t.now()
	sample, err := t.askInTurn(ctx)
	t.mu.Lock()
	q.reading = reading{sample: sample, err: err, at: t.now()}
	if t.asked == q { // else nobody waited for it to the end
		t.last, t.took, t.asked = q.reading, q.reading.at.Sub(began), nil
	}
	t.mu.Unlock()
	close(q.done)
}

// askInTurn asks the source when the namespace's turn has come.
func (t *openTrigger) askInTurn(ctx context.Context) (trigger.Sample, error) {
	waiting, cancel := context.WithTimeout(ctx, t.wait)
	release, err := t.slots.Acquire(waiting, t.namespace)
	cancel()
	switch {
	case err != nil && ctx.Err() != nil: // nobody waits any more
		return trigger.Sample{}, ctx.Err()
	case err != nil:
		return trigger.Sample{}, fmt.Errorf("not read: no turn for namespace %s within %s; other triggers take all of scalers.maxReadings, or this namespace's third of it", t.namespace, t.wait)
	}
	defer release()
	ctx, cancel = context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	began := t.now()
	sample, err := t.Read(ctx, began)
	t.metrics.read(t.kind, t.now().Sub(began), err)
	return sample, err
}

func (t *openTrigger) remembered() reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
