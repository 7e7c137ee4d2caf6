package replicas

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) Memory { return Memory{LastActive: noon.Add(-d)} }

func ptr(n int32) *int32 { return &n }

func value(v float64) Reading { return Reading{Trigger: "a", State: Value, Value: v} }

func failed(trigger string) Reading { return Reading{Trigger: trigger, Error: "connection refused"} }

// spec is a ScaledObject with every field at KEDA's default, created an hour ago.
func spec(change func(*Spec)) Spec {
	s := Spec{Subject: verdict.On("scaledobject", "d/web"), Max: 100, Cooldown: 300 * time.Second, Created: noon.Add(-time.Hour)}
	if change != nil {
		change(&s)
	}
	return s
}

// Each row of KEDA's table of decisions, by its name.
func TestDecideRowByRow(t *testing.T) {
	min2 := func(s *Spec) { s.Min = 2 }
	idle := func(n, least int32) func(*Spec) { return func(s *Spec) { s.Idle, s.Min = ptr(n), least } }
	fallback := func(n int32) func(*Spec) {
		return func(s *Spec) { s.Fallback = &Fallback{FailureThreshold: 3, Replicas: n} }
	}
	for _, c := range []struct {
		row      string
		spec     func(*Spec)
		readings []Reading
		current  int32
		memory   Memory
		to       int32
		message  string
	}{
		{"A1 from zero", nil, []Reading{value(1)}, 0, Memory{}, 1, "KEDAScaleTargetActivated: from 0, to 1, because a"},
		{"A1 to the minimum", min2, []Reading{value(1)}, 0, Memory{}, 2, "KEDAScaleTargetActivated: from 0, to 2, because a"},
		{"A1 from idle", idle(1, 4), []Reading{value(1)}, 1, Memory{}, 4, "KEDAScaleTargetActivated: from 1, to 4, because a"},
		{"A1 on force-activation", func(s *Spec) { s.ForceActive = true }, []Reading{value(0)}, 0, Memory{}, 1, "KEDAScaleTargetActivated: from 0, to 1, because annotation force-activation"},
		{"A1 beside an error", nil, []Reading{value(1), failed("b")}, 0, Memory{}, 1, "KEDAScaleTargetActivated: from 0, to 1, because a"},
		{"A1 with paused-scale-out", func(s *Spec) { s.PauseOut = true }, []Reading{value(1)}, 0, Memory{}, 0, "ScaleOutPaused: replicas 0, wanted 1, because a"},
		{"A1 on cpu alone", func(s *Spec) { s.NoReadings = true }, nil, 0, Memory{}, 1, "KEDAScaleTargetActivated: from 0, to 1, because only cpu or memory triggers"},
		{"A2 one trigger active, one in error", nil, []Reading{value(1), failed("b")}, 5, Memory{}, 5, "PartialTriggerError: replicas 5, because a, failed b"},
		{"A2 on fallback", fallback(6), []Reading{failed("a")}, 5, Memory{Failures: map[string]int32{"a": 3}}, 5, "PartialTriggerError: replicas 5, because a, failed a"},
		{"A3", nil, []Reading{value(1)}, 5, Memory{}, 5, "ScalerActive: replicas 5, because a"},
		{"A3 below the minimum without idle is the HPA's", min2, []Reading{value(1)}, 1, Memory{}, 1, "ScalerActive: replicas 1, because a"},
		{"A3 the activation threshold must be exceeded", nil, []Reading{{Trigger: "a", State: Value, Value: 5, Activation: 5}}, 0, Memory{}, 0, "ScalerNotActive: replicas 0"},
		{"A1 an empty source above a negative threshold", nil, []Reading{{Trigger: "a", State: Empty, Activation: -1}}, 0, Memory{}, 1, "KEDAScaleTargetActivated: from 0, to 1, because a"},
		{"I1", fallback(6), []Reading{value(0), failed("b")}, 5, ago(time.Hour), 5, "WaitingForFallback: replicas 5, failed b, failures allowed 3"},
		{"I1 at zero", fallback(6), []Reading{failed("a")}, 0, Memory{}, 0, "WaitingForFallback: replicas 0, failed a, failures allowed 3"},
		{"I1 ends when the fallback begins", fallback(6), []Reading{failed("a")}, 0, Memory{Failures: map[string]int32{"a": 3}}, 1, "KEDAScaleTargetActivated: from 0, to 1, because a"},
		{"I2", nil, []Reading{value(0), failed("b")}, 5, ago(time.Hour), 5, "TriggerError: replicas 5, failed b"},
		{"I2 below the minimum", min2, []Reading{failed("a")}, 0, Memory{}, 0, "TriggerError: replicas 0, failed a"},
		{"I2 fallback of zero replicas never scales to zero", fallback(0), []Reading{failed("a")}, 5, Memory{LastActive: noon.Add(-time.Hour), Failures: map[string]int32{"a": 9}}, 5, "TriggerError: replicas 5, failed a"},
		{"I3 after the cooldown, in one step", nil, []Reading{value(0)}, 7, ago(301 * time.Second), 0, "KEDAScaleTargetDeactivated: from 7, to 0, inactive for 5m1s, cooldown 5m0s"},
		{"I3 within the cooldown", nil, []Reading{value(0)}, 7, ago(100 * time.Second), 7, "ScalerCooldown: replicas 7, inactive for 1m40s, cooldown 5m0s"},
		{"I3 at the very end of the cooldown", nil, []Reading{value(0)}, 7, ago(300 * time.Second), 7, "ScalerCooldown: replicas 7, inactive for 5m0s, cooldown 5m0s"},
		{"I3 to idle", idle(1, 4), []Reading{value(0)}, 7, ago(time.Hour), 1, "KEDAScaleTargetDeactivated: from 7, to 1, inactive for 1h0m0s, cooldown 5m0s"},
		{"I3 never active: initialCooldownPeriod 0", nil, []Reading{value(0)}, 3, Memory{}, 0, "KEDAScaleTargetDeactivated: from 3, to 0, inactive for 1h0m0s, cooldown 0s"},
		{"I3 never active: initialCooldownPeriod runs", func(s *Spec) { s.InitialCooldown = 2 * time.Hour }, []Reading{value(0)}, 3, Memory{}, 3, "ScalerCooldown: replicas 3, inactive for 1h0m0s, cooldown 2h0m0s"},
		{"I3 with paused-scale-in", func(s *Spec) { s.PauseIn = true }, []Reading{value(0)}, 7, ago(time.Hour), 7, "ScaleInPaused: replicas 7, wanted 0"},
		{"I3 on an empty source", nil, []Reading{{Trigger: "a", State: Empty}}, 7, ago(time.Hour), 0, "KEDAScaleTargetDeactivated: from 7, to 0, inactive for 1h0m0s, cooldown 5m0s"},
		{"I4", min2, []Reading{value(0)}, 0, ago(time.Second), 2, "RaisedToMinimum: from 0, to 2"},
		{"I4 with paused-scale-out", func(s *Spec) { s.Min, s.PauseOut = 2, true }, []Reading{value(0)}, 0, Memory{}, 0, "ScaleOutPaused: replicas 0, wanted 2"},
		{"I5 with a minimum the HPA scales in", min2, []Reading{value(0)}, 7, ago(time.Hour), 7, "ScalerNotActive: replicas 7"},
		{"I5 at idle", idle(1, 4), []Reading{value(0)}, 1, ago(time.Hour), 1, "ScalerNotActive: replicas 1"},
		{"I5 at zero", nil, []Reading{value(0)}, 0, ago(time.Hour), 0, "ScalerNotActive: replicas 0"},
		{"I5 idle 0 below the minimum stays", idle(0, 4), []Reading{value(0)}, 0, Memory{}, 0, "ScalerNotActive: replicas 0"},
	} {
		t.Run(c.row, func(t *testing.T) {
			p, _ := Decide(spec(c.spec), c.readings, c.current, c.memory, noon)
			if p.To != c.to || p.Scale != (c.to != c.current) || p.From != c.current {
				t.Errorf("plan %d -> %d (scale %v), want %d -> %d", p.From, p.To, p.Scale, c.current, c.to)
			}
			if p.Verdict.Message() != c.message {
				t.Errorf("message\n %s, want\n %s", p.Verdict.Message(), c.message)
			}
		})
	}
}

