package cron

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // used where the system has none

	"github.com/robfig/cron/v3"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// Source reads triggers of type cron.
type Source struct{ env trigger.Env }

// New makes a source.
func New(env trigger.Env) *Source { return &Source{env} }

// About implements trigger.Source.
func (*Source) About() string {
	return "A number of replicas during a window of time: from each time that matches `start` to the next that matches `end`. Outside of it the value is 0, and another trigger may ask for replicas."
}

// Example implements trigger.Exemplary.
func (*Source) Example() trigger.Example {
	return trigger.Example{Metadata: map[string]string{"timezone": "Europe/Zurich", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "desiredReplicas": "10"}}
}

// New implements trigger.Source.
func (s *Source) New() trigger.Spec { return &window{source: s} }

// window is a trigger.
type window struct {
	source               *Source
	start, end, timezone string
	replicas             int64
	// Check makes these.
	starts, ends cron.Schedule
	location     *time.Location
}

// Table implements trigger.Spec.
func (w *window) Table() param.Table {
	return param.Table{
		{Name: "timezone", To: &w.timezone, Required: true, About: "time zone of the IANA database, such as `Europe/Zurich` or `Etc/UTC`"},
		{Name: "start", To: &w.start, Required: true, About: "when the window begins: minute, hour, day of the month, month, day of the week"},
		{Name: "end", To: &w.end, Required: true, About: "when it ends"},
		{Name: "desiredReplicas", To: &w.replicas, Required: true, Range: param.Between(1, math.MaxInt32), About: "replicas in the window"},
	}
}

// Check implements trigger.Spec.
func (w *window) Check(p *param.Parsed) trigger.Metric {
	var err error
	if w.location, err = time.LoadLocation(w.timezone); err != nil && w.timezone != "" {
		p.Fail("timezone", "%s is not a time zone of the IANA database, such as Europe/Zurich", shown(w.timezone))
	}
	w.starts, w.ends = schedule(p, "start", w.start), schedule(p, "end", w.end)
	if w.start == w.end && w.start != "" {
		p.Fail("end", "is the same as start; a window needs two times")
	}
	switch never := (time.Time{}); {
	case w.starts == nil || w.ends == nil:
	case w.starts.Next(never) == never:
		p.Warn("start", "no date matches it; as in KEDA the trigger is then always active")
	case w.ends.Next(never) == never:
		p.Warn("end", "no date matches it; as in KEDA the trigger is then never active")
	}
	return trigger.Metric{Name: fmt.Sprintf("cron-%s-%s-%s", w.timezone, inName(w.start), inName(w.end)), Target: 1, Timeout: w.source.env.Timeout}
}

// schedule reads five fields, as KEDA does: without seconds, and without words such as @daily.
func schedule(p *param.Parsed, key, fields string) cron.Schedule {
	if fields == "" {
		return nil
	}
	if zone, _, several := strings.Cut(fields, " "); strings.Contains(zone, "TZ=") && !several { // the library ends in a panic
		p.Fail(key, "%s has a time zone and no fields", shown(fields))
		return nil
	}
	s, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(fields)
	if err != nil {
		p.Fail(key, "%s is not a schedule of five fields: minute, hour, day of month, month and day of week, such as 0 8 * * 1-5", shown(fields))
		return nil
	}
	return s
}

// shown is a value as errors have it. Whoever took the key for that of a server may have written a password there.
func shown(value string) string {
	if !strings.HasPrefix(value, "@") { // @daily has no user
		value = text.Address(value)
	}
	return text.Quote(value)
}

// inName is a schedule in the form in which the metric's name has it.
func inName(fields string) string {
	return strings.NewReplacer(" ", "", "*", "x", "/", "Sl", "?", "Qm", ",", "Cm").Replace(fields)
}

// Open implements trigger.Spec.
func (w *window) Open(trigger.Definition) trigger.Opened {
	return trigger.Opened{
		Close: func() {},
		Read: func(_ context.Context, at time.Time) (trigger.Sample, error) {
			active := w.within(at)
			sample := trigger.Sample{Active: &active}
			if active {
				sample.Value = float64(w.replicas)
			}
			return sample, nil
		},
	}
}

// within is true between a start and the next end: the end comes before another start. A schedule that no date
// matches has the zero time, which makes the answers that Check warns of.
func (w *window) within(at time.Time) bool {
	start, end := w.starts.Next(at.In(w.location)), w.ends.Next(at.In(w.location))
	if start.Before(end) {
		return start.IsZero()
	}
	return start.IsZero() || !end.IsZero()
}
