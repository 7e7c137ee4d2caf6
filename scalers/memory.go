package scalers

import (
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

// memory is what a round keeps for the next round of the same object.
type memory struct {
	uid types.UID
	// decisions belong to this term once resumed is true. Rounds that decide nothing write them too.
	decisions replicas.Memory
	resumed   bool
	// statusAt is when the status was last written. transitions limits how often a changing condition is written at
	// once. writing receives the result of the write in progress; nil without one.
	statusAt    time.Time
	transitions *rate.Limiter
	writing     chan statusWrite
	// untold is the object before a write of its status of which the answer was lost, with Events that may be due.
	untold *keda.ScaledObject
	// waits says that a round found that write under way, and so wrote nothing.
	waits atomic.Bool
	// These calls to the API server have failed and wait for a retry: read the target, scale it, keep the HPA, write
	// the status, remove the finalizer.
	target, scale, hpa, status, finalizer attempt
	// failing says that the last round had a problem. stirred says that the cause may be corrected.
	failing, stirred atomic.Bool
}

// attempt is a call to the API server. While it fails, the retries come later and later.
type attempt struct {
	poll.Retry
	problem *status.Problem
	// unwatched says that no watch reports when a missing object is created.
	unwatched bool
}

// do calls f. While the retry is not due, it returns the problem of the last call.
func (a *attempt) do(now time.Time, uid types.UID, f func() *status.Problem) *status.Problem {
	if a.Waits(now) {
		return a.problem
	}
	problem := f()
	a.note(now, uid, problem)
	return problem
}

// note records the result of a call; nil is success.
func (a *attempt) note(now time.Time, uid types.UID, problem *status.Problem) {
	if problem == nil {
		*a = attempt{}
		return
	}
	a.problem = problem
	most := poll.RetryMost
	if passes(problem.Err) || a.unwatched && apierrors.IsNotFound(problem.Err) {
		most = poll.RetrySoon
	}
	a.Failed(now, spread(uid), most)
}

// passes is true for an error that is not caused by the object: the cache is old, or the API server or a webhook is
// down, slow or overloaded. When it passes, nothing of the object changes.
func passes(err error) bool {
	_, unreachable := errors.AsType[*url.Error](err)
	return unreachable || apierrors.IsConflict(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
}

// attempts are the attempts of m.
func (m *memory) attempts() []*attempt {
	return []*attempt{&m.target, &m.scale, &m.hpa, &m.status, &m.finalizer}
}

// remember returns the memory of an object. If the object is another one, or something that it depends on changed,
// failed calls are tried again at once.
func (l *loop) remember(so *keda.ScaledObject) *memory {
	m := l.memory(types.NamespacedName{Namespace: so.Namespace, Name: so.Name})
	if m.stirred.Swap(false) || m.uid != so.UID {
		for _, a := range m.attempts() {
			*a = attempt{}
		}
	}
	if m.uid != so.UID {
		m.uid, m.resumed, m.statusAt = so.UID, false, time.Time{}
	}
	return m
}

// resume restores the memory of decisions from the status, at the first round of a term: that round may write a status
// that is no longer "active", with the time of last activity.
func (m *memory) resume(so *keda.ScaledObject, now time.Time) {
	if !m.resumed {
		m.resumed, m.decisions = true, status.Resumed(&so.Status, now)
	}
}

func (l *loop) memory(key types.NamespacedName) *memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.memories[key]
	if m == nil {
		m = &memory{transitions: rate.NewLimiter(rate.Every(transitionEvery), transitionsAtOnce)}
		l.memories[key] = m
	}
	return m
}

// next is how long after now the object is due: at its next poll, or at the first of the retries.
func (m *memory) next(now time.Time, poll time.Duration, retries ...time.Time) time.Duration {
	for _, a := range m.attempts() {
		retries = append(retries, a.At())
	}
	for _, at := range retries {
		if wait := at.Sub(now); wait > 0 {
			poll = min(poll, wait)
		}
	}
	return poll
}

// stir makes the next round retry failed calls at once. It returns whether the object fails.
func (l *loop) stir(key types.NamespacedName) (failing bool) {
	l.mu.Lock()
	m := l.memories[key]
	l.mu.Unlock()
	if m == nil {
		return false
	}
	m.stirred.Store(true)
	return m.failing.Load()
}

func (l *loop) forget(key types.NamespacedName) {
	l.mu.Lock()
	delete(l.memories, key)
	l.mu.Unlock()
	l.triggers.forget(spec.KeyOf(key))
}
