package replicas

import (
	"maps"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Decide says what to do with a target of current replicas, from one reading for each trigger.
//
// It follows KEDA's table of decisions row by row (A1 to A3, I1 to I5). There are three differences, all on the safe
// side. A fallback of 0 replicas does not scale to zero on an error. An active trigger counts as activity for the
// cooldown even if another trigger fails. paused-scale-out also prevents the scale-out to the minimum.
func Decide(s Spec, readings []Reading, current int32, m Memory, now time.Time) (Plan, Memory) {
	j := evaluate(s, readings, m)
	p := Plan{
		From: current, To: current, Triggers: j.verdicts,
		ActiveTriggers: j.active, FailedTriggers: j.failed, FallbackTriggers: j.fallback,
	}
	next := Memory{LastActive: m.LastActive, Failures: j.failures}
	var d decision
	if len(j.active) > 0 || s.NoReadings || s.ForceActive {
		next.LastActive = now
		d = decideActive(s, j, current)
	} else {
		d = decideInactive(s, j, current, m.LastActive, now)
	}
	if d.to != current {
		p.Scale, p.To = true, d.to
	}
	p.ScaleInAt = d.scaleInAt
	p.Verdict = verdict.Because(s.Subject, d.code, d.facts...)
	return p, next
}

// decision is the result of one row of the table.
type decision struct {
	to        int32
	code      verdict.Code
	facts     []verdict.Fact
	scaleInAt time.Time
}

func decideActive(s Spec, j evaluation, current int32) decision {
	because := verdict.Text("because", j.cause(s))
	if current == 0 || s.Idle != nil && current < s.Min {
		to := max(s.Min, 1)
		if s.PauseOut {
			return decision{to: current, code: ScaleOutPaused, facts: facts(verdict.Number("replicas", current), verdict.Number("wanted", to), because)}
		}
		return decision{to: to, code: Activated, facts: facts(verdict.Number("from", current), verdict.Number("to", to), because)}
	}
	if len(j.failed) > 0 {
		return decision{to: current, code: ActivePartly, facts: facts(verdict.Number("replicas", current), because, verdict.Text("failed", strings.Join(j.failed, ";")))}
	}
	return decision{to: current, code: Active, facts: facts(verdict.Number("replicas", current), because)}
}

func decideInactive(s Spec, j evaluation, current int32, lastActive, now time.Time) decision {
	replicas := verdict.Number("replicas", current)
	if len(j.failed) > 0 {
		failed := verdict.Text("failed", strings.Join(j.failed, ";"))
		if f := s.Fallback; f != nil && f.Replicas > 0 {
			return decision{to: current, code: WaitingForFallback, facts: facts(replicas, failed, verdict.Number("failures allowed", f.FailureThreshold))}
		}
		return decision{to: current, code: HeldOnError, facts: facts(replicas, failed)}
	}
	rest := int32(0)
	if s.Idle != nil {
		rest = *s.Idle
	}
	switch {
	case s.Idle != nil && current > rest, current > 0 && s.Min == 0:
		return scaleIn(s, current, rest, lastActive, now)
	case s.Idle == nil && current < s.Min && s.PauseOut:
		return decision{to: current, code: ScaleOutPaused, facts: facts(replicas, verdict.Number("wanted", s.Min))}
	case s.Idle == nil && current < s.Min:
		return decision{to: s.Min, code: RaisedToMinimum, facts: facts(verdict.Number("from", current), verdict.Number("to", s.Min))}
	default:
		return decision{to: current, code: Inactive, facts: facts(replicas)}
	}
}

// scaleIn is row I3: to rest in one step, when the cooldown period has ended.
func scaleIn(s Spec, current, rest int32, lastActive, now time.Time) decision {
	due, period, since := lastActive.Add(s.Cooldown), s.Cooldown, lastActive
	if lastActive.IsZero() {
		due, period, since = s.Created.Add(s.InitialCooldown), s.InitialCooldown, s.Created
	}
	idleFor, cooldown := verdict.Duration("inactive for", now.Sub(since)), verdict.Duration("cooldown", period)
	if !due.Before(now) {
		return decision{to: current, code: CoolingDown, scaleInAt: due, facts: facts(verdict.Number("replicas", current), idleFor, cooldown)}
	}
	if s.PauseIn {
		return decision{to: current, code: ScaleInPaused, facts: facts(verdict.Number("replicas", current), verdict.Number("wanted", rest))}
	}
	return decision{to: rest, code: Deactivated, facts: facts(verdict.Number("from", current), verdict.Number("to", rest), idleFor, cooldown)}
}

// evaluation is what the readings say, before the replicas count.
type evaluation struct {
	active, failed, fallback []string
	failures                 map[string]int32
	verdicts                 []verdict.Verdict
}

func evaluate(s Spec, readings []Reading, m Memory) evaluation {
	j := evaluation{failures: maps.Clone(m.Failures)}
	if j.failures == nil {
		j.failures = map[string]int32{}
	}
	present := map[string]bool{}
	for _, r := range readings {
		present[r.Trigger] = true
		subject := s.Subject.Part("trigger", r.Trigger)
		if r.State == Failed {
			j.fail(s, r, subject)
			continue
		}
		delete(j.failures, r.Trigger)
		code, f := TriggerInactive, facts(verdict.Number("value", r.Value), verdict.Number("activation", r.Activation))
		active := r.Value > r.Activation
		if r.Active != nil {
			active, f[1] = *r.Active, verdict.Text("activation", "decided by the source")
		}
		if active {
			code = TriggerActive
			j.active = append(j.active, r.Trigger)
		}
		if r.State == Empty {
			f = append(f, verdict.Text("source", "empty, taken for 0"))
		}
		j.verdicts = append(j.verdicts, verdict.Because(subject, code, f...))
	}
	maps.DeleteFunc(j.failures, func(trigger string, _ int32) bool { return !present[trigger] })
	return j
}

func (j *evaluation) fail(s Spec, r Reading, subject verdict.Subject) {
	j.failed = append(j.failed, r.Trigger)
	n := Count(s.Fallback, j.failures[r.Trigger])
	j.failures[r.Trigger] = n
	f := facts(verdict.Number("failures", n), verdict.Text("error", r.Error))
	if !s.Fallback.Tripped(n) {
		j.verdicts = append(j.verdicts, verdict.Because(subject, TriggerFailed, f...))
		return
	}
	j.active = append(j.active, r.Trigger)
	j.fallback = append(j.fallback, r.Trigger)
	f = append(f, verdict.Number("failures allowed", s.Fallback.FailureThreshold), verdict.Number("fallback replicas", s.Fallback.Replicas))
	j.verdicts = append(j.verdicts, verdict.Because(subject, TriggerOnFallback, f...))
}

// Count is the number of failures after one more failure. It stops one above the threshold, since more makes no
// difference. So a status with the count is not written without need.
func Count(f *Fallback, failures int32) int32 {
	if f == nil {
		return 1
	}
	return min(failures+1, f.FailureThreshold+1)
}

// Tripped is true if so many failures in a row put a trigger on its fallback.
func (f *Fallback) Tripped(failures int32) bool {
	return f != nil && f.Replicas > 0 && failures > f.FailureThreshold
}

// cause names why the object is active.
func (j evaluation) cause(s Spec) string {
	switch {
	case len(j.active) > 0:
		return strings.Join(j.active, ";")
	case s.ForceActive:
		return "annotation force-activation"
	default:
		return "only cpu or memory triggers"
	}
}

func facts(f ...verdict.Fact) []verdict.Fact { return f }
