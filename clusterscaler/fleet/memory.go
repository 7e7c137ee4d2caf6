package fleet

import (
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Memory is what must be known of the loops before. The zero value is that of a first loop: every wait begins anew, so that to
// lose it is safe. It is a value: functions and methods return a new one. All maps but Deletions and Shortages are by group.
type Memory struct {
	// Told is what was last believed of each group that the cloud names.
	Told map[string]Told
	// Promises are the sizes that the cloud accepted and that have not come true yet.
	Promises map[string]Promise
	// AwaitedSince is since when each group has had nodes that were requested and that the cloud has not launched, as far
	// as it says.
	AwaitedSince map[string]time.Time
	// UnregisteredSince is since when each group has had each instance without a node.
	UnregisteredSince map[string]map[string]time.Time
	// Deletions are the nodes that stand though the cloud has accepted to delete them, by name.
	Deletions map[string]Accepted
	Backoffs  map[string]Backoff
	// Shortages are the types of machines of which zones have none left, by Place: all groups rest that need them.
	Shortages map[string]Backoff
}

// Told is what holds of a group as long as the cloud does not say otherwise.
type Told struct {
	// Size is the one that it told, with what it has accepted since.
	Size int
	// Nodes are the nodes that exist, and Unregistered the instances without a node.
	Nodes, Unregistered []string
}

// Promise is a size that the cloud accepted for a group and has not told since, or that it tells without counting all nodes
// which stand.
type Promise struct {
	Size int
	At   time.Time
	// By is how many nodes were asked for. Stood are the nodes that existed before.
	By    int
	Stood []string
}

// Accepted is what is known of a node that the cloud has accepted to delete, and that still stands.
type Accepted struct {
	// At is when it accepted the last time, and Times how often it has.
	At    time.Time
	Times int
}

// Backoff is how long a group is left alone after it failed to grow.
type Backoff struct {
	Until    time.Time
	Failed   time.Time
	Duration time.Duration
	// Class and Why are what failed.
	Class Class
	Why   string
}

// Place names what machines of a type in a zone are looked for by.
func Place(zone, machine string) string { return zone + "/" + machine }

// Clone copies the maps, which the methods of the copy may then change.
func (m Memory) Clone() Memory {
	m.Told = cloned(m.Told)
	m.Promises = cloned(m.Promises)
	m.AwaitedSince = cloned(m.AwaitedSince)
	m.UnregisteredSince = cloned(m.UnregisteredSince)
	m.Deletions = cloned(m.Deletions)
	m.Backoffs = cloned(m.Backoffs)
	m.Shortages = cloned(m.Shortages)
	return m
}

func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// Resized notes that the cloud has accepted a Resize, which moved the target by so many nodes.
func (m Memory) Resized(r Resize, moved int, now time.Time) Memory {
	switch {
	case moved <= 0:
		return m
	case r.To < r.From:
		return m.Shrunk(r.Group, moved)
	}
	m.Promises = cloned(m.Promises)
	told := m.Told[r.Group]
	shrunk := max(r.From-told.Size, 0) // other nodes were given up beside it
	next := Promise{Size: r.To - shrunk, At: now, By: moved, Stood: told.Nodes}
	if before, made := m.Promises[r.Group]; made { // its nodes may still come
		next.By, next.Stood = before.By+moved, before.Stood
	}
	m.Promises[r.Group] = next
	return m.moved(r.Group, moved)
}

// Shrunk notes that the cloud has accepted not to work towards so many nodes that have not come.
func (m Memory) Shrunk(group string, by int) Memory {
	if p, made := m.Promises[group]; made {
		p.Size, p.By = p.Size-by, max(p.By-by, 0)
		m.Promises = cloned(m.Promises)
		m.Promises[group] = p
	}
	return m.moved(group, -by)
}

// moved notes that the size of the group has changed by so many nodes.
func (m Memory) moved(group string, by int) Memory {
	if t, told := m.Told[group]; told && by != 0 {
		t.Size = max(t.Size+by, 0)
		m.Told = cloned(m.Told)
		m.Told[group] = t
	}
	return m
}

// Deleted notes that the cloud has accepted to delete a node of the group. first says that it had not accepted that before.
func (m Memory) Deleted(node, group string, now time.Time) (next Memory, first bool) {
	times := m.Deletions[node].Times + 1
	m.Deletions = cloned(m.Deletions)
	m.Deletions[node] = Accepted{now, times}
	if p, made := m.Promises[group]; made {
		if p.Size--; !slices.Contains(p.Stood, node) {
			p.By--
		}
		m.Promises = cloned(m.Promises)
		m.Promises[group] = p
	}
	return m.moved(group, -1), times == 1
}

// Gone is whether the cloud has accepted to delete the node and may still do so: the size of its group counts it no more.
func (m *Memory) Gone(node string, p *Policy, now time.Time) bool {
	accepted, known := m.Deletions[node]
	return known && now.Before(accepted.At.Add(p.MaxNodeDeletionTime))
}

// FailedToGrow backs the group off, and whatever needs the same type of machine in the same zone where the cloud says that it
// has none left: for InitialBackoff, twice as long each time it fails again, up to MaxBackoff, and afresh when the last failure
// is older than BackoffResetTimeout.
func (m Memory) FailedToGrow(group string, f Failure, p *Policy, now time.Time) Memory {
	m.Backoffs = cloned(m.Backoffs)
	m.Backoffs[group] = backOff(m.Backoffs, group, f, p, now)
	if place, short := f.place(); short {
		m.Shortages = cloned(m.Shortages)
		m.Shortages[place] = backOff(m.Shortages, place, f, p, now)
	}
	return m
}

func backOff(before map[string]Backoff, key string, f Failure, p *Policy, now time.Time) Backoff {
	last, failedBefore := before[key]
	next := Backoff{Failed: now, Duration: p.InitialBackoff, Class: f.Class, Why: text.Line(f.Message)}
	switch {
	case failedBefore && now.Before(last.Until):
		next.Duration = last.Duration // still backed off: the same failure, seen again
	case failedBefore && now.Sub(last.Failed) < p.BackoffResetTimeout:
		next.Duration = min(2*last.Duration, p.MaxBackoff)
	}
	next.Until = now.Add(next.Duration)
	return next
}

// Resting is what keeps the group from growing, if something does: a failure of its own, or that there is none left of its
// machines in each of its places. Of these it is the one that ends first.
func (m *Memory) Resting(group string, places []string, now time.Time) (Backoff, bool) {
	if b, failed := m.Backoffs[group]; failed && now.Before(b.Until) {
		return b, true
	}
	var first Backoff
	for _, place := range places {
		b, short := m.Shortages[place]
		if !short || !now.Before(b.Until) {
			return Backoff{}, false
		}
		if first.Until.IsZero() || b.Until.Before(first.Until) {
			first = b
		}
	}
	return first, len(places) > 0
}

// Forget leaves out the failures that are older than BackoffResetTimeout.
func (m Memory) Forget(p *Policy, now time.Time) Memory {
	old := func(_ string, b Backoff) bool { return now.Sub(b.Failed) > p.BackoffResetTimeout }
	m.Backoffs, m.Shortages = cloned(m.Backoffs), cloned(m.Shortages)
	maps.DeleteFunc(m.Backoffs, old)
	maps.DeleteFunc(m.Shortages, old)
	return m
}
