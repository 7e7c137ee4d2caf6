package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Definition is one trigger as its ScaledObject declares it, with its authentication resolved.
type Definition struct {
	// Namespace is the ScaledObject's.
	Namespace string
	// Index is the position in spec.triggers, from 0.
	Index int
	// Type selects the source: prometheus, redis.
	Type string
	// Name is spec.triggers[].name; it may be empty.
	Name string
	// Metadata is what stands in the ScaledObject.
	Metadata map[string]string
	// Auth is what the authentication object resolved to. Its values are secrets. Keys that a source
	// does not know are allowed: one authentication may serve triggers of several types.
	Auth map[string]string
	// AuthName is the namespace and name of the authentication object; empty where there is none.
	AuthName string
	// Offline says that the authentication was not resolved, as in a check of files: a parameter that
	// may come from there is then not missed.
	Offline bool
	// guard is not nil where Open is at work.
	guard *guard
}

// String is how errors name the trigger: `trigger 0 (redis)`, `trigger 1 (prometheus, "requests")`.
func (d Definition) String() string {
	if d.Name == "" {
		return fmt.Sprintf("trigger %d (%s)", d.Index, text.Short(d.Type))
	}
	return fmt.Sprintf("trigger %d (%s, %s)", d.Index, text.Short(d.Type), text.Quote(d.Name))
}

func (d Definition) authentication() string {
	if d.AuthName == "" {
		return "the trigger's authentication"
	}
	return "TriggerAuthentication " + d.AuthName
}

// Sample is what a source answered.
type Sample struct {
	// Value is a finite number. It is 0 where Empty is set.
	Value float64
	// Empty says that the source answered, has no number, and that the trigger's owner chose to take
	// that for zero. A source that does not know is an error, never an empty sample.
	Empty bool
}

// Opened is a trigger that can be read.
type Opened struct {
	// Metric is the name of the trigger's metric without its index, as the source's kind forms it.
	Metric string
	// Target is the threshold per replica (or of the whole, for metricType Value); above 0.
	Target float64
	// Activation is the value that must be exceeded for the trigger to count as active.
	Activation float64
	// Timeout bounds a whole Read.
	Timeout time.Duration
	// Read asks the source once. It ends when ctx does, and may be called concurrently.
	Read func(ctx context.Context, at time.Time) (Sample, error)
	// Close lets go of the shared client. It is called once, when no Read runs, and none is called after it.
	Close func()
}
