package scalers

import (
	"context"
	"sync"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/replicas"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

// freshEnough is how old a reading may be that a round decides on: rounds that follow on each other at
// once, because something changed, share it.
const freshEnough = time.Second

// scaleAttempts bounds how often a round decides anew because the target changed under its hand.
const scaleAttempts = 3

// round observes one object, decides, and acts. It returns when the next is due; 0 is never.
func (l *loop) round(ctx context.Context, key types.NamespacedName) time.Duration {
	var cached keda.ScaledObject
	if err := l.kube.Client.Get(ctx, key, &cached); apierrors.IsNotFound(err) {
		l.forget(key)
		return 0
	} else if err != nil {
		return retryAfter // the cache is not there: the process is ending
	}
	so := cached.DeepCopy()
	if so.DeletionTimestamp != nil {
		return l.release(ctx, so)
	}
	o, problem := l.observe(ctx, so)
	defer o.set.release()
	r := status.Round{Problem: problem, Policy: o.checked.Replicas, Paused: o.checked.Paused, PausedAt: o.checked.PausedAt}
	if problem == nil {
		r.Facts = facts(so, o.target, o.set)
	}
	switch {
	case o.checked.Paused:
		l.pause(ctx, so, o, &r)
	case problem != nil:
		l.journal.Record(part, verdict.Because(spec.Subject(so.Namespace, so.Name), problem.Reason, verdict.Text("error", problem.Err.Error())))
	default:
		l.decide(ctx, so, o, &r)
		l.keepHPA(ctx, so, o.set, &r)
	}
	l.publish(ctx, so, r)
	next := untilNext(l.now(), o.interval, so.UID)
	if r.Problem != nil {
		next = min(next, retryAfter)
	}
	return next
}

// observation is all that a decision is made of.
type observation struct {
	// interval is the time between two polls, also of an object that cannot be read.
	interval time.Duration
	checked  spec.Checked
	// set is nil where the triggers could not be opened. It is released at the end of the round.
	set      *triggerSet
	readings []replicas.Reading
	target   *target
}

// observe checks the object, reads its triggers and then its target: the target comes last, so that
// little time passes until it is written. What could not be observed is a problem.
func (l *loop) observe(ctx context.Context, so *keda.ScaledObject) (observation, *status.Problem) {
	o := observation{interval: l.cfg.PollingInterval.Std()}
	var err error
	if o.checked, err = spec.Parse(so, l.defaults()); err != nil {
		return o, &status.Problem{Reason: CheckFailed, Err: err}
	}
	o.interval = o.checked.Interval
	o.set, err = l.triggers.open(ctx, so)
	if err != nil && !o.checked.Paused { // a pause is obeyed also where the triggers are broken
		return o, &status.Problem{Reason: CheckFailed, Err: err}
	}
	if !o.checked.Paused {
		o.readings = l.readAll(ctx, so, o.set)
	}
	var problem *status.Problem
	o.target, problem = l.target(ctx, so.Namespace, o.checked)
	return o, problem
}

// decide decides and scales.
func (l *loop) decide(ctx context.Context, so *keda.ScaledObject, o observation, r *status.Round) {
	m := l.remember(so, r.Policy.Cooldown)
	plan, next, err := l.scaleByPlan(ctx, so, o, m.decisions)
	m.decisions = next
	r.Plan, r.Memory = &plan, next
	v := plan.Verdict
	if plan.Scale {
		l.event(so, status.Scaled(o.target.kind.Kind, so.Namespace, o.target.scale.Name, &plan, err))
	}
	if err != nil {
		v = verdict.Because(v.Subject, status.FailedScale(&plan), append(v.Facts, verdict.Text("error", err.Error()))...)
		r.Problem = &status.Problem{Reason: v.Code, Err: err}
	}
	l.journal.Record(part, append([]verdict.Verdict{v}, plan.Triggers...)...)
}

// scaleByPlan decides and writes what was decided. Where the target changed meanwhile, it decides
// again on what the target now is.
func (l *loop) scaleByPlan(ctx context.Context, so *keda.ScaledObject, o observation, m replicas.Memory) (plan replicas.Plan, next replicas.Memory, err error) {
	for range scaleAttempts {
		plan, next = replicas.Decide(o.checked.Replicas, o.readings, o.target.scale.Spec.Replicas, m, l.now())
		if !plan.Scale {
			return plan, next, nil
		}
		err = l.scale(ctx, so.Namespace, o.target, plan.To)
		if !apierrors.IsConflict(err) {
			return plan, next, err
		}
		again, problem := l.target(ctx, so.Namespace, o.checked)
		if problem != nil {
			return plan, next, problem.Err
		}
		o.target = again
	}
	return plan, next, err
}

// readAll reads the triggers at the same time; their order stays.
func (l *loop) readAll(ctx context.Context, so *keda.ScaledObject, set *triggerSet) []replicas.Reading {
	readings := make([]replicas.Reading, len(set.external))
	var all sync.WaitGroup
	for i, t := range set.external {
		all.Go(func() { readings[i] = toReading(t, t.read(ctx, freshEnough)) })
	}
	all.Wait()
	for _, r := range readings {
		l.metrics.triggers.show(types.NamespacedName{Namespace: so.Namespace, Name: so.Name}, r)
	}
	return readings
}

// remember is the memory of an object, taken up from its status where this term has not seen it.
func (l *loop) remember(so *keda.ScaledObject, cooldown time.Duration) *memory {
	m := l.memory(so)
	if m.uid != so.UID {
		m.uid = so.UID
		var last time.Time
		if so.Status.LastActiveTime != nil {
			last = so.Status.LastActiveTime.Time
		}
		active := status.Condition(&so.Status, keda.ConditionActive)
		m.decisions = replicas.Resume(last, active.Status != metav1.ConditionFalse, status.Failures(&so.Status), cooldown, l.now())
	}
	return m
}

func (l *loop) memory(so *keda.ScaledObject) *memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := types.NamespacedName{Namespace: so.Namespace, Name: so.Name}
	m := l.memories[key]
	if m == nil {
		m = &memory{}
		l.memories[key] = m
	}
	return m
}

func (l *loop) forget(key types.NamespacedName) {
	l.mu.Lock()
	delete(l.memories, key)
	l.mu.Unlock()
	l.triggers.forget(key)
}

// event sends e about so; where it refers to the target, so is still what people look at.
func (l *loop) event(so *keda.ScaledObject, e status.Event) {
	l.kube.Events.Eventf(so, nil, e.Type, e.Reason, e.Action, "%s", e.Message)
	if e.Type == corev1.EventTypeWarning {
		l.log.Warn("event", "object", spec.Subject(so.Namespace, so.Name), "reason", e.Reason, "message", e.Message)
	}
}