func TestEveryTriggerHasAVerdictWithItsNumbers(t *testing.T) {
	s := spec(func(s *Spec) { s.Fallback = &Fallback{FailureThreshold: 1, Replicas: 4} })
	m := Memory{Failures: map[string]int32{"d": 1, "gone": 5, "a": 1}}
	p, next := Decide(s, []Reading{
		value(12.5), {Trigger: "b", State: Empty}, failed("c"), failed("d"),
		{Trigger: "e", State: Value, Value: 9, Activation: 2, Active: new(false)}, {Trigger: "f", State: Value, Activation: 2, Active: new(true)},
	}, 3, m, noon)
	want := []string{
		"scaledobject d/web trigger a: TriggerActive: value 12.5, activation 0",
		"scaledobject d/web trigger b: TriggerInactive: value 0, activation 0, source empty, taken for 0",
		"scaledobject d/web trigger c: TriggerFailed: failures 1, error connection refused",
		"scaledobject d/web trigger d: TriggerOnFallback: failures 2, error connection refused, failures allowed 1, fallback replicas 4",
		"scaledobject d/web trigger e: TriggerInactive: value 9, activation decided by the source",
		"scaledobject d/web trigger f: TriggerActive: value 0, activation decided by the source",
	}
	for i, v := range p.Triggers {
		if v.String() != want[i] {
			t.Errorf("verdict %d\n %s, want\n %s", i, v, want[i])
		}
	}
	if !next.Equal(Memory{LastActive: noon, Failures: map[string]int32{"c": 1, "d": 2}}) {
		t.Errorf("memory %+v", next)
	}
	if !m.Equal(Memory{Failures: map[string]int32{"d": 1, "gone": 5, "a": 1}}) {
		t.Errorf("the memory handed in was changed: %+v", m)
	}
	if !slices.Equal(p.ActiveTriggers, []string{"a", "d", "f"}) || !slices.Equal(p.FallbackTriggers, []string{"d"}) || !slices.Equal(p.FailedTriggers, []string{"c", "d"}) {
		t.Errorf("plan %+v", p)
	}
}

