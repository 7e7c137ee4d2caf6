package evict

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// rig is an Evictor, an API server that answers as answer says, and a clock that a test moves.
type rig struct {
	*Evictor
	clock  time.Time
	answer func(pod string) error

	mu    sync.Mutex
	asked []string
}

func newRig() *rig {
	r := &rig{clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), answer: func(string) error { return nil }}
	c := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		SubResourceCreate: func(_ context.Context, _ client.Client, sub string, o client.Object, body client.Object, _ ...client.SubResourceCreateOption) error {
			e := body.(*policyv1.Eviction)
			r.mu.Lock()
			r.asked = append(r.asked, fmt.Sprintf("%s %s/%s %s %d", sub, e.Namespace, e.Name, *e.DeleteOptions.Preconditions.UID, *e.DeleteOptions.GracePeriodSeconds))
			r.mu.Unlock()
			return r.answer(o.GetName())
		},
	}).Build()
	r.Evictor = New(c, func() time.Time { return r.clock })
	return r
}

// round is which pods stay, for how long they have been refused, and why.
func (r *rig) round(t *testing.T, pods ...Pod) string {
	t.Helper()
	var out []string
	for _, s := range r.Round(t.Context(), pods) {
		out = append(out, fmt.Sprintf("%s %s %v", s.Pod.Name, s.For, s.Err))
	}
	return strings.Join(out, "; ")
}

func pod(name string, grace int64, most time.Duration) Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.UID = "shop", name, types.UID("uid-of-"+name)
	if grace >= 0 {
		p.Spec.TerminationGracePeriodSeconds = &grace
	}
	return Pod{p, most}
}

// Each eviction names the very pod, and the time that it gets: what it asks for, or less.
func TestAnEvictionIsOfOnePodAndItsGrace(t *testing.T) {
	r := newRig()
	if got := r.round(t, pod("own", 900, 0), pod("capped", 900, time.Minute), pod("below", 5, time.Minute), pod("default", -1, 0), pod("none", 0, time.Minute),
		pod("never", 10_000_000_000, time.Minute), pod("never-own", math.MaxInt64, 0)); got != "" {
		t.Errorf("stay: %s", got)
	}
	slices.Sort(r.asked)
	want := "eviction shop/below uid-of-below 5, eviction shop/capped uid-of-capped 60, eviction shop/default uid-of-default 30, eviction shop/never uid-of-never 60, eviction shop/never-own uid-of-never-own 9223372036, eviction shop/none uid-of-none 0, eviction shop/own uid-of-own 900"
	if got := strings.Join(r.asked, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A refusal counts from the first one to now, through rounds that do not ask for the pod, until it is let go. Another pod
// of the same name begins anew.
func TestRefusalsCountFromTheFirst(t *testing.T) {
	r := newRig()
	budget := apierrors.NewTooManyRequests("budget", 0)
	r.answer = func(name string) error {
		switch name {
		case "kept":
			return budget
		case "gone":
			return apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, name)
		default:
			return nil
		}
	}
	kept := pod("kept", 30, 0)
	step := func(after time.Duration, want string, pods ...Pod) {
		t.Helper()
		r.clock = r.clock.Add(after)
		if got := r.round(t, pods...); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	step(0, "kept 0s budget", kept, pod("free", 30, 0), pod("gone", 30, 0))
	step(time.Minute, "", pod("free", 30, 0))
	step(time.Minute, "kept 2m0s budget", kept)
	another := pod("kept", 30, 0)
	another.UID = "another"
	step(time.Minute, "kept 0s budget", another)
	step(0, "kept 3m0s budget", kept)
	r.answer = func(string) error { return nil }
	step(time.Minute, "", kept)
	r.answer = func(string) error { return errors.New("again") }
	step(time.Minute, "kept 0s again", kept)
	step(forgetAfter+time.Second, "", []Pod{}...)
	if len(r.refused) != 0 {
		t.Errorf("%d refusals are remembered of pods that nobody asks for", len(r.refused))
	}
}

// A pod that another one has taken the place of is gone: its budget refused nothing. A conflict of another kind is a refusal
// like all others: the pod stands.
func TestAConflictOfAnotherUIDIsNoRefusal(t *testing.T) {
	r := newRig()
	conflict := func(said string) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web-0", errors.New(said))
	}
	web := pod("web-0", 30, 0)
	r.answer = func(string) error { return apierrors.NewTooManyRequests("budget", 0) }
	if got := r.round(t, web); got != "web-0 0s budget" {
		t.Errorf("refused by a budget: %q", got)
	}
	for _, said := range []string{
		"the UID in the precondition (uid-of-web-0) does not match the UID in record (new). The object might have been deleted and then recreated",
		"StorageError: invalid object, Code: 4, AdditionalErrorMsg: Precondition failed: UID in precondition: uid-of-web-0, UID in object meta: new",
	} {
		r.clock = r.clock.Add(time.Minute)
		r.answer = func(string) error { return conflict(said) }
		if got := r.round(t, web); got != "" || len(r.refused) != 0 {
			t.Errorf("another UID: stays %q, %d refusals are remembered", got, len(r.refused))
		}
	}
	r.answer = func(string) error { return conflict("the object has been modified") }
	if got := r.round(t, web); !strings.HasPrefix(got, "web-0 0s ") || len(r.refused) != 1 {
		t.Errorf("modified: stays %q, %d refusals are remembered", got, len(r.refused))
	}
}

// No more evictions are under way than the bound, and all are tried.
func TestEvictionsAreBounded(t *testing.T) {
	r := newRig()
	var under, most atomic.Int64
	full := make(chan struct{})
	r.answer = func(string) error {
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == parallel {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full
		return nil
	}
	var pods []Pod
	for i := range 5 * parallel {
		pods = append(pods, pod(fmt.Sprint(i), 30, 0))
	}
	if got := r.round(t, pods...); got != "" || len(r.asked) != len(pods) || most.Load() != parallel {
		t.Errorf("stay %q, %d of %d asked, %d at a time", got, len(r.asked), len(pods), most.Load())
	}
}
