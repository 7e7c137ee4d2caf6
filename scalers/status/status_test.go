package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/replicas"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// object is a ScaledObject under test, with two triggers, fallback and a cooldown of 400s.
type object struct {
	written time.Time
	status  keda.ScaledObjectStatus
	memory  replicas.Memory
	policy  replicas.Spec
	current int32
	now     time.Time
}

func newObject() *object {
	return &object{now: noon, policy: replicas.Spec{
		Subject: verdict.On("scaledobject", "shop/web"), Max: 10, Cooldown: 400 * time.Second, Created: noon,
		Fallback: &replicas.Fallback{FailureThreshold: 1, Replicas: 6},
	}}
}

// poll decides on the readings and takes over the status that follows, as text.
func (o *object) poll(after time.Duration, readings ...replicas.Reading) (written bool, events []string) {
	o.now = o.now.Add(after)
	plan, memory := replicas.Decide(o.policy, readings, o.current, o.memory, o.now)
	o.memory, o.current = memory, plan.To
	return o.take(Round{Plan: &plan, Memory: memory, Policy: o.policy, Facts: facts(), HPA: scalingHPA(corev1.ConditionTrue, "ValidMetricFound")})
}

func (o *object) take(r Round) (written bool, events []string) {
	next := Next(&o.status, []keda.ScaleTriggers{{Type: "redis"}, {Type: "redis"}}, r)
	since := min(o.now.Sub(o.written), WaitMost-1) // messages alone are another test's
	if u := Compare(&o.status, &next, since); u != Now && u != Transition {
		return false, nil
	}
	o.written = o.now
	for _, e := range Transitions(&o.status, &next) {
		events = append(events, e.Type+" "+e.Reason)
	}
	o.status = next
	return true, events
}

func facts() *Facts {
	return &Facts{
		Target: keda.GroupVersionKindResource{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments"}, Replicas: 3,
		ExternalMetrics: []string{"a", "b"}, ResourceMetrics: []string{"cpu"},
	}
}

func scalingHPA(s corev1.ConditionStatus, reason string) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	h.Name = "keda-hpa-web"
	h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: s, Reason: reason, Message: "its message"}}
	return h
}

func value(name string, v float64) replicas.Reading {
	return replicas.Reading{Trigger: name, State: replicas.Value, Value: v}
}

func failed(name string) replicas.Reading {
	return replicas.Reading{Trigger: name, Error: "connection refused"}
}