// A minute of readings, then silence: what an operator would see at each poll.
func TestAStoryOverTime(t *testing.T) {
	s := spec(func(s *Spec) { s.Cooldown = time.Minute })
	m, current := Memory{}, int32(0)
	for i, step := range []struct {
		reading Reading
		to      int32
		code    verdict.Code
	}{
		{value(0), 0, Inactive},
		{value(3), 1, Activated},
		{value(3), 1, Active},
		{failed("a"), 1, HeldOnError}, // an error stops the scale-in, not the clock of the cooldown
		{value(0), 1, CoolingDown},
		{failed("a"), 1, HeldOnError},
		{value(0), 0, Deactivated},
		{failed("a"), 0, HeldOnError},
		{value(3), 1, Activated},
	} {
		var p Plan
		p, m = Decide(s, []Reading{step.reading}, current, m, noon.Add(time.Duration(i)*25*time.Second))
		if current = p.To; p.To != step.to || p.Verdict.Code != step.code {
			t.Fatalf("poll %d: %s to %d, want %s to %d", i, p.Verdict, p.To, step.code, step.to)
		}
	}
}

// Whatever comes in whatever order, these hold.
func TestPropertiesOnRandomSequences(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := randomSpec(r)
		m, current, now := Memory{}, r.Int32N(s.Max+3), noon
		var activeAt time.Time
		for range 40 {
			readings := randomReadings(r)
			p, next := Decide(s, readings, current, m, now)
			again, nextAgain := Decide(s, readings, current, m, now)
			if p.Verdict.String() != again.Verdict.String() || !next.Equal(nextAgain) {
				t.Fatalf("seed %d: equal inputs, different outputs", seed)
			}
			if len(p.ActiveTriggers) > 0 {
				activeAt = now
			}
			check(t, seed, s, readings, p, activeAt, now)
			if m, current = next, p.To; r.IntN(4) == 0 {
				current = r.Int32N(s.Max + 3) // the HPA, or a person
			}
			now = now.Add(time.Duration(r.IntN(200)) * time.Second)
		}
	}
}

