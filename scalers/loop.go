package scalers

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"sync"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/poll"
)

// firstDecisions is how long Ready waits for the first decision on every object. An object whose sources do not answer
// must not keep a replica out of its Service.
const firstDecisions = time.Minute

// loop is one term of leadership. Its memory starts empty and is restored from the objects' status.
type loop struct {
	*Scalers
	polls *poll.Loop[*round]
	// statuses bounds the writes of statuses outside the rounds. writes waits for the writes that are queued or in
	// progress.
	statuses *poll.Slots
	writes   sync.WaitGroup

	mu sync.Mutex
	// memories has the memory of each object seen in this term. Rounds of one object do not overlap, so each memory has
	// one user.
	memories map[types.NamespacedName]*memory
	// first has the objects that existed at the start and have no decision yet.
	first map[types.NamespacedName]bool
}

// newLoop makes a loop that works until ctx ends.
func newLoop(ctx context.Context, s *Scalers) *loop {
	l := &loop{Scalers: s, statuses: poll.NewSlots(s.cfg.MaxReconciles), memories: map[types.NamespacedName]*memory{}, first: map[types.NamespacedName]bool{}}
	l.polls = poll.New(ctx, poll.Config{Workers: s.cfg.MaxReconciles, Readers: s.cfg.MaxReadings, Now: s.now}, l)
	return l
}

func (l *loop) run(ctx context.Context) error {
	defer l.writes.Wait()
	defer l.polls.Close() // afterwards no status is written
	stop, err := l.watch(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if !l.kube.Cache.WaitForCacheSync(ctx) {
		return nil
	}
	if err := l.begin(ctx); err != nil {
		return err
	}
	l.polls.Start()
	l.term.Store(l)
	defer l.term.Store(nil)
	defer time.AfterFunc(firstDecisions, l.waitNoMore).Stop()
	<-ctx.Done()
	return nil
}

// begin queues every object, and Ready waits for their first decisions.
func (l *loop) begin(ctx context.Context) error {
	var list keda.ScaledObjectList // shared with the cache, so it must not be changed
	if err := l.kube.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list ScaledObjects: %w", err)
	}
	l.mu.Lock()
	for i := range list.Items {
		l.first[client.ObjectKeyFromObject(&list.Items[i])] = true
	}
	keys := maps.Clone(l.first)
	l.mu.Unlock()
	l.decided(types.NamespacedName{})
	for key := range keys {
		l.polls.Add(key)
	}
	return nil
}

// decided records that an object has its first decision.
func (l *loop) decided(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.first, key)
	switch {
	case l.waitsFor.Load() == nil:
	case len(l.first) == 0:
		l.waitsFor.Store(nil)
	default:
		l.waits(fmt.Sprintf("the first decision on %d ScaledObjects", len(l.first)))
	}
}

// waitNoMore makes Ready wait for no further objects.
func (l *loop) waitNoMore() {
	l.mu.Lock()
	clear(l.first)
	l.mu.Unlock()
	l.decided(types.NamespacedName{})
}

// untilNext is the time until the next poll. Each object polls at its own offset, so that objects created together do
// not read their sources at the same time.
func untilNext(now time.Time, interval time.Duration, uid types.UID) time.Duration {
	phase := time.Duration(hash(uid) % uint64(interval))
	since := time.Duration(now.UnixNano()-int64(phase)) % interval
	return interval - since
}

// spread is a number from 0 to 1, always the same for an object.
func spread(uid types.UID) float64 { return float64(hash(uid)%1000) / 1000 }

func hash(uid types.UID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid)) // never fails
	return h.Sum64()
}
