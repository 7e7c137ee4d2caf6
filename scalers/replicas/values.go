package replicas

import (
	"maps"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Spec is the policy of one ScaledObject, checked: 0 <= Min <= Max, 1 <= Max, and Idle < max(1, Min).
type Spec struct {
	// Subject is how verdicts name the object: "scaledobject default/web".
	Subject verdict.Subject
	Min     int32
	Max     int32
	// Idle is the count while no trigger is active; nil where it is not set.
	Idle *int32
	// Cooldown is how long no trigger may have been active before the target is scaled in to zero or idle.
	Cooldown time.Duration
	// InitialCooldown takes Cooldown's place, from Created on, as long as no trigger was ever active.
	InitialCooldown time.Duration
	Created         time.Time
	// Fallback is nil where spec.fallback is not set.
	Fallback *Fallback
	// NoReadings says that the object has only triggers that the HPA reads by itself (cpu, memory): it
	// is active always.
	NoReadings bool
	// ForceActive, PauseIn and PauseOut are the annotations force-activation, paused-scale-in and -out.
	ForceActive, PauseIn, PauseOut bool
}

// Fallback is what counts for a trigger that failed in more than FailureThreshold polls in a row.
type Fallback struct {
	FailureThreshold int32
	// Replicas of 0 means that no fallback takes place: an error never scales to zero.
	Replicas int32
}

// State tells the three kinds of a Reading apart.
type State uint8

const (
	// Failed is the zero State, so that a reading that was never filled in is no number.
	Failed State = iota
	// Value: the source gave a number.
	Value
	// Empty: the source has no number, which the trigger's owner takes for zero.
	Empty
)

// Reading is what one trigger's source said in this poll.
type Reading struct {
	// Trigger is the trigger's metric name, unique in its object: s0-redis-orders.
	Trigger string
	State   State
	// Value is a finite number; 0 where State is Empty, and without meaning where it is Failed.
	Value float64
	// Activation must be exceeded for the trigger to count as active.
	Activation float64
	// Error says why State is Failed.
	Error string
}

// Memory is what one decision hands to the next. The zero value is that of an object never seen.
type Memory struct {
	// LastActive is when a trigger was last active; zero where none ever was.
	LastActive time.Time
	// Failures counts the polls in a row in which a trigger failed, by Reading.Trigger. A trigger that
	// was read last time has no entry.
	Failures map[string]int32
}

// Plan is all that the caller has to do, and why.
type Plan struct {
	// Scale says whether the target's replicas are to be set to To. It is false where nothing changes.
	Scale bool
	From  int32
	To    int32
	// Verdict is about the object; Triggers are about its triggers, in the order of the readings.
	Verdict  verdict.Verdict
	Triggers []verdict.Verdict
	// ActiveTriggers names the triggers that are active, those on fallback included.
	ActiveTriggers []string
	// FailedTriggers and FallbackTriggers name those in error, and those of them that are on fallback.
	FailedTriggers   []string
	FallbackTriggers []string
	// ScaleInAt is when the cooldown ends, where the verdict is CoolingDown.
	ScaleInAt time.Time
}

// Equal says whether two memories are the same.
func (m Memory) Equal(o Memory) bool {
	return m.LastActive.Equal(o.LastActive) && maps.Equal(m.Failures, o.Failures)
}

// Resume is the memory of an object whose status was read after a restart. The status is behind by up
// to a WriteEvery while a trigger is active; that much is added, so that a restart never shortens a
// cooldown. It is not added beyond now.
func Resume(lastActive time.Time, wasActive bool, failures map[string]int32, cooldown time.Duration, now time.Time) Memory {
	if wasActive && !lastActive.IsZero() {
		if lastActive = lastActive.Add(WriteEvery(cooldown)); lastActive.After(now) {
			lastActive = now
		}
	}
	return Memory{LastActive: lastActive, Failures: maps.Clone(failures)}
}

// WriteEvery is how old the time of last activity may become in the status while a trigger is active:
// a quarter of the cooldown, and at least WriteLeast.
func WriteEvery(cooldown time.Duration) time.Duration { return max(cooldown/4, WriteLeast) }

// WriteLeast is how long a status may wait of which only the activity of triggers changed, so that one
// whose values go to and fro costs few requests.
const WriteLeast = 30 * time.Second
