package replicas

import (
	"maps"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Spec is the policy of one ScaledObject, checked: 0 <= Min <= Max, 1 <= Max, and Idle < max(1, Min).
type Spec struct {
	// Subject is the object's name in verdicts: "scaledobject default/web".
	Subject verdict.Subject
	Min     int32
	Max     int32
	// Idle is the number of replicas while no trigger is active; nil where it is not set.
	Idle *int32
	// Cooldown is how long no trigger may have been active before the target is scaled in to zero or idle.
	Cooldown time.Duration
	// InitialCooldown is used instead of Cooldown, counted from Created, as long as no trigger was ever active.
	InitialCooldown time.Duration
	Created         time.Time
	// Fallback is nil where spec.fallback is not set.
	Fallback *Fallback
	// NoReadings says that the HPA itself reads all triggers of the object (cpu, memory). Such an object is always
	// active.
	NoReadings bool
	// ForceActive, PauseIn and PauseOut are the annotations force-activation, paused-scale-in and paused-scale-out.
	ForceActive, PauseIn, PauseOut bool
}

// Fallback is used for a trigger that failed in more than FailureThreshold polls in a row.
type Fallback struct {
	FailureThreshold int32
	// Replicas of 0 disables the fallback: an error never scales to zero.
	Replicas int32
}

// State is the kind of a Reading.
type State uint8

const (
	// Failed is the zero State, so that a reading without a result is not a number.
	Failed State = iota
	// Value: the source gave a number.
	Value
	// Empty: the source has no number, and the trigger's owner chose to count that as zero.
	Empty
)

// Reading is the result of one trigger in this poll.
type Reading struct {
	// Trigger is the trigger's metric name, unique in its object: s0-redis-orders.
	Trigger string
	State   State
	// Value is a finite number. It is 0 where State is Empty, and has no meaning where it is Failed.
	Value float64
	// Activation is the value above which the trigger is active.
	Activation float64
	// Active is what the source itself says; nil where Value is compared with Activation.
	Active *bool
	// Error says why State is Failed.
	Error string
}

// Memory is what a decision keeps for the next one. The zero value is for an object without earlier decisions.
type Memory struct {
	// LastActive is when a trigger was last active; zero if none ever was.
	LastActive time.Time
	// Failures counts the failed polls in a row of each trigger, by Reading.Trigger. A trigger without a failure in the
	// last poll has no entry.
	Failures map[string]int32
}

// Plan is what the caller has to do, and why.
type Plan struct {
	// Scale says whether to set the target's replicas to To. It is false where nothing changes.
	Scale bool
	From  int32
	To    int32
	// Verdict is about the object; Triggers are about its triggers, in the order of the readings.
	Verdict  verdict.Verdict
	Triggers []verdict.Verdict
	// ActiveTriggers names the active triggers. Triggers on fallback are among them.
	ActiveTriggers []string
	// FailedTriggers names the triggers in error, FallbackTriggers the ones of them that are on fallback.
	FailedTriggers   []string
	FallbackTriggers []string
	// ScaleInAt is when the cooldown ends, if the verdict is CoolingDown.
	ScaleInAt time.Time
}

// Equal says whether two memories are the same.
func (m Memory) Equal(o Memory) bool {
	return m.LastActive.Equal(o.LastActive) && maps.Equal(m.Failures, o.Failures)
}

// Resume makes the memory of an object from its status, after a restart. While the status says active, its time may be
// old, and the object counts as active until now. A restart then never shortens a cooldown.
func Resume(lastActive time.Time, wasActive bool, failures map[string]int32, now time.Time) Memory {
	if wasActive {
		lastActive = now
	}
	return Memory{LastActive: lastActive, Failures: maps.Clone(failures)}
}

// WriteLeast is how long a status waits if only the activity of triggers changed. So an object whose values go up and
// down costs few requests.
const WriteLeast = 30 * time.Second
