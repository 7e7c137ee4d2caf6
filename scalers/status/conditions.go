package status

import (
	"fmt"
	"strings"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/replicas"
)

// Reasons of conditions that are no verdict of a decision. They have KEDA's names.
const (
	reasonReady      = "ScaledObjectReady"
	reasonUnknown    = "UnknownState"
	reasonFallback   = "FallbackExists"
	reasonNoFallback = "NoFallbackFound"
	reasonPaused     = "ScaledObjectPaused"
	reasonUnpaused   = "ScaledObjectUnpaused"
)

func setConditions(c *keda.Conditions, r Round) {
	set := func(t keda.ConditionType, status metav1.ConditionStatus, reason, message string) {
		c.SetCondition(t, status, reason, message)
	}
	status, reason, message := ready(r)
	set(keda.ConditionReady, status, reason, message)
	status, reason, message = active(r)
	set(keda.ConditionActive, status, reason, message)
	if r.Plan != nil && len(r.Plan.FallbackTriggers) > 0 {
		set(keda.ConditionFallback, metav1.ConditionTrue, reasonFallback, fmt.Sprintf("%s cannot be read; %d replicas are asked for in its place", text.List(r.Plan.FallbackTriggers, ";"), r.Policy.Fallback.Replicas))
	} else {
		set(keda.ConditionFallback, metav1.ConditionFalse, reasonNoFallback, "no trigger is on its fallback")
	}
	if message := pause(r); message != "" {
		set(keda.ConditionPaused, metav1.ConditionTrue, reasonPaused, message)
	} else {
		set(keda.ConditionPaused, metav1.ConditionFalse, reasonUnpaused, "no annotation pauses the scaling")
	}
	if r.HPA != nil {
		setHPAActive(c, r.HPA)
	} else if r.Paused {
		c.RemoveCondition(keda.ConditionHPAActive)
	}
}

func ready(r Round) (metav1.ConditionStatus, string, string) {
	switch {
	case r.Problem != nil:
		return metav1.ConditionFalse, string(r.Problem.Reason), r.Problem.Err.Error()
	case r.Plan == nil || len(r.Plan.FailedTriggers) == 0:
		return metav1.ConditionTrue, reasonReady, readyMessage + told(limited, r.Limits) + told(warned, r.Warnings)
	case len(r.Plan.ActiveTriggers) > 0 || r.Policy.ForceActive:
		return metav1.ConditionUnknown, string(replicas.ActivePartly), failures(r.Plan)
	default:
		return metav1.ConditionFalse, string(replicas.HeldOnError), failures(r.Plan) + "; replicas are held"
	}
}

const readyMessage = "every trigger can be read and the target can be scaled"

// These introduce the end of a condition's message: reduced values, and ignored parameters of triggers.
const limited, warned = "; limited: ", "; warnings: "

func told(what string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return what + text.List(list, "; ")
}

// failures lists each failed trigger's error, without the growing count.
func failures(p *replicas.Plan) string {
	var out []string
	for _, v := range p.Triggers {
		if v.Code != replicas.TriggerFailed && v.Code != replicas.TriggerOnFallback {
			continue
		}
		cause, _ := v.Facts.Lookup("error")
		out = append(out, v.Subject.Name+": "+cause.Value())
	}
	return text.List(out, "; ")
}

func active(r Round) (metav1.ConditionStatus, string, string) {
	p := r.Plan
	switch {
	case p == nil && r.Paused:
		return metav1.ConditionUnknown, reasonUnknown, "triggers are not read while scaling is paused"
	case p == nil:
		return metav1.ConditionUnknown, reasonUnknown, "triggers were not read"
	case len(p.ActiveTriggers) > 0:
		return metav1.ConditionTrue, string(replicas.Active), "active: " + text.List(p.ActiveTriggers, ";")
	case r.Policy.ForceActive:
		return metav1.ConditionTrue, string(replicas.Active), "active by annotation " + keda.ForceActivationAnnotation
	case r.Policy.NoReadings:
		return metav1.ConditionTrue, string(replicas.Active), "active: triggers of cpu and memory always are"
	case p.Verdict.Code == replicas.CoolingDown:
		return metav1.ConditionFalse, string(replicas.CoolingDown), "no trigger is active; scales in after " + p.ScaleInAt.UTC().Format(time.RFC3339)
	case len(p.FailedTriggers) > 0:
		return metav1.ConditionUnknown, reasonUnknown, "no trigger that can be read is active"
	default:
		return metav1.ConditionFalse, string(replicas.Inactive), "no trigger is active"
	}
}

func pause(r Round) string {
	switch {
	case r.Paused && r.PausedAt != nil:
		return fmt.Sprintf("paused at %d replicas by annotation %s", *r.PausedAt, keda.PausedReplicasAnnotation)
	case r.Paused:
		return "paused by annotation " + keda.PausedAnnotation
	case r.Policy.PauseIn && r.Policy.PauseOut:
		return "scaling in and out is paused by annotations"
	case r.Policy.PauseIn:
		return "scaling in is paused by annotation " + keda.PausedScaleInAnnotation
	case r.Policy.PauseOut:
		return "scaling out is paused by annotation " + keda.PausedScaleOutAnnotation
	default:
		return ""
	}
}

