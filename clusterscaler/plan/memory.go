package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Memory is all that one loop must know of those before it. The zero value is that of a first loop:
// every wait begins anew, so that to lose it is safe. It is a value: methods and Decide return a new one.
type Memory struct {
	// UnneededSince is since when each node has been unneeded without a break.
	UnneededSince map[string]time.Time
	// AwaitedSince is since when each group has had nodes that were requested and that the provider has not launched, as far
	// as it says.
	AwaitedSince map[string]time.Time
	// UnregisteredSince is since when each group has had each instance without a node.
	UnregisteredSince map[string]map[string]time.Time
	// Deletions are the nodes that stand though the provider has accepted to delete them.
	Deletions map[string]Accepted
	Backoffs  map[string]Backoff
	// Planned has the pods without a node that have a place on one that stands or is on its way, by name.
	Planned     map[string]*Placement
	LastScaleUp time.Time
	LastDelete  time.Time
	LastFailure time.Time // of a deletion
	// LastOf has the same for each group.
	LastOf map[string]Last
	// Answers are those of the gRPC expander to the questions of the plans for one loop. Decide leaves none for the next loop.
	Answers []Answer
}

// Last is when something was done last; zero when it never was.
type Last struct {
	ScaleUp, Delete time.Time
	Failure         time.Time // of a deletion
}

// Backoff is how long a group is left alone after it failed to grow.
type Backoff struct {
	Until    time.Time
	Failed   time.Time
	Duration time.Duration
	// Why is what failed.
	Why string
}

// Answered notes the groups that the gRPC expander prefers of a plan's Question; none when it does not answer. Each question
// of a loop is asked once.
func (m Memory) Answered(q Question, best []string) Memory {
	m.Answers = append(slices.Clip(m.Answers), Answer{q, best})
	return m
}

// clone copies all but Planned, of which each loop makes its own, and Answers, which nobody changes.
func (m Memory) clone() Memory {
	m.UnneededSince = cloned(m.UnneededSince)
	m.AwaitedSince = cloned(m.AwaitedSince)
	m.UnregisteredSince = cloned(m.UnregisteredSince)
	m.Deletions = cloned(m.Deletions)
	m.Backoffs = cloned(m.Backoffs)
	m.LastOf = cloned(m.LastOf)
	return m
}

func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// ScaledUp notes that the provider has accepted to grow the group.
func (m Memory) ScaledUp(group string, now time.Time) Memory {
	m = m.clone()
	m.LastScaleUp = now
	m.lastOf(group, func(l *Last) { l.ScaleUp = now })
	m.AwaitedSince[group] = now
	return m
}

// ScaleUpFailed backs the group off: for InitialBackoff, twice as long each time it fails again, up to
// MaxBackoff, and afresh when the last failure is older than BackoffResetTimeout.
func (m Memory) ScaleUpFailed(group, why string, p Policy, now time.Time) Memory {
	m = m.clone()
	last, failedBefore := m.Backoffs[group]
	next := Backoff{Failed: now, Duration: p.InitialBackoff, Why: text.Line(why)}
	switch {
	case failedBefore && now.Before(last.Until):
		next.Duration = last.Duration // still backed off: the same failure, seen again
	case failedBefore && now.Sub(last.Failed) < p.BackoffResetTimeout:
		next.Duration = min(2*last.Duration, p.MaxBackoff)
	}
	next.Until = now.Add(next.Duration)
	m.Backoffs[group] = next
	return m
}

// lastOf changes what was last of the group, in a memory that nobody else has.
func (m *Memory) lastOf(group string, change func(*Last)) {
	l := m.LastOf[group]
	change(&l)
	m.LastOf[group] = l
}

// Deleted notes that the provider has accepted to delete a node of the group. To accept it again is no further deletion.
func (m Memory) Deleted(node, group string, now time.Time) Memory {
	m = m.clone()
	times := m.Deletions[node].Times + 1
	m.Deletions[node] = Accepted{now, times}
	if times == 1 {
		m.LastDelete = now
		m.lastOf(group, func(l *Last) { l.Delete = now })
	}
	return m
}

// DeleteFailed notes that a node of the group could not be removed and has been given back.
func (m Memory) DeleteFailed(node, group string, now time.Time) Memory {
	m = m.clone()
	m.LastFailure = now
	m.lastOf(group, func(l *Last) { l.Failure = now })
	delete(m.UnneededSince, node)
	delete(m.Deletions, node)
	return m
}
