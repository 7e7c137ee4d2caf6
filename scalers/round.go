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
	checked, target, set, problem := l.observe(ctx, so)
	r := status.Round{Problem: problem, Policy: checked.Replicas, Paused: checked.Paused, PausedAt: checked.PausedAt}
	if problem == nil {
		r.Facts = facts(so, target, set)
	}
	switch {
	case problem != nil:
		l.journal.Record(part, verdict.Because(spec.Subject(so.Namespace, so.Name), problem.Reason, verdict.Text("error", problem.Err.Error())))
	case checked.Paused:
		l.pause(ctx, so, checked, target, &r)
	default:
		l.decide(ctx, so, set, target, &r)
		l.keepHPA(ctx, so, set, &r)
	}
	l.publish(ctx, so, r)
	next := untilNext(l.now(), max(checked.Interval, time.Second), so.UID)
	if r.Problem != nil {
		next = min(next, retryAfter)
	}
	return next
}

// observe checks the object and finds its triggers and its target. What it could not is a problem.
func (l *loop) observe(ctx context.Context, so *keda.ScaledObject) (spec.Checked, *target, *triggerSet, *status.Problem) {
	checked, err := spec.Parse(so, l.defaults())
	if err != nil {
		checked.Interval = l.cfg.PollingInterval.Std()
		return checked, nil, nil, &status.Problem{Reason: CheckFailed, Err: err}
	}
	set, err := l.triggers.open(ctx, so)
	if err != nil && !checked.Paused { // a pause is obeyed also where the triggers are broken
		return checked, nil, nil, &status.Problem{Reason: CheckFailed, Err: err}
	}
	target, problem := l.target(ctx, so.Namespace, checked)
	return checked, target, set, problem
}

// decide reads the triggers, decides, and scales.
func (l *loop) decide(ctx context.Context, so *keda.ScaledObject, set *triggerSet, t *target, r *status.Round) {
	m := l.remember(so, r.Policy.Cooldown)
	readings := l.readAll(ctx, so, set)
	plan, next := replicas.Decide(r.Policy, readings, t.scale.Spec.Replicas, m.decisions, l.now())
	m.decisions = next
	r.Plan, r.Memory = &plan, next
	v := plan.Verdict
	if plan.Scale {
		err := l.scale(ctx, so.Namespace, t, plan.To)
		l.event(so, status.Scaled(t.kind.Kind, so.Namespace, t.scale.Name, &plan, err))
		if err != nil {
			v = verdict.Because(v.Subject, status.FailedScale(&plan), append(v.Facts, verdict.Text("error", err.Error()))...)
			r.Problem = &status.Problem{Reason: v.Code, Err: err}
		}
	}
	l.journal.Record(part, append([]verdict.Verdict{v}, plan.Triggers...)...)
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
		labels := []string{so.Namespace, so.Name, r.Trigger}
		if r.State == replicas.Failed {
			l.metrics.value.DeleteLabelValues(labels...)
			l.metrics.active.DeleteLabelValues(labels...)
			continue
		}
		active := 0.0
		if r.Value > r.Activation {
			active = 1
		}
		l.metrics.value.WithLabelValues(labels...).Set(r.Value)
		l.metrics.active.WithLabelValues(labels...).Set(active)
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
	note := e.Message
	if len(note) > maxNote {
		note = note[:maxNote-3] + "..."
	}
	l.kube.Events.Eventf(so, nil, e.Type, e.Reason, e.Action, "%s", note)
	if e.Type == corev1.EventTypeWarning {
		l.log.Warn("event", "object", spec.Subject(so.Namespace, so.Name), "reason", e.Reason, "message", e.Message)
	}
}

// maxNote is the longest note that the API server takes in an Event.
const maxNote = 1024
