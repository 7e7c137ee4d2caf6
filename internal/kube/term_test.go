package kube

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// shiftMonotonic is t with a monotonic reading that is later by d, and the same wall clock.
func shiftMonotonic(t time.Time, d time.Duration) time.Time {
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t)).ext += int64(d)
	return t
}

func TestARenewalAgesByBothClocks(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		later time.Time
		want  time.Duration
	}{
		"an hour":                     {now.Add(time.Hour), time.Hour},
		"suspended for an hour":       {shiftMonotonic(now.Add(time.Hour), -time.Hour), time.Hour},
		"the clock was set back":      {shiftMonotonic(now.Add(-time.Hour), 2*time.Hour), time.Hour},
		"the clock was set forward":   {shiftMonotonic(now.Add(2*time.Hour), -time.Hour), 2 * time.Hour},
		"read without monotonic time": {now.Add(time.Hour).Round(0), time.Hour},
	} {
		if got := elapsed(now, c.later); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// store is the API server with a Lease, in a world with one clock.
type store struct {
	random  *rand.Rand
	now     time.Time
	version int
	record  *resourcelock.LeaderElectionRecord
	// meanwhile is what happens while one waits.
	meanwhile func()
}

// wait lets time pass: mostly little, and now and then as much as a frozen process or a slow network takes.
func (s *store) wait() {
	if s.random == nil { // nothing takes time
		return
	}
	step := time.Duration(s.random.Int64N(int64(time.Second)))
	if s.random.IntN(10) == 0 {
		step *= 20
	}
	s.now = s.now.Add(step / 2)
	if s.meanwhile != nil {
		s.meanwhile()
	}
	s.now = s.now.Add(step / 2)
}

// replicaOf is one replica: the Lease as the API server gives it, and the elector's rule when it may be taken.
type replicaOf struct {
	*store
	name    string
	version int
	lock    *lock
	// seen is what was read last of another's, and when.
	seen   resourcelock.LeaderElectionRecord
	seenAt time.Time
}

func (r *replicaOf) Identity() string   { return r.name }
func (r *replicaOf) Describe() string   { return "ns/trimtab" }
func (r *replicaOf) RecordEvent(string) {}

func (r *replicaOf) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	r.wait()
	if r.record == nil {
		return nil, nil, apierrors.NewNotFound(schema.GroupResource{}, "trimtab")
	}
	got := *r.record
	r.version = r.store.version
	r.wait()
	return &got, nil, nil
}

func (r *replicaOf) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if r.record == nil {
		r.version = r.store.version
	}
	return r.Update(ctx, record)
}

func (r *replicaOf) Update(_ context.Context, record resourcelock.LeaderElectionRecord) error {
	r.wait()
	if r.version != r.store.version {
		return apierrors.NewConflict(schema.GroupResource{}, "trimtab", errors.New("changed"))
	}
	r.store.version++
	r.record, r.version = &record, r.store.version
	r.wait()
	if r.random != nil && r.random.IntN(20) == 0 {
		return errors.New("the answer was lost")
	}
	return nil
}

const leaseSeconds = 15

// turn is one try of the elector. Now and then whoever holds the Lease gives it back.
func (r *replicaOf) turn(t *testing.T) {
	mine := resourcelock.LeaderElectionRecord{HolderIdentity: r.name, LeaseDurationSeconds: leaseSeconds, RenewTime: metav1.NewTime(r.now)}
	record, _, err := r.lock.Get(t.Context())
	switch {
	case errors.Is(err, errLeadershipLost): // the process ends, and another begins
		r.begin()
	case apierrors.IsNotFound(err):
		_ = r.lock.Create(t.Context(), mine)
	case record.HolderIdentity == r.name && r.random.IntN(20) == 0:
		_ = r.lock.Update(t.Context(), resourcelock.LeaderElectionRecord{LeaseDurationSeconds: 1, RenewTime: metav1.NewTime(r.now)})
		r.begin()
	case record.HolderIdentity == r.name || record.HolderIdentity == "":
		_ = r.lock.Update(t.Context(), mine)
	case *record != r.seen:
		r.seen, r.seenAt = *record, r.now
	case r.now.Sub(r.seenAt) > time.Duration(record.LeaseDurationSeconds)*time.Second:
		_ = r.lock.Update(t.Context(), mine)
	}
}

func (r *replicaOf) begin() {
	own := newTerm(func() time.Time { return r.now })
	r.lock = &lock{Interface: r, term: own, onLost: func() {}}
}

// Whatever is frozen, slow or lost: nobody may write but who holds the Lease.
func TestOnlyTheHolderMayWrite(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		s := &store{random: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0)}
		both := []*replicaOf{{store: s, name: "a"}, {store: s, name: "b"}}
		for _, r := range both {
			r.begin()
		}
		wrote := map[string]int{}
		check := func() {
			for _, r := range both {
				if r.lock.term.mayWrite() != nil {
					continue
				}
				wrote[r.name]++
				if s.record.HolderIdentity != r.name {
					t.Fatalf("seed %d: %s may write, and the Lease is held by %q", seed, r.name, s.record.HolderIdentity)
				}
			}
		}
		for range 400 {
			i := s.random.IntN(2)
			// While one waits for an answer, the other goes on.
			s.meanwhile = func() {
				check()
				if s.random.IntN(3) == 0 {
					again := s.meanwhile
					s.meanwhile = nil
					both[1-i].turn(t)
					s.meanwhile = again
				}
				check()
			}
			both[i].turn(t)
			s.meanwhile = nil
			s.wait()
			check()
		}
		if wrote["a"] == 0 || wrote["b"] == 0 {
			t.Fatalf("seed %d: the test tells nothing: %s", seed, fmt.Sprint(wrote))
		}
	}
}

// A conflict may mean that another holds the Lease; the reading after it may fail too.
func TestAConflictStopsWritesUntilTheLeaseIsRead(t *testing.T) {
	t.Parallel()
	r := &replicaOf{store: &store{now: time.Now()}, name: "a"}
	r.begin()
	mine := resourcelock.LeaderElectionRecord{HolderIdentity: r.name, LeaseDurationSeconds: leaseSeconds}
	if err := r.lock.Create(t.Context(), mine); err != nil || r.lock.term.mayWrite() != nil {
		t.Fatalf("who took the Lease may not write: %v", err)
	}
	r.store.version++ // somebody set a label
	if err := r.lock.Update(t.Context(), mine); !apierrors.IsConflict(err) || r.lock.term.mayWrite() == nil {
		t.Errorf("after %v writes pass", err)
	}
	if _, _, err := r.lock.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.lock.Update(t.Context(), mine); err != nil || r.lock.term.mayWrite() != nil {
		t.Errorf("after a renewal no write passes: %v", err)
	}
}