func check(t *testing.T, seed uint64, s Spec, readings []Reading, p Plan, activeAt, now time.Time) {
	t.Helper()
	anyFailed := slices.ContainsFunc(readings, func(r Reading) bool { return r.State == Failed })
	switch {
	case anyFailed && p.To < p.From:
		t.Fatalf("seed %d: scaled in on an error: %+v", seed, p)
	case p.Scale && (p.To > s.Max || p.To < 0):
		t.Fatalf("seed %d: out of bounds: %+v", seed, p)
	case p.To < p.From && now.Sub(activeAt) <= s.Cooldown && !activeAt.IsZero():
		t.Fatalf("seed %d: scaled in %s after activity, cooldown %s", seed, now.Sub(activeAt), s.Cooldown)
	case p.To == 0 && p.From > 0 && s.Min > 0 && s.Idle == nil:
		t.Fatalf("seed %d: to zero below the minimum %d", seed, s.Min)
	case len(p.ActiveTriggers) > 0 && p.To == 0 && !s.PauseOut:
		t.Fatalf("seed %d: at zero with active triggers %v", seed, p.ActiveTriggers)
	case s.PauseIn && p.To < p.From, s.PauseOut && p.To > p.From:
		t.Fatalf("seed %d: scaled against a pause: %+v", seed, p)
	case len(p.Triggers) != len(readings):
		t.Fatalf("seed %d: %d verdicts for %d readings", seed, len(p.Triggers), len(readings))
	}
}

func randomSpec(r *rand.Rand) Spec {
	s := spec(func(s *Spec) {
		s.Max = 1 + r.Int32N(9)
		s.Min = r.Int32N(s.Max + 1)
		s.Cooldown = time.Duration(r.IntN(400)) * time.Second
		s.PauseIn, s.PauseOut, s.ForceActive = r.IntN(8) == 0, r.IntN(8) == 0, r.IntN(12) == 0
	})
	if r.IntN(3) == 0 {
		s.Idle = ptr(r.Int32N(max(s.Min, 1)))
	}
	if r.IntN(2) == 0 {
		s.Fallback = &Fallback{FailureThreshold: r.Int32N(4), Replicas: r.Int32N(4)}
	}
	return s
}

func randomReadings(r *rand.Rand) []Reading {
	var out []Reading
	for i := range 1 + r.IntN(3) {
		out = append(out, Reading{Trigger: string(rune('a' + i)), State: State(r.IntN(3)), Activation: float64(r.IntN(2))})
		if last := &out[i]; last.State == Value {
			last.Value = float64(r.IntN(5))
		}
	}
	return out
}

func TestARestartNeverShortensACooldown(t *testing.T) {
	for name, c := range map[string]struct {
		written   time.Time
		wasActive bool
		want      time.Time
	}{
		"never active":                        {time.Time{}, false, time.Time{}},
		"inactive: the status is exact":       {noon.Add(-time.Hour), false, noon.Add(-time.Hour)},
		"active: until now":                   {noon.Add(-time.Hour), true, noon},
		"active: the clock was ahead":         {noon.Add(time.Hour), true, noon},
		"active: KEDA has not written a time": {time.Time{}, true, noon},
	} {
		if got := Resume(c.written, c.wasActive, nil, noon); !got.LastActive.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got.LastActive, c.want)
		}
	}
}

func TestCodesAreDocumentedOnce(t *testing.T) {
	seen := map[verdict.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Meaning == "" {
			t.Errorf("%s stands twice or has no meaning", d.Code)
		}
		seen[d.Code] = true
	}
	for _, code := range []verdict.Code{
		Activated, ScaleOutPaused, ActivePartly, Active, WaitingForFallback, HeldOnError, Deactivated, CoolingDown,
		ScaleInPaused, RaisedToMinimum, Inactive, TriggerActive, TriggerInactive, TriggerFailed, TriggerOnFallback,
	} {
		if !seen[code] {
			t.Errorf("%s is not documented", code)
		}
	}
}
