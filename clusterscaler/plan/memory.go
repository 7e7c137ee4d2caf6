package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// Memory is all that one loop must know of those before it. The zero value is that of a first loop:
// every wait begins anew, so that to lose it is safe. It is a value: methods and Decide return a new one.
type Memory struct {
	// Memory is of the cloud: what it said, accepted and failed to do.
	fleet.Memory
	// UnneededSince is since when each node has been unneeded without a break.
	UnneededSince map[string]time.Time
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

// Answered notes the groups that the gRPC expander prefers of a plan's Question; none when it does not answer. Each question
// of a loop is asked once.
func (m Memory) Answered(q Question, best []string) Memory {
	m.Answers = append(slices.Clip(m.Answers), Answer{q, best})
	return m
}

// clone copies all but Planned, of which each loop makes its own, and Answers, which nobody changes.
func (m Memory) clone() Memory {
	m.Memory = m.Memory.Clone()
	m.UnneededSince = cloned(m.UnneededSince)
	m.LastOf = cloned(m.LastOf)
	return m
}

func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// ScaledUp notes that the provider has accepted to grow the group. asked is when it was asked. Nodes that it makes, or fails to
// make, between then and its answer count as awaited.
func (m Memory) ScaledUp(group string, asked time.Time) Memory {
	m = m.clone()
	m.LastScaleUp = asked
	m.lastOf(group, func(l *Last) { l.ScaleUp = asked })
	m.AwaitedSince[group] = asked
	return m
}

// ScaleUpFailed backs the group off.
func (m Memory) ScaleUpFailed(group string, why fleet.Failure, p Policy, now time.Time) Memory {
	m.Memory = m.FailedToGrow(group, why, &p.Policy, now)
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
	var first bool
	if m.Memory, first = m.Memory.Deleted(node, group, now); first {
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
