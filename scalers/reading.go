package scalers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// reading is the result of a source, with its time. The zero value means never read.
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
	// slots bounds the readings of all triggers. namespace is whose share this one uses. wait is how long it waits for
	// a slot.
	slots     *poll.Slots
	namespace string
	wait      time.Duration

	mu   sync.Mutex
	last reading
	// took is how long the last reading took.
	took time.Duration
	// asked is the reading in progress; nil where there is none.
	asked *question
}

// question is a reading in progress, shared by all that wait for it. Its result is there when done is closed.
type question struct {
	done    chan struct{}
	reading reading
	// waiting is how many callers wait for it. The last one to give up cancels it, unless keep was called.
	waiting int
	kept    bool
	cancel  context.CancelFunc
}

// read returns the last reading if it is not older than maxAge. Otherwise it reads the source. Concurrent callers share
// one reading. It continues for the others when one caller gives up, and ends when the last does.
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

// question is nil if the last reading is not older than maxAge. Otherwise the caller must wait for it or give up.
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

// keep lets the reading continue when nobody waits for it. Its result is for the next caller.
func (t *openTrigger) keep(q *question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q.kept = true
}

// endReading ends the reading in progress, for all who wait for it.
func (t *openTrigger) endReading() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked != nil {
		t.asked.cancel()
	}
}

// dismiss ends a kept reading, since the trigger was replaced and has no next caller.
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
	if t.asked == q { // later callers start a new reading
		t.asked = nil
	}
}

func (t *openTrigger) ask(ctx context.Context, q *question) {
	defer q.cancel()
	began := t.now()
	sample, err := t.askInTurn(ctx)
	t.mu.Lock()
	q.reading = reading{sample: sample, err: err, at: t.now()}
	if t.asked == q { // otherwise nobody waited for its end
		t.last, t.took, t.asked = q.reading, q.reading.at.Sub(began), nil
	}
	t.mu.Unlock()
	close(q.done)
}

// askInTurn reads the source when the namespace has a free slot.
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
