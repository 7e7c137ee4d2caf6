package status

import (
	"slices"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/replicas"
)

// WaitMost is the longest that a change waits for the next write. A change of a condition's message alone waits so
// long, since an error's text may contain a port or a time.
const WaitMost = time.Minute

// Round is the result of one round of a ScaledObject.
type Round struct {
	// Problem is not nil where the object could not be acted on, or not fully.
	Problem *Problem
	// Plan is nil where nothing was decided: because of an earlier problem, or while paused.
	Plan *replicas.Plan
	// Memory is known also without a plan.
	Memory replicas.Memory
	// Policy is the input of the plan.
	Policy replicas.Spec
	// Paused is as in spec.Checked.
	Paused   bool
	PausedAt *int32
	// Facts are nil where they are not known.
	Facts *Facts
	// Limits name the values beyond a bound that are reduced to the bound.
	Limits []string
	// Warnings name the ignored parameters of the triggers.
	Warnings []string
	// HPA is the current HPA; nil where there is none or it could not be read.
	HPA *autoscalingv2.HorizontalPodAutoscaler
}

// Problem is why an object could not be acted on.
type Problem struct {
	Reason verdict.Code
	Err    error
}

// Facts are the parts of the status that follow from the object and its target.
type Facts struct {
	Target          keda.GroupVersionKindResource
	Replicas        int32
	ExternalMetrics []string
	ResourceMetrics []string
}

// Next is the status after the round. It does not change old.
func Next(old *keda.ScaledObjectStatus, triggers []keda.ScaleTriggers, r Round) keda.ScaledObjectStatus {
	next := *old.DeepCopy()
	setConditions(&next.Conditions, r)
	types, authentications := keda.CombinedTriggersAndAuthenticationsTypes(triggers)
	types, authentications = text.Line(types), text.Line(authentications)
	next.TriggersTypes, next.AuthenticationsTypes = &types, &authentications
	next.PausedReplicaCount = nil
	if r.Paused {
		next.PausedReplicaCount = r.PausedAt
	}
	if r.Facts != nil {
		setFacts(&next, r)
	}
	if r.HPA != nil { // otherwise the earlier value may still be true
		next.HpaName = r.HPA.Name
	}
	if r.Plan != nil {
		setActivity(&next, r)
	}
	setLastActive(&next, old, r.Memory.LastActive)
	for i := range next.Conditions { // errors may come from anywhere
		next.Conditions[i].Message = text.Line(next.Conditions[i].Message)
	}
	return next
}

func setFacts(next *keda.ScaledObjectStatus, r Round) {
	target := r.Facts.Target
	next.ScaleTargetGVKR, next.ScaleTargetKind = &target, target.GVKString()
	if next.OriginalReplicaCount == nil {
		n := r.Facts.Replicas
		next.OriginalReplicaCount = &n
	}
	next.ExternalMetricNames, next.ResourceMetricNames = r.Facts.ExternalMetrics, r.Facts.ResourceMetrics
}

func setActivity(next *keda.ScaledObjectStatus, r Round) {
	next.TriggersActivity, next.Health = nil, nil
	if len(r.Facts.ExternalMetrics) == 0 {
		return
	}
	next.TriggersActivity = map[string]keda.TriggerActivityStatus{}
	for _, name := range r.Facts.ExternalMetrics {
		next.TriggersActivity[name] = keda.TriggerActivityStatus{}
	}
	for _, name := range r.Plan.ActiveTriggers {
		next.TriggersActivity[name] = keda.TriggerActivityStatus{IsActive: true}
	}
	if r.Policy.Fallback == nil {
		return
	}
	next.Health = map[string]keda.HealthStatus{}
	for _, name := range r.Facts.ExternalMetrics {
		n, health := r.Memory.Failures[name], keda.HealthStatusHappy
		if n > 0 {
			health = keda.HealthStatusFailing
		}
		next.Health[name] = keda.HealthStatus{NumberOfFailures: &n, Status: health}
	}
}

// setLastActive writes the time when an activity begins, and the exact time once it has ended. While it lasts, the time
// stays as it is, so that an active object costs no writes: whoever reads "active" counts from now (see Resumed).
func setLastActive(next, old *keda.ScaledObjectStatus, at time.Time) {
	was, is := Condition(old, keda.ConditionActive), Condition(next, keda.ConditionActive)
	lasts := was.IsTrue() && is.IsTrue() && old.LastActiveTime != nil
	if at.IsZero() || lasts {
		return
	}
	next.LastActiveTime = &metav1.Time{Time: at.Truncate(time.Second)}
}

// Resumed is the memory of an object of which only the status is known.
func Resumed(s *keda.ScaledObjectStatus, now time.Time) replicas.Memory {
	var last time.Time
	if s.LastActiveTime != nil {
		last = s.LastActiveTime.Time
	}
	active := Condition(s, keda.ConditionActive)
	return replicas.Resume(last, active.IsTrue(), Failures(s), now)
}

// Failures reads the health that Next writes.
func Failures(s *keda.ScaledObjectStatus) map[string]int32 {
	out := map[string]int32{}
	for name, h := range s.Health {
		if h.NumberOfFailures != nil && *h.NumberOfFailures > 0 {
			out[name] = *h.NumberOfFailures
		}
	}
	return out
}

// Urgency is how soon a new status is to replace the old one.
type Urgency uint8

const (
	// Unchanged: there is nothing to write.
	Unchanged Urgency = iota
	// MayWait: the change is written later, with further changes.
	MayWait
	// Transition: a condition or a fact changed. It is written, but an object that changes repeatedly gets few writes.
	Transition
	// Now: write it now.
	Now
)

// Compare says how soon next is to replace old. since is the time since the last write. The start of an activity is
// always written, so that a new leader knows of it. Its end may wait.
func Compare(old, next *keda.ScaledObjectStatus, since time.Duration) Urgency {
	was, is := Condition(old, keda.ConditionActive), Condition(next, keda.ConditionActive)
	switch {
	case equality.Semantic.DeepEqual(old, next):
		return Unchanged
	case since >= WaitMost, is.IsTrue() && !was.IsTrue():
		return Now
	case !equality.Semantic.DeepEqual(lasting(old), lasting(next)):
		return Transition
	case since >= replicas.WriteLeast && !equality.Semantic.DeepEqual(withoutMessages(old), withoutMessages(next)):
		return Now
	default:
		return MayWait
	}
}

// lasting is the status without the parts that change with the triggers' values.
func lasting(s *keda.ScaledObjectStatus) *keda.ScaledObjectStatus {
	out := withoutMessages(s)
	out.TriggersActivity, out.Health, out.LastActiveTime = nil, nil, nil
	out.Conditions = slices.DeleteFunc(out.Conditions, func(c keda.Condition) bool { return c.Type == keda.ConditionActive })
	return out
}

func withoutMessages(s *keda.ScaledObjectStatus) *keda.ScaledObjectStatus {
	out := s.DeepCopy()
	for i := range out.Conditions {
		out.Conditions[i].Message = ""
	}
	return out
}
