package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/param"
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
	// guard is not nil where Check is at work.
	guard *guard
}

// String is how errors name the trigger: `trigger 0 (redis)`, `trigger 1 (prometheus, "requests")`.
func (d Definition) String() string {
	if d.Name == "" {
		return fmt.Sprintf("trigger %d (%s)", d.Index, text.Short(d.Type))
	}
	return fmt.Sprintf("trigger %d (%s, %s)", d.Index, text.Short(d.Type), text.Quote(d.Name))
}

// Values are what the parameters of d are read from.
func (d Definition) Values() param.Values {
	return param.Values{Of: d.String(), Metadata: d.Metadata, Auth: d.Auth, AuthName: d.AuthName, AuthUnknown: d.Offline}
}

// Source is a type of triggers. It is safe for concurrent use.
type Source interface {
	// About begins the page of the type: what is measured.
	About() string
	// New is a trigger of the type, of which nothing is read yet.
	New() Spec
}

// Spec is one trigger. Its methods are called in their order.
type Spec interface {
	// Table has the parameters, each bound to where its value goes.
	Table() param.Table
	// Check notes in p what the table cannot tell, and says what is measured. It asks nothing of anybody. It is called
	// also where something is wrong; what it returns is then not used.
	Check(p *param.Parsed) Metric
	// Open takes the leases on what d is read by. It sends nothing. It may be called several times.
	Open(d Definition) Opened
}

// Metric is what a trigger measures.
type Metric struct {
	// Name is the metric's without the trigger's index, as the source's kind forms it.
	Name string
	// Target is the threshold per replica (or of the whole, for metricType Value); above 0.
	Target float64
	// Activation is the value that must be exceeded for the trigger to count as active.
	Activation float64
	// Timeout bounds a whole Read.
	Timeout time.Duration
}

// Opened is a trigger that can be read.
type Opened struct {
	// Read asks the source once. It ends when ctx does, and may be called concurrently.
	Read func(ctx context.Context, at time.Time) (Sample, error)
	// Close gives the leases back. It is called once; a Read at the same time, or after it, is as any other.
	Close func()
}

// Sample is what a source answered.
type Sample struct {
	// Value is a finite number. It is 0 where Empty is set.
	Value float64
	// Empty says that the source answered, has no number, and that the trigger's owner chose to take
	// that for zero. A source that does not know is an error, never an empty sample.
	Empty bool
}

// Checked is a trigger whose parameters are right. Nothing of it is open.
type Checked struct {
	Metric
	// Warnings are what is not as it should be, and does not stop the trigger.
	Warnings []string
	// Open is Spec.Open. No error of Read shows a secret of the trigger, or is longer than a text.Line.
	Open func() Opened
}

// Check reads the parameters of d by the table of its source. It opens nothing. No error or warning shows a secret of the
// trigger, or is longer than a text.Line, whatever the source wrote into it. There are warnings beside an error too.
func Check(d Definition, source Source) (Checked, error) {
	spec := source.New()
	table := spec.Table()
	parsed := table.Parse(d.Values())
	metric, err := measured(spec, parsed)
	d.guard = newGuard(d, table.Names(), parsed.Secrets())
	var warnings []string
	for _, w := range parsed.Warnings() {
		warnings = append(warnings, d.guard.hide(w))
	}
	if err != nil {
		return Checked{Warnings: warnings}, d.guard.clean(fmt.Errorf("%s: %w", d, err))
	}
	if err := parsed.Err(); err != nil {
		return Checked{Warnings: warnings}, text.Each(err, d.guard.clean)
	}
	return Checked{Metric: metric, Warnings: warnings, Open: func() Opened {
		opened := spec.Open(d)
		read, clean := opened.Read, d.guard.cleaner()
		opened.Read = func(ctx context.Context, at time.Time) (sample Sample, err error) {
			defer func() { err = clean(err) }()
			defer caught(&err)
			return read(ctx, at)
		}
		return opened
	}}, nil
}

// measured is what spec measures; the error is of a panic.
func measured(spec Spec, parsed *param.Parsed) (m Metric, err error) {
	defer caught(&err)
	return spec.Check(parsed), nil
}