func describe(s *keda.ScaledObjectStatus) string {
	var b strings.Builder
	for _, c := range s.Conditions {
		fmt.Fprintf(&b, "%s %s %s: %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	fmt.Fprintf(&b, "activity a=%v b=%v", s.TriggersActivity["a"].IsActive, s.TriggersActivity["b"].IsActive)
	return b.String()
}

// What `kubectl get scaledobject -o yaml` shows after each poll.
func TestStatusTellsAStory(t *testing.T) {
	o := newObject()
	for i, step := range []struct {
		readings []replicas.Reading
		events   string
		shows    string
	}{
		{[]replicas.Reading{value("a", 0), value("b", 0)}, "Normal ScaledObjectReady", `Ready True ScaledObjectReady: every trigger can be read and the target can be scaled
Active False ScalerNotActive: no trigger is active
Fallback False NoFallbackFound: no trigger is on its fallback
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=false b=false`},
		{[]replicas.Reading{value("a", 0), value("b", 3)}, "", `Ready True ScaledObjectReady: every trigger can be read and the target can be scaled
Active True ScalerActive: active: b
Fallback False NoFallbackFound: no trigger is on its fallback
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=false b=true`},
		{[]replicas.Reading{failed("a"), value("b", 3)}, "Warning KEDAScalerFailed", `Ready Unknown PartialTriggerError: a: connection refused
Active True ScalerActive: active: b
Fallback False NoFallbackFound: no trigger is on its fallback
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=false b=true`},
		{[]replicas.Reading{failed("a"), value("b", 0)}, "Warning ScaledObjectFallbackActivated", `Ready Unknown PartialTriggerError: a: connection refused
Active True ScalerActive: active: a
Fallback True FallbackExists: a cannot be read; 6 replicas are asked for in its place
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=true b=false`},
		{[]replicas.Reading{value("a", 0), failed("b")}, "Warning KEDAScalerFailed Normal ScaledObjectFallbackDeactivated", `Ready False TriggerError: b: connection refused; replicas are held
Active Unknown UnknownState: no trigger that can be read is active
Fallback False NoFallbackFound: no trigger is on its fallback
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=false b=false`},
		{[]replicas.Reading{value("a", 0), value("b", 0)}, "Normal ScaledObjectReady", `Ready True ScaledObjectReady: every trigger can be read and the target can be scaled
Active False ScalerCooldown: no trigger is active; scales in after 2026-01-01T12:08:40Z
Fallback False NoFallbackFound: no trigger is on its fallback
Paused False ScaledObjectUnpaused: no annotation pauses the scaling
HPAActive True HPAActive: the HPA keda-hpa-web reads its metrics
activity a=false b=false`},
	} {
		written, events := o.poll(30*time.Second, step.readings...)
		if got := strings.Join(events, " "); !written || got != step.events {
			t.Errorf("poll %d: written %v, events %q, want %q", i, written, got, step.events)
		}
		if got := describe(&o.status); got != step.shows {
			t.Errorf("poll %d\n%s\nwant\n%s", i, got, step.shows)
		}
	}
	s := &o.status
	if s.HpaName != "keda-hpa-web" || *s.OriginalReplicaCount != 3 || s.ScaleTargetKind != "apps/v1.Deployment" || *s.TriggersTypes != "redis" ||
		strings.Join(s.ExternalMetricNames, ",") != "a,b" || s.ResourceMetricNames[0] != "cpu" || *s.Health["a"].NumberOfFailures != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestAnUnchangedObjectIsNotWritten(t *testing.T) {
	o := newObject()
	o.poll(0, value("a", 1), value("b", 1))
	for i := range 120 {
		written, _ := o.poll(30*time.Second, value("a", 5+float64(i)), value("b", 7)) // other numbers, the same outcome
		if written {
			t.Errorf("an active object was written at %s:\n%s", o.now.Sub(noon), describe(&o.status))
		}
	}
	o.poll(30*time.Second, value("a", 0), value("b", 0))
	if got := o.status.LastActiveTime.Sub(noon); got != time.Hour {
		t.Errorf("when it became inactive the last activity was written as %s", got)
	}
	for range 5 {
		if written, _ := o.poll(30*time.Second, value("a", 0), value("b", 0)); written {
			t.Errorf("an object that cools down was written:\n%s", describe(&o.status))
		}
	}
}

// Whatever ends "active" in a status, the exact time stands beside it. Nothing is written before the first activity.
func TestTheLastActivityIsExactOnceItEnded(t *testing.T) {
	at := noon.Add(time.Hour)
	active := Next(&keda.ScaledObjectStatus{}, nil, Round{Policy: replicas.Spec{ForceActive: true}, Plan: &replicas.Plan{}, Memory: replicas.Memory{LastActive: noon}, Facts: facts()})
	edited := *active.DeepCopy()
	edited.Conditions, edited.LastActiveTime = nil, &metav1.Time{Time: noon.Add(-time.Hour)}
	for _, c := range []struct {
		name  string
		old   keda.ScaledObjectStatus
		round Round
		want  time.Time
	}{
		{"it lasts", active, Round{Policy: replicas.Spec{ForceActive: true}, Plan: &replicas.Plan{}, Facts: facts()}, noon},
		{"inactive", active, Round{Plan: &replicas.Plan{}, Facts: facts()}, at},
		{"a source fails", active, Round{Plan: &replicas.Plan{FailedTriggers: []string{"a"}}, Facts: facts()}, at},
		{"a problem", active, Round{Problem: &Problem{"X", errors.New("y")}}, at},
		{"paused", active, Round{Paused: true}, at},
		{"somebody wrote another time", edited, Round{Paused: true}, at},
		{"an activity of which the write failed", Next(&active, nil, Round{Plan: &replicas.Plan{}, Memory: replicas.Memory{LastActive: noon}, Facts: facts()}), Round{Plan: &replicas.Plan{}, Facts: facts()}, at},
	} {
		c.round.Memory.LastActive = at.Add(time.Millisecond)
		if next := Next(&c.old, nil, c.round); !next.LastActiveTime.Time.Equal(c.want) {
			t.Errorf("%s: %s, want %s", c.name, next.LastActiveTime, c.want)
		}
	}
	if never := Next(&keda.ScaledObjectStatus{}, nil, Round{Paused: true}); never.LastActiveTime != nil {
		t.Errorf("before any activity %s is written", never.LastActiveTime)
	}
}

func TestFailuresAreCountedOnlyWhileItMatters(t *testing.T) {
	o := newObject()
	o.poll(0, failed("a"), value("b", 0))
	if n := Failures(&o.status); n["a"] != 1 || len(n) != 1 || o.status.Health["a"].Status != keda.HealthStatusFailing {
		t.Errorf("health %+v", o.status.Health)
	}
	o.poll(time.Second, failed("a"), value("b", 0))
	for range 5 {
		if written, _ := o.poll(time.Second, failed("a"), value("b", 0)); written {
			t.Error("the count of failures is written on beyond the threshold")
		}
	}
	if n := Failures(&o.status); n["a"] != 2 {
		t.Errorf("health %+v", o.status.Health)
	}
}

func TestProblemsAndPauses(t *testing.T) {
	o := newObject()
	for i, step := range []struct {
		round  Round
		events string
		ready  string
		active string
		paused string
	}{
		{Round{Problem: &Problem{"ScaledObjectCheckFailed", errors.New("trigger 0 (x): bad")}}, "Warning ScaledObjectCheckFailed",
			"False ScaledObjectCheckFailed trigger 0 (x): bad", "Unknown UnknownState triggers were not read", "False ScaledObjectUnpaused no annotation pauses the scaling"},
		{Round{Facts: facts(), Paused: true, PausedAt: new(int32(2))}, "Normal ScaledObjectReady Normal ScaledObjectPaused",
			"True ScaledObjectReady every trigger can be read and the target can be scaled", "Unknown UnknownState triggers are not read while scaling is paused",
			"True ScaledObjectPaused paused at 2 replicas by annotation autoscaling.keda.sh/paused-replicas"},
		{Round{Facts: facts(), Policy: replicas.Spec{PauseIn: true}}, "",
			"True ScaledObjectReady every trigger can be read and the target can be scaled", "Unknown UnknownState triggers were not read",
			"True ScaledObjectPaused scaling in is paused by annotation autoscaling.keda.sh/paused-scale-in"},
		{Round{Facts: facts()}, "Normal ScaledObjectUnpaused",
			"True ScaledObjectReady every trigger can be read and the target can be scaled", "Unknown UnknownState triggers were not read", "False ScaledObjectUnpaused no annotation pauses the scaling"},
	} {
		_, events := o.take(step.round)
		if got := strings.Join(events, " "); got != step.events {
			t.Errorf("step %d: events %q, want %q", i, got, step.events)
		}
		for kind, want := range map[keda.ConditionType]string{keda.ConditionReady: step.ready, keda.ConditionActive: step.active, keda.ConditionPaused: step.paused} {
			c := Condition(&o.status, kind)
			if got := fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message); got != want {
				t.Errorf("step %d: %s is %q, want %q", i, kind, got, want)
			}
		}
		if n := o.status.PausedReplicaCount; (n != nil) != (step.round.PausedAt != nil) {
			t.Errorf("step %d: pausedReplicaCount %v", i, n)
		}
	}
}

func TestHPAActiveMirrorsTheHPA(t *testing.T) {
	for _, c := range []struct {
		status corev1.ConditionStatus
		reason string
		want   string
	}{
		{corev1.ConditionTrue, "ValidMetricFound", "True HPAActive the HPA keda-hpa-web reads its metrics"},
		{corev1.ConditionFalse, "ScalingDisabled", "True ScalingDisabled the HPA keda-hpa-web rests while the target has no replicas"},
		{corev1.ConditionFalse, "FailedGetExternalMetric", "False FailedGetExternalMetric its message"},
		{corev1.ConditionFalse, "", "False HPAMetricsUnavailable its message"},
	} {
		next := Next(&keda.ScaledObjectStatus{}, nil, Round{HPA: scalingHPA(c.status, c.reason)})
		got := Condition(&next, keda.ConditionHPAActive)
		if s := fmt.Sprintf("%s %s %s", got.Status, got.Reason, got.Message); s != c.want {
			t.Errorf("%s %s: %q, want %q", c.status, c.reason, s, c.want)
		}
	}
}

func TestAMessageAloneIsWrittenSeldom(t *testing.T) {
	old := Next(&keda.ScaledObjectStatus{}, nil, Round{Problem: &Problem{"X", errors.New("read tcp 1.2.3.4:1000")}})
	next := Next(&old, nil, Round{Problem: &Problem{"X", errors.New("read tcp 1.2.3.4:1001")}})
	if Compare(&old, &next, WaitMost-time.Second) != MayWait {
		t.Error("another port in an error's text is written at once")
	}
	if Compare(&old, &next, WaitMost) != Now {
		t.Error("another text is never written")
	}
}

func TestScaledTellsWhatHappened(t *testing.T) {
	p, _ := replicas.Decide(newObject().policy, []replicas.Reading{value("a", 1), value("b", 1)}, 0, replicas.Memory{}, noon)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "{Normal KEDAScaleTargetActivated Scale Deployment shop/web goes from 0 to 1 replicas, because a;b}"},
		{errors.New("forbidden"), "{Warning KEDAScaleTargetActivationFailed Scale Deployment shop/web goes from 0 to 1 replicas, because a;b failed: forbidden}"},
	} {
		if got := fmt.Sprint(Scaled("Deployment", "shop", "web", &p, c.err)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// How soon a change is written: what begins at once, a condition as a transition, what the values alone do later.
func TestCompare(t *testing.T) {
	plan := func(active bool) Round {
		p, m := replicas.Decide(newObject().policy, []replicas.Reading{value("a", map[bool]float64{true: 9}[active]), value("b", 0)}, 3, replicas.Memory{}, noon)
		return Round{Plan: &p, Memory: m, Policy: newObject().policy, Facts: facts()}
	}
	idle := Next(&keda.ScaledObjectStatus{}, nil, plan(false))
	active := Next(&idle, nil, plan(true))
	moved := *active.DeepCopy()
	moved.LastActiveTime = &metav1.Time{Time: noon.Add(time.Hour)}
	broken := Next(&idle, nil, Round{Problem: &Problem{"X", errors.New("y")}})
	later := func(s keda.ScaledObjectStatus) keda.ScaledObjectStatus { return *s.DeepCopy() }
	for _, c := range []struct {
		name      string
		old, next keda.ScaledObjectStatus
		since     time.Duration
		want      Urgency
	}{
		{"nothing", idle, later(idle), time.Hour, Unchanged},
		{"an activity begins", idle, active, 0, Now},
		{"it ends", active, Next(&active, nil, plan(false)), 29 * time.Second, MayWait},
		{"it ended a while ago", active, Next(&active, nil, plan(false)), 30 * time.Second, Now},
		{"the last activity moves", active, moved, 29 * time.Second, MayWait},
		{"it moved a while ago", active, moved, 30 * time.Second, Now},
		{"a problem", idle, broken, time.Second, Transition},
		{"a problem after a quiet time", idle, broken, WaitMost, Now},
	} {
		if got := Compare(&c.old, &c.next, c.since); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// An object with a value reduced to a bound, or with an ignored parameter, stays ready. It gets one Event for each.
func TestBoundsAndWarningsStandInReady(t *testing.T) {
	o := newObject()
	some := func(of string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint(of, " ", i))
		}
		return list
	}
	for _, c := range []struct {
		limits, warnings int
		events           string
		message          string
	}{
		{0, 0, "Normal ScaledObjectReady", readyMessage},
		{2, 0, "Warning ScaledObjectLimited", readyMessage + "; limited: bound 0; bound 1"},
		{2, 0, "", readyMessage + "; limited: bound 0; bound 1"},
		{3, 0, "Warning ScaledObjectLimited", readyMessage + "; limited: bound 0; bound 1; bound 2"},
		{1, 1, "Warning ScaledObjectLimited, Warning KEDAScalerInfo", readyMessage + "; limited: bound 0; warnings: key 0"},
		{0, 2, "Warning KEDAScalerInfo", readyMessage + "; warnings: key 0; key 1"},
		{0, 2, "", readyMessage + "; warnings: key 0; key 1"},
		{0, 0, "", readyMessage},
	} {
		next := Next(&o.status, nil, Round{Facts: facts(), Limits: some("bound", c.limits), Warnings: some("key", c.warnings)})
		var events []string
		for _, e := range Transitions(&o.status, &next) {
			events = append(events, e.Type+" "+e.Reason)
		}
		o.status = next
		if got := strings.Join(events, ", "); got != c.events {
			t.Errorf("%d limits, %d warnings: events %q, want %q", c.limits, c.warnings, got, c.events)
		}
		if is := Condition(&o.status, keda.ConditionReady); !is.IsTrue() || is.Message != c.message {
			t.Errorf("%d limits, %d warnings: Ready %s: %s", c.limits, c.warnings, is.Status, is.Message)
		}
	}
}
