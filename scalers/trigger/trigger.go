package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/param"
)

// Definition is one trigger of an object, with its authentication resolved.
type Definition struct {
	// Namespace is the object's.
	Namespace string
	// Index is the position in spec.triggers, from 0.
	Index int
	// Type selects the source: prometheus, redis.
	Type string
	// Name is spec.triggers[].name; it may be empty.
	Name string
	// Metadata is the trigger's metadata in the object.
	Metadata map[string]string
	// Auth has the parameters of the authentication object. Its values are secrets. Keys that a source does not know
	// are allowed, since one authentication may serve triggers of several types.
	Auth map[string]string
	// AuthName is the namespace and name of the authentication object; empty where there is none.
	AuthName string
	// Offline says that the authentication was not resolved, as in a check of files. Then a parameter that may come
	// from it is not reported as missing.
	Offline bool
	// guard is not nil while Check runs.
	guard *guard
}

// String is the trigger's name in errors: `trigger 0 (redis)`, `trigger 1 (prometheus, "requests")`.
func (d Definition) String() string {
	if d.Name == "" {
		return fmt.Sprintf("trigger %d (%s)", d.Index, text.Short(d.Type))
	}
	return fmt.Sprintf("trigger %d (%s, %s)", d.Index, text.Short(d.Type), text.Quote(d.Name))
}

// Values are the sources of d's parameters.
func (d Definition) Values() param.Values {
	return param.Values{Of: d.String(), Metadata: d.Metadata, Auth: d.Auth, AuthName: d.AuthName, AuthUnknown: d.Offline}
}

// Source is a type of triggers. It is safe for concurrent use.
type Source interface {
	// About is the start of the type's page: what the trigger measures.
	About() string
	// New makes a trigger of the type, without values.
	New() Spec
}

// Spec is one trigger. Its methods are called in this order.
type Spec interface {
	// Table has the parameters, each with a pointer for its value.
	Table() param.Table
	// Check records in p the problems that the table cannot find, and returns the metric. It makes no requests. It is
	// also called after other problems; its result is then not used.
	Check(p *param.Parsed) Metric
	// Open takes the leases for readings of d. It makes no requests. It may be called several times.
	Open(d Definition) Opened
}

// Metric is what a trigger measures.
type Metric struct {
	// Name is the name of the metric without the trigger's index, in the form of the source's type.
	Name string
	// Target is the threshold per replica, or in total for metricType Value. It is above 0.
	Target float64
	// Activation is the value above which the trigger is active.
	Activation float64
	// Timeout bounds a whole Read.
	Timeout time.Duration
}

// Opened is a trigger that can be read.
type Opened struct {
	// Read reads the source once. It ends when ctx does, and may be called concurrently.
	Read func(ctx context.Context, at time.Time) (Sample, error)
	// Close gives the leases back. It is called once. A Read may still run or start afterwards.
	Close func()
}

// Sample is the answer of a source.
type Sample struct {
	// Value is a finite number. It is 0 where Empty is set.
	Value float64
	// Empty says that the source answered without a number, and that the trigger's owner chose to count this as zero. A
	// source that does not know is an error, never an empty sample.
	Empty bool
	// Active is what the source itself says of the trigger; nil where the value is compared with Metric.Activation.
	Active *bool
}

// Checked is a trigger with valid parameters. Nothing is open for it.
type Checked struct {
	Metric
	// Warnings are problems that do not stop the trigger.
	Warnings []string
	// Open is Spec.Open. No error of Read contains a secret of the trigger, or is longer than a text.Line.
	Open func() Opened
}

// Check reads the parameters of d with the table of its source. It opens nothing. No error or warning contains a secret
// of the trigger, or is longer than a text.Line, whatever the source wrote into it. Warnings are also returned with an
// error.
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
