package poll

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Work is what is done for the objects. Its methods are called for many objects at the same time, and
// for one object never at the same time. A round that Begin made is given to End once, or dropped where its object
// changed or the loop has ended: it must hold nothing that needs to be released.
type Work[R any] interface {
	// Begin prepares a round. read is false if Read has nothing to do.
	Begin(ctx context.Context, key types.NamespacedName) (round R, read bool)
	// Read waits for systems outside the cluster. Its ctx ends when the object changes.
	Read(ctx context.Context, key types.NamespacedName, round R)
	// End decides and acts. It returns when the object is due again; after 0 it waits until it is queued.
	End(ctx context.Context, key types.NamespacedName, round R) (again time.Duration)
}

// Phase is the step of an object's round.
type Phase string

// The phases of a round. Queued means waiting for a worker or a reader.
const (
	Queued  Phase = "queued"
	Opening Phase = "opening"
	Reading Phase = "reading"
	Acting  Phase = "acting"
)

// Phases are all phases in their order.
func Phases() []Phase { return []Phase{Queued, Opening, Reading, Acting} }

// Config bounds a Loop.
type Config struct {
	// Workers is how many rounds are begun and ended at the same time. Readers is how many are read.
	Workers, Readers int
	Now              func() time.Time
}

// Loop calls Work for each object when it is due. It is safe for concurrent use.
type Loop[R any] struct {
	work             Work[R]
	workers, readers *Slots
	now              func() time.Time
	// ctx ends with the loop.
	ctx context.Context
	end context.CancelFunc
	// rounds has the rounds in flight.
	rounds sync.WaitGroup

	mu sync.Mutex
	// Rounds begin only after started and before ended.
	started, ended bool
	objects        map[types.NamespacedName]*object
}

// object is an object, idle or with a round in flight.
type object struct {
	// phase is empty while the object is idle.
	phase Phase
	// since is when the object became due.
	since time.Time
	// again says that the object is due again after this round. changed says that this round is to be dropped.
	again, changed bool
	// cancel ends the reading of this round.
	cancel context.CancelFunc
	// timer queues the object when it is due; nil before its first round has ended.
	timer *time.Timer
}

// New makes a loop that works from Start until ctx ends. Close waits for its end.
func New[R any](ctx context.Context, cfg Config, work Work[R]) *Loop[R] {
	ctx, end := context.WithCancel(ctx)
	return &Loop[R]{
		work: work, workers: NewSlots(cfg.Workers), readers: NewSlots(cfg.Readers), now: cfg.Now, ctx: ctx, end: end,
		objects: map[types.NamespacedName]*object{},
	}
}

// Start begins with the objects that are queued already.
func (l *Loop[R]) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
	for key, o := range l.objects {
		l.queue(key, o)
	}
}

// Close ends all readings, and returns when no round is in flight. Afterwards nothing is queued.
func (l *Loop[R]) Close() {
	l.end()
	l.mu.Lock()
	l.ended = true
	for _, o := range l.objects {
		o.stop()
	}
	l.mu.Unlock()
	l.rounds.Wait()
}

// Add queues an object. It is due now or, during a round, after the end of that round.
func (l *Loop[R]) Add(key types.NamespacedName) { l.add(key, false) }

// Restart queues an object that changed or was deleted. Its reading ends, and no decision is made from it.
func (l *Loop[R]) Restart(key types.NamespacedName) { l.add(key, true) }

func (l *Loop[R]) add(key types.NamespacedName, changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	o := l.objects[key]
	if o == nil {
		o = &object{}
		l.objects[key] = o
	}
	if !l.started { // Start queues it
		o.phase, o.since = Queued, l.now()
		return
	}
	if o.phase == "" {
		l.queue(key, o)
		return
	}
	if o.cancel == nil { // its round has not begun, and will see the change
		return
	}
	o.again = true
	if changed && o.phase != Acting { // a write in progress is completed
		o.changed = true
		o.cancel()
	}
}

// queue puts an idle object into the queue. The caller has locked l.
func (l *Loop[R]) queue(key types.NamespacedName, o *object) {
	o.stop()
	*o = object{phase: Queued, since: l.now(), timer: o.timer}
	l.rounds.Add(1)
	l.workers.Go(key.Namespace, func() { l.begin(key, o) })
}

func (l *Loop[R]) begin(key types.NamespacedName, o *object) {
	if l.ctx.Err() != nil {
		l.enter(o, "")
		l.rounds.Done()
		return
	}
	ctx, cancel := context.WithCancel(l.ctx)
	l.mu.Lock()
	o.phase, o.cancel = Opening, cancel
	l.mu.Unlock()
	round, read := l.work.Begin(l.ctx, key)
	if !read {
		l.finish(key, o, round)
		return
	}
	l.enter(o, Queued)
	l.readers.Go(key.Namespace, func() {
		if ctx.Err() == nil {
			l.enter(o, Reading)
			l.work.Read(ctx, key, round)
			l.enter(o, Queued)
		}
		if ctx.Err() != nil { // dropping a round needs no worker
			l.finish(key, o, round)
			return
		}
		// A reading must not become old: it has priority over rounds that have not begun. Until a worker takes it, the
		// reader starts no other reading.
		taken := make(chan struct{})
		l.workers.GoOn(key.Namespace, func() {
			close(taken)
			l.finish(key, o, round)
		})
		<-taken
	})
}

// finish ends a round. It drops the round if its object changed or the loop has ended.
func (l *Loop[R]) finish(key types.NamespacedName, o *object, round R) {
	defer l.rounds.Done()
	l.mu.Lock()
	dropped := o.changed || l.ctx.Err() != nil
	if !dropped {
		o.phase = Acting
	}
	l.mu.Unlock()
	var again time.Duration
	if !dropped {
		again = l.work.End(l.ctx, key, round)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o.cancel()
	o.phase = ""
	switch since := o.since; {
	case l.ended:
	case dropped:
		l.queue(key, o)
		o.since = since // it was due since then
	case o.again:
		l.queue(key, o)
	case again == 0:
		o.stop()
		delete(l.objects, key)
	case o.timer == nil:
		o.timer = time.AfterFunc(again, func() { l.Add(key) })
	default:
		o.timer.Reset(again)
	}
}

func (l *Loop[R]) enter(o *object, p Phase) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.phase = p
}

func (o *object) stop() {
	if o.timer != nil {
		o.timer.Stop()
	}
}

// Load is how much work is in flight.
type Load struct {
	// Rounds is the number of objects in each phase.
	Rounds map[Phase]int
	// Oldest is the object whose round has been due for the longest time, and Overdue is that time. Both are zero where
	// no round is in flight.
	Oldest  types.NamespacedName
	Overdue time.Duration
}

// Load counts the objects.
func (l *Loop[R]) Load() Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	load, now := Load{Rounds: map[Phase]int{}}, l.now()
	for key, o := range l.objects {
		if o.phase == "" {
			continue
		}
		load.Rounds[o.phase]++
		if late := now.Sub(o.since); load.Oldest.Name == "" || late > load.Overdue {
			load.Oldest, load.Overdue = key, late
		}
	}
	return load
}