// setHPAActive copies the HPA's own ScalingActive. An HPA with zero replicas is healthy.
func setHPAActive(c *keda.Conditions, h *autoscalingv2.HorizontalPodAutoscaler) {
	for _, condition := range h.Status.Conditions {
		if condition.Type != autoscalingv2.ScalingActive {
			continue
		}
		switch {
		case condition.Status == corev1.ConditionTrue:
			c.SetHPAActiveCondition(metav1.ConditionTrue, keda.ScaledObjectConditionHPAActiveReason, "the HPA "+h.Name+" reads its metrics")
		case condition.Reason == keda.ScaledObjectConditionHPAScalingDisabledReason:
			c.SetHPAActiveCondition(metav1.ConditionTrue, condition.Reason, "the HPA "+h.Name+" rests while the target has no replicas")
		case condition.Reason != "":
			c.SetHPAActiveCondition(metav1.ConditionFalse, condition.Reason, condition.Message)
		default:
			c.SetHPAActiveCondition(metav1.ConditionFalse, keda.ScaledObjectConditionHPAMetricsUnavailableReason, condition.Message)
		}
	}
}

// Event is one Event to send.
type Event struct {
	// Type is Normal or Warning.
	Type    string
	Reason  string
	Action  string
	Message string
}

// Transitions are the Events for the differences between two statuses.
func Transitions(old, next *keda.ScaledObjectStatus) []Event {
	var out []Event
	was, is := Condition(old, keda.ConditionReady), Condition(next, keda.ConditionReady)
	if was.Status != is.Status || was.Reason != is.Reason {
		switch {
		case is.IsTrue():
			out = append(out, Event{corev1.EventTypeNormal, reasonReady, "Check", is.Message})
		case is.Reason == string(replicas.HeldOnError) || is.Reason == string(replicas.ActivePartly):
			out = append(out, Event{corev1.EventTypeWarning, "KEDAScalerFailed", "Read", is.Message})
		default:
			out = append(out, Event{corev1.EventTypeWarning, is.Reason, "Check", is.Message})
		}
	}
	if is.IsTrue() && was.Message != is.Message {
		limits, warnings, warns := strings.Cut(strings.TrimPrefix(is.Message, readyMessage), warned)
		if limits != "" {
			out = append(out, Event{corev1.EventTypeWarning, string(Limited), "Check", strings.TrimPrefix(limits, "; ")})
		}
		if warns {
			out = append(out, Event{corev1.EventTypeWarning, string(Info), "Check", warnings})
		}
	}
	if e, due := flip(old, next, keda.ConditionPaused); due {
		out = append(out, Event{corev1.EventTypeNormal, e.Reason, "Pause", e.Message})
	}
	if e, due := flip(old, next, keda.ConditionFallback); due {
		event := Event{corev1.EventTypeNormal, "ScaledObjectFallbackDeactivated", "Fallback", e.Message}
		if e.IsTrue() {
			event.Type, event.Reason = corev1.EventTypeWarning, "ScaledObjectFallbackActivated"
		}
		out = append(out, event)
	}
	return out
}

// flip returns the condition of that type if it became true, or became false after being true.
func flip(old, next *keda.ScaledObjectStatus, t keda.ConditionType) (keda.Condition, bool) {
	was, is := Condition(old, t), Condition(next, t)
	return is, was.IsTrue() != is.IsTrue()
}

// Condition is the condition of type t, or the zero value. Unlike KEDA's own accessors it changes nothing.
func Condition(s *keda.ScaledObjectStatus, t keda.ConditionType) keda.Condition {
	for _, c := range s.Conditions {
		if c.Type == t {
			return c
		}
	}
	return keda.Condition{}
}

// Scaled is the Event for a change of replicas or, with err, for a failed one.
func Scaled(kind, namespace, name string, p *replicas.Plan, err error) Event {
	e := Event{Type: corev1.EventTypeNormal, Reason: string(p.Verdict.Code), Action: "Scale",
		Message: fmt.Sprintf("%s %s/%s goes from %d to %d replicas", kind, namespace, name, p.From, p.To)}
	if because, ok := p.Verdict.Facts.Lookup("because"); ok {
		e.Message += ", because " + because.Value()
	}
	if err != nil {
		e.Type, e.Reason = corev1.EventTypeWarning, string(FailedScale(p))
		e.Message += " failed: " + err.Error()
	}
	return e
}

const (
	// Limited: a value of the object exceeds a bound; it is reduced to the bound, and the object works.
	Limited verdict.Code = "ScaledObjectLimited"
	// Info: a trigger has an ignored parameter. KEDA uses the same name.
	Info verdict.Code = "KEDAScalerInfo"
)

// The outcomes of a change of replicas that could not be written.
const (
	// ActivationFailed: the API server refused to scale the target out.
	ActivationFailed verdict.Code = "KEDAScaleTargetActivationFailed"
	// DeactivationFailed: the API server refused to scale the target in.
	DeactivationFailed verdict.Code = "KEDAScaleTargetDeactivationFailed"
)

// FailedScale is the code for a plan that could not be written.
func FailedScale(p *replicas.Plan) verdict.Code {
	if p.To > p.From {
		return ActivationFailed
	}
	return DeactivationFailed
}
