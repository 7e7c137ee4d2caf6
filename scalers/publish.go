package scalers

import (
	"context"
	"errors"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

const (
	// transitionsAtOnce is how many changes of an object's conditions may be written at once. Afterwards it is one each
	// transitionEvery, so that a source that fails and recovers repeatedly costs few requests.
	transitionsAtOnce = 5
	transitionEvery   = 30 * time.Second
)

// statusWrite is the result of a write outside the rounds.
type statusWrite struct {
	uid types.UID
	// at is when the status was written; zero if it was not.
	at  time.Time
	err error
	// over is the object that it was written over.
	over *keda.ScaledObject
}

// learn takes the result of the last write into the memory. It returns whether the write is still in progress. In that
// case, its end starts a round.
func (m *memory) learn(now time.Time, uid types.UID) (underWay bool) {
	if m.writing == nil {
		return false
	}
	m.waits.Store(true) // first, so that a write that ends now sees it
	select {
	case w := <-m.writing:
		m.writing = nil
		m.waits.Store(false)
		if w.uid != uid {
			return false
		}
		if !w.at.IsZero() {
			m.statusAt = w.at
		}
		m.status.note(now, uid, problem(StatusFailed, w.err))
		switch {
		case w.err == nil: // a write before it was over the same object, and so did not happen
			m.untold = nil
		case m.untold == nil && mayBeWritten(w.err):
			m.untold = w.over
		}
		return false
	default:
		return true
	}
}

// mayBeWritten is whether a write that failed by err may have happened: no answer came, or one that does not tell.
func mayBeWritten(err error) bool {
	switch apierrors.ReasonForError(err) {
	case metav1.StatusReasonUnknown, metav1.StatusReasonTimeout, metav1.StatusReasonServerTimeout, metav1.StatusReasonInternalError, metav1.StatusReasonServiceUnavailable:
		return true
	}
	return false
}

// tellLate sends the Events of a write of which the answer was lost, once the cache has a later version of the object. Each
// write is over one version: if it did not happen, the status is as it was, and there are none.
func (l *loop) tellLate(so *keda.ScaledObject, m *memory) {
	before := m.untold
	switch {
	case before == nil || before.UID == so.UID && before.ResourceVersion == so.ResourceVersion:
		return
	case before.UID == so.UID:
		for _, e := range status.Transitions(&before.Status, &so.Status) {
			l.event(so, e)
		}
	}
	m.untold = nil
}

// publish has the status written where it changed. The write is not waited for, since it may hang: the next round learns
// what came of it, and finds the same change again where it failed. later is when a change that may not be written yet is
// due; else it is zero.
func (l *loop) publish(ctx context.Context, r *round, out status.Round) (later time.Time) {
	so, m, now := r.so, r.m, l.now()
	if m.learn(now, so.UID) {
		return time.Time{}
	}
	l.tellLate(so, m)
	next := status.Next(&so.Status, so.Spec.Triggers, out)
	urgency := status.Compare(&so.Status, &next, now.Sub(m.statusAt))
	switch {
	case urgency == status.Unchanged:
		return time.Time{}
	case urgency == status.MayWait:
		return m.statusAt.Add(status.WaitMost)
	case m.status.Waits(now):
		if err := m.status.problem.Err; !apierrors.IsConflict(err) { // a conflict is not a failure
			l.journal.Record(part, verdict.Because(spec.Subject(so.Namespace, so.Name).Part("status", ""), StatusFailed, verdict.Text("error", err.Error())))
		}
		return time.Time{} // the attempt has its own time
	case urgency == status.Now:
		m.transitions.ReserveN(now, 1) // it counts this write, and does not wait
	case !m.transitions.AllowN(now, 1):
		return m.statusAt.Add(status.WaitMost)
	}
	ended := make(chan statusWrite, 1)
	m.writing = ended
	l.writes.Add(1)
	l.statuses.Go(so.Namespace, func() {
		defer l.writes.Done()
		w := statusWrite{uid: so.UID, over: so}
		w.at, w.err = l.writeStatus(ctx, so, &next)
		ended <- w
		if waits := m.waits.Swap(false); waits || w.err != nil { // the next round sets the time of the next attempt
			l.polls.Add(client.ObjectKeyFromObject(so))
		}
	})
	return time.Time{}
}

// writeStatus writes a status over the status of so, and sends the Events for the change. It returns when it was
// written: zero, without an error, if the term has ended. If so changed meanwhile, the error is a conflict or not
// found. The cache may learn of that change later; if only the status changed, the cache sends no event.
func (l *loop) writeStatus(ctx context.Context, so *keda.ScaledObject, next *keda.ScaledObjectStatus) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wanted := so.DeepCopy()
	wanted.Status = *next
	err = l.kube.Client.Status().Patch(ctx, wanted, client.MergeFromWithOptions(so, client.MergeFromWithOptimisticLock{}))
	switch {
	case errors.Is(err, context.Canceled):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	for _, e := range status.Transitions(&so.Status, next) {
		l.event(so, e)
	}
	return l.now(), nil
}

// facts are the parts of the status that are known for an object without problems.
func facts(so *keda.ScaledObject, t *target, set *triggerSet) *status.Facts {
	f := &status.Facts{
		Replicas: t.scale.Spec.Replicas,
		Target:   keda.GroupVersionKindResource{Group: t.kind.Group, Version: t.kind.Version, Kind: t.kind.Kind, Resource: t.resource.Resource},
	}
	if set == nil { // paused, with triggers that cannot be opened
		f.ExternalMetrics, f.ResourceMetrics = so.Status.ExternalMetricNames, so.Status.ResourceMetricNames
		return f
	}
	for _, m := range set.metrics {
		if m.Resource != "" {
			f.ResourceMetrics = append(f.ResourceMetrics, string(m.Resource))
		} else {
			f.ExternalMetrics = append(f.ExternalMetrics, m.Name)
		}
	}
	return f
}
