package scalers

import (
	"context"
	"slices"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

const (
	// freshEnough is the maximum age of a reading for a decision. Rounds that directly follow each other, because
	// something changed, share a reading. Two polls do not.
	freshEnough = time.Second
	// scaleAttempts bounds how often a round decides again because the target changed meanwhile.
	scaleAttempts = 3
	// readingsAtOnce bounds the triggers of one object that are read at the same time.
	readingsAtOnce = 10
)

// round is one check of an object, in these steps:
//
//  1. Begin: check the object and open its triggers.
//  2. Read: read the triggers.
//  3. End: read the target, decide, act, and write the status.
type round struct {
	began time.Time
	// unread says why so is nil: the object was deleted, or the cache has ended.
	unread error
	so     *keda.ScaledObject
	m      *memory
	// interval is the time between two polls, also of an object with a problem.
	interval time.Duration
	checked  spec.Checked
	// set is nil where the triggers could not be opened.
	set      *triggerSet
	readings []replicas.Reading
	// target is read last, so that little time passes before it is written.
	target *target
	// problem is why there is no decision. In that case readings and target have no meaning.
	problem *status.Problem
}

// Begin checks the object and opens its triggers.
func (l *loop) Begin(ctx context.Context, key types.NamespacedName) (*round, bool) {
	r := &round{began: l.now(), interval: l.cfg.PollingInterval.Std(), so: &keda.ScaledObject{}}
	if r.unread = l.kube.Client.Get(ctx, key, r.so); r.unread != nil {
		return r, false
	}
	r.m = l.remember(r.so)
	if r.so.DeletionTimestamp != nil {
		return r, false
	}
	var err error
	if r.checked, err = spec.Parse(r.so, l.defaults()); err != nil {
		// A retry does not help: the object must change.
		r.problem, r.interval = &status.Problem{Reason: CheckFailed, Err: err}, poll.RetryMost
		return r, false
	}
	r.interval = r.checked.Interval
	r.set, err = l.triggers.open(ctx, spec.OwnerOf(r.so))
	switch {
	case r.checked.Paused: // a pause also applies if the triggers are broken
		return r, false
	case err != nil:
		r.problem = &status.Problem{Reason: CheckFailed, Err: err}
	case r.m.target.Waits(l.now()):
		r.problem = r.m.target.problem
	}
	return r, r.problem == nil && len(r.set.opened) > 0
}

// Read reads the triggers, some of them concurrently. Their order stays.
func (l *loop) Read(ctx context.Context, _ types.NamespacedName, r *round) {
	r.readings = make([]replicas.Reading, len(r.set.opened))
	maxAge := min(freshEnough, r.interval/2)
	var all errgroup.Group
	all.SetLimit(readingsAtOnce)
	for i, t := range r.set.opened {
		all.Go(func() error {
			r.readings[i] = toReading(t, t.read(ctx, maxAge))
			return nil
		})
	}
	_ = all.Wait() // a trigger's error is in its reading
}

// End decides and acts. It returns when the object is due again; 0 is never.
func (l *loop) End(ctx context.Context, key types.NamespacedName, r *round) time.Duration {
	defer l.decided(key)
	defer func() { l.metrics.round.Observe(l.now().Sub(r.began).Seconds()) }()
	switch {
	case apierrors.IsNotFound(r.unread):
		l.forget(key)
		return 0
	case r.unread != nil:
		return retryAfter // there is no cache: the process is ending
	case r.so.DeletionTimestamp != nil:
		return l.release(ctx, r)
	}
	r.m.resume(r.so, l.now())
	l.tellReadings(r)
	if r.problem == nil {
		r.m.target.unwatched = !watched(r.checked.Target)
		r.problem = r.m.target.do(l.now(), r.so.UID, func() (problem *status.Problem) {
			r.target, problem = l.target(ctx, r.so.Namespace, r.checked)
			return problem
		})
	}
	out := status.Round{Problem: r.problem, Memory: r.m.decisions, Policy: r.checked.Replicas, Paused: r.checked.Paused, PausedAt: r.checked.PausedAt, Limits: r.checked.Warnings}
	if r.set != nil {
		out.Limits, out.Warnings = append(out.Limits, r.set.limits...), slices.Concat(r.set.warnings, r.set.told)
	}
	if r.problem == nil {
		out.Facts = facts(r.so, r.target, r.set)
	}
	switch {
	case r.checked.Paused:
		l.pause(ctx, r, &out)
	case r.problem != nil:
		l.journal.Record(part, verdict.Because(spec.Subject(key.Namespace, key.Name), r.problem.Reason, verdict.Text("error", r.problem.Err.Error())))
	default:
		l.decide(ctx, r, &out)
		l.keepHPA(ctx, r, &out)
	}
	later := l.publish(ctx, r, out)
	r.m.failing.Store(out.Problem != nil)
	if out.Problem != nil && r.m.stirred.Load() { // the cause of the problem changed meanwhile
		return time.Millisecond
	}
	now := l.now()
	due := untilNext(now, r.interval, r.so.UID)
	if r.m.target.Waits(now) { // nothing is read or decided before the retry
		due = poll.RetryMost
	}
	return r.m.next(now, due, l.triggers.retryAt(spec.KeyOf(key)), later)
}

// decide makes the decision and scales the target.
func (l *loop) decide(ctx context.Context, r *round, out *status.Round) {
	waits := r.m.scale.Waits(l.now())
	plan, next, err := l.scaleByPlan(ctx, r, waits)
	r.m.decisions = next
	out.Plan, out.Memory = &plan, next
	if !plan.Scale {
		l.journal.Record(part, append([]verdict.Verdict{plan.Verdict}, plan.Triggers...)...)
		return
	}
	v := plan.Verdict
	if waits {
		err = r.m.scale.problem.Err
	} else {
		l.event(r.so, status.Scaled(r.target.kind.Kind, r.so.Namespace, r.target.scale.Name, &plan, err))
	}
	if err != nil {
		v = verdict.Because(v.Subject, status.FailedScale(&plan), append(v.Facts, verdict.Text("error", err.Error()))...)
		out.Problem = &status.Problem{Reason: v.Code, Err: err}
	}
	if !waits {
		r.m.scale.note(l.now(), r.so.UID, out.Problem)
	}
	l.journal.Record(part, append([]verdict.Verdict{v}, plan.Triggers...)...)
}

// scaleByPlan decides and scales, unless a retry is not due yet. If the target changed meanwhile, it decides again on
// the new state.
func (l *loop) scaleByPlan(ctx context.Context, r *round, waits bool) (plan replicas.Plan, next replicas.Memory, err error) {
	for range scaleAttempts {
		plan, next = replicas.Decide(r.checked.Replicas, r.readings, r.target.scale.Spec.Replicas, r.m.decisions, l.now())
		if !plan.Scale || waits {
			return plan, next, nil
		}
		err = l.scale(ctx, r.so.Namespace, r.target, plan.To)
		if !apierrors.IsConflict(err) {
			return plan, next, err
		}
		again, problem := l.liveTarget(ctx, r.so.Namespace, r.checked)
		if problem != nil {
			return plan, next, problem.Err
		}
		r.target = again
	}
	return plan, next, err
}

// tellReadings puts the readings into the metrics. Without readings it removes the old ones.
func (l *loop) tellReadings(r *round) {
	if r.readings == nil {
		l.metrics.triggers.forget(client.ObjectKeyFromObject(r.so))
	}
	for _, reading := range r.readings {
		l.metrics.triggers.show(client.ObjectKeyFromObject(r.so), reading)
	}
}

// event sends e about so, and logs it if it is a warning.
func (l *loop) event(so *keda.ScaledObject, e status.Event) {
	l.kube.Events.Eventf(so, nil, e.Type, e.Reason, e.Action, "%s", e.Message)
	if e.Type == corev1.EventTypeWarning {
		l.log.Warn("event", "object", spec.Subject(so.Namespace, so.Name), "reason", e.Reason, "message", e.Message)
	}
}
