package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/trimtab/trimtab/internal/config"
)

const patience = 20 * time.Second

func election() LeaderElection {
	var c LeaderElection
	c.SetDefaults()
	c.Namespace = "ns"
	c.LeaseDuration, c.RenewDeadline, c.RetryPeriod = config.Duration(time.Second), config.Duration(500*time.Millisecond), config.Duration(50*time.Millisecond)
	return c
}

// replica runs Lead on an API server that it may share with others.
type replica struct {
	t    *testing.T
	kube *Kube
	// leads is closed when lead is called; lead then waits for its context's end and for mayEnd.
	leads, ended, mayEnd chan struct{}
	done                 chan error
	stop                 context.CancelFunc
}

func start(t *testing.T, api *fake.Clientset, fail error) *replica {
	return startWith(t, api, election(), fail)
}

func startWith(t *testing.T, api *fake.Clientset, cfg LeaderElection, fail error) *replica {
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	r := &replica{
		t: t, kube: &Kube{shared: &shared{leases: api, log: slog.New(slog.DiscardHandler), term: newTerm(time.Now)}},
		leads: make(chan struct{}), ended: make(chan struct{}), mayEnd: make(chan struct{}), done: make(chan error, 1), stop: stop,
	}
	go func() {
		r.done <- r.kube.Lead(ctx, cfg, func(ctx context.Context) error {
			close(r.leads)
			if fail != nil {
				return fail
			}
			<-ctx.Done()
			close(r.ended)
			<-r.mayEnd
			return nil
		})
	}()
	return r
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

// eventually waits for a condition that no channel reports.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !f() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not happen", what)
		}
	}
}

func holder(t *testing.T, api *fake.Clientset) string {
	t.Helper()
	lease, err := api.CoordinationV1().Leases("ns").Get(context.Background(), "trimtab", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

func TestTheLeaseIsGivenBackAfterLeadHasReturned(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	r := start(t, api, nil)
	await(t, "leading", r.leads)
	me := holder(t, api)
	if me == "" || r.kube.StandsBy() {
		t.Errorf("held by %q, stands by %v", me, r.kube.StandsBy())
	}
	r.stop()
	await(t, "the end of lead's context", r.ended)
	if got := holder(t, api); got != me {
		t.Errorf("the Lease is held by %q while lead has not returned", got)
	}
	close(r.mayEnd)
	if err := await(t, "the end of Lead", r.done); err != nil {
		t.Error(err)
	}
	if got := holder(t, api); got != "" {
		t.Errorf("the Lease is still held by %q", got)
	}
}

func TestAnotherReplicaStandsByAndTakesOver(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	first := start(t, api, nil)
	await(t, "leading", first.leads)
	second := start(t, api, nil)
	eventually(t, "standing by", second.kube.StandsBy)
	select {
	case <-second.leads:
		t.Fatal("two lead at one time")
	default:
	}
	close(first.mayEnd)
	first.stop()
	if err := await(t, "the end of the first", first.done); err != nil {
		t.Error(err)
	}
	await(t, "leading of the second", second.leads)
	if second.kube.StandsBy() {
		t.Error("who leads stands by")
	}
	close(second.mayEnd)
	second.stop()
	if err := await(t, "the end of the second", second.done); err != nil {
		t.Error(err)
	}
}

func TestWhoStandsByEndsAtOnce(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	first := start(t, api, nil)
	await(t, "leading", first.leads)
	me := holder(t, api)
	second := start(t, api, nil)
	eventually(t, "standing by", second.kube.StandsBy)
	second.stop()
	if err := await(t, "the end of the second", second.done); err != nil {
		t.Error(err)
	}
	if got := holder(t, api); got != me {
		t.Errorf("the end of who stood by left the Lease to %q", got)
	}
	close(first.mayEnd)
}

func TestLostLeadershipIsAnErrorAfterLeadHasReturned(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	var down, writes atomic.Int64
	api.PrependReactor("*", "leases", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if down.Load() == 0 {
			return false, nil, nil
		}
		if down.Load() == 2 && a.GetVerb() == "update" {
			writes.Add(1)
		}
		return true, nil, errors.New("the API server is down")
	})
	r := start(t, api, nil)
	await(t, "leading", r.leads)
	down.Store(1)
	await(t, "the end of lead's context", r.ended)
	down.Store(2)
	select {
	case err := <-r.done:
		t.Fatalf("Lead returned %v while lead still runs", err)
	default:
	}
	close(r.mayEnd)
	if err := await(t, "the end of Lead", r.done); !errors.Is(err, errLeadershipLost) {
		t.Errorf("%v, want that leadership was lost", err)
	}
	if writes.Load() > 0 {
		t.Error("a lost Lease was written")
	}
}

// The elector of client-go would go on for an hour.
func TestAnotherHolderEndsLeadershipAtOnce(t *testing.T) {
	t.Parallel()
	for name, takeover := range map[string]func(*coordinationv1.LeaseSpec){
		"another leads":          func(s *coordinationv1.LeaseSpec) { s.HolderIdentity = new("other") },
		"another led, and ended": func(s *coordinationv1.LeaseSpec) { s.HolderIdentity = new("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := fake.NewClientset()
			var taken atomic.Bool
			api.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
				// The server refuses a renewal that has not seen the takeover.
				return taken.Load(), nil, apierrors.NewConflict(coordinationv1.Resource("leases"), "trimtab", errors.New("changed"))
			})
			cfg := election()
			cfg.LeaseDuration, cfg.RenewDeadline = config.Duration(2*time.Hour), config.Duration(time.Hour)
			r := startWith(t, api, cfg, nil)
			gated := &Kube{gate: r.kube.shared.term}
			await(t, "leading", r.leads)
			if err := gated.MayWrite(); err != nil {
				t.Errorf("who leads may not write: %v", err)
			}
			lease, err := api.CoordinationV1().Leases("ns").Get(t.Context(), "trimtab", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			taken.Store(true)
			takeover(&lease.Spec)
			if err := api.Tracker().Update(coordinationv1.SchemeGroupVersion.WithResource("leases"), lease, "ns"); err != nil {
				t.Fatal(err)
			}
			await(t, "the end of lead's context", r.ended)
			if err := gated.MayWrite(); err == nil {
				t.Error("who has lost the Lease may write")
			}
			taken.Store(false)
			close(r.mayEnd)
			want := fmt.Sprintf("leadership lost: it is held by %q", *lease.Spec.HolderIdentity)
			if err := await(t, "the end of Lead", r.done); !errors.Is(err, errLeadershipLost) || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			if got := holder(t, api); got != *lease.Spec.HolderIdentity {
				t.Errorf("who has lost the Lease made it %q's", got)
			}
		})
	}
}

func TestAnErrorOfLeadEndsIt(t *testing.T) {
	t.Parallel()
	api := fake.NewClientset()
	bad := errors.New("a part cannot go on")
	r := start(t, api, bad)
	if err := await(t, "the end of Lead", r.done); !errors.Is(err, bad) || errors.Is(err, errLeadershipLost) {
		t.Errorf("%v", err)
	}
	if got := holder(t, api); got != "" {
		t.Errorf("the Lease is still held by %q", got)
	}
}

func TestWithoutElectionLeadIsCalledAtOnce(t *testing.T) {
	t.Parallel()
	called := false
	k := &Kube{shared: &shared{log: slog.New(slog.DiscardHandler), term: newTerm(time.Now)}}
	err := k.Lead(context.Background(), LeaderElection{}, func(context.Context) error { called = true; return nil })
	if err != nil || !called || k.StandsBy() {
		t.Errorf("%v, called %v", err, called)
	}
}
