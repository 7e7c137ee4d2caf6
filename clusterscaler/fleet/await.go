package fleet

import (
	"fmt"
	"slices"
	"time"
)

// Awaiting is a group with what its nodes tell.
type Awaiting struct {
	*Belief
	// Registered nodes stand and are counted by Target; Deleting of them are going. Starting nodes are to become ready yet.
	Registered, Deleting, Starting int
	// NeverReady is a node that came of the last growth and has not become ready for MaxNodeStartupTime; empty for most.
	NeverReady string
	// MaxNodeProvisionTime and MaxNodeStartupTime are those of the group.
	MaxNodeProvisionTime, MaxNodeStartupTime time.Duration
}

// Awaited is what becomes of the nodes of a group that have not come.
type Awaited struct {
	// Coming are on their way.
	Coming int
	// Lost are given up: the Target is to be lowered by so many. Of Failed of them the cloud has said that they will not come.
	Lost, Failed int
	// Late are the instances that have not become nodes in time, and Delete those of them that are to be deleted, the longest late
	// first.
	Late   int
	Delete []string
	// Next is when that may change by the passing of time alone; zero when it cannot.
	Next time.Time
}

// Await says what becomes of the nodes that were requested and have not registered. A group whose nodes cannot be launched, or
// have not come for MaxNodeProvisionTime, is backed off, and they are given up: what the cloud has launched is deleted. It is
// backed off too when they have come and are not ready in that time, or in MaxNodeStartupTime.
func Await(groups []Awaiting, m Memory, p Policy, now time.Time) ([]Awaited, Memory) {
	w := wait{memory: m.Clone(), policy: p, now: now, before: m.UnregisteredSince}
	w.memory.UnregisteredSince = make(map[string]map[string]time.Time, len(w.before))
	out := make([]Awaited, len(groups))
	for i := range groups {
		out[i] = w.group(&groups[i])
	}
	return out, w.memory
}

type wait struct {
	memory Memory
	policy Policy
	now    time.Time
	before map[string]map[string]time.Time
}

func (w *wait) group(g *Awaiting) Awaited {
	var a Awaited
	missing := max(g.Target-g.Registered, 0)
	a.Failed = min(len(g.Failed), missing) // a size that stale counts made too low is not lowered further
	late := w.late(g, &a)
	launched := len(g.Unregistered) - len(late)
	absent := missing - a.Failed - len(g.Unregistered)
	late = late[:min(len(late), missing-a.Failed)]
	if len(g.Failed) > 0 {
		w.backOff(g, g.Failed[0].Failure)
	}
	for i := range g.Failed {
		w.short(&g.Failed[i].Failure)
	}
	if g.NeverReady != "" {
		w.backOff(g, Failure{Message: fmt.Sprintf("its node %s has registered and not become ready for %s", g.NeverReady, g.MaxNodeStartupTime)})
	}
	a.Lost = a.Failed + w.launches(g, &a, max(absent, 0), launched)
	if a.Late = len(late); a.Late > 0 {
		n := a.Late
		if !w.policy.ForceDeleteUnregistered {
			n = clamp(g.Target-a.Lost-g.Deleting-g.Min, n)
		}
		a.Delete = late[:n]
	}
	a.Coming = max(missing-a.Lost-a.Late, 0)
	return a
}

// nextBy makes the group be looked at again at t or earlier.
func (a *Awaited) nextBy(t time.Time) {
	if a.Next.IsZero() || t.Before(a.Next) {
		a.Next = t
	}
}

// late are the group's instances without a node for MaxNodeProvisionTime, the longest first.
func (w *wait) late(g *Awaiting, a *Awaited) []string {
	if len(g.Unregistered) == 0 {
		return nil
	}
	var late []string
	since := make(map[string]time.Time, len(g.Unregistered))
	for _, instance := range g.Unregistered {
		first, known := w.before[g.Name][instance]
		if !known {
			first = w.now
		}
		since[instance] = first
		due := first.Add(g.MaxNodeProvisionTime)
		if w.now.Before(due) {
			a.nextBy(due)
			continue
		}
		late = append(late, instance)
		w.timedOut(g, due, "its instance "+instance+" has not registered for "+g.MaxNodeProvisionTime.String())
	}
	w.memory.UnregisteredSince[g.Name] = since
	slices.SortStableFunc(late, func(a, b string) int { return since[a].Compare(since[b]) })
	return late
}

// launches is how many of so many nodes of the group that the cloud has not even launched are waited for no more. The wait for
// them goes on until the launched ones are ready; an instance without a node has a time of its own.
func (w *wait) launches(g *Awaiting, a *Awaited, missing, launched int) (lost int) {
	since, known := w.memory.AwaitedSince[g.Name]
	switch {
	case missing == 0 && (launched+g.Starting == 0 || !known):
		delete(w.memory.AwaitedSince, g.Name)
		return 0
	case !known:
		since = w.now
		w.memory.AwaitedSince[g.Name] = since
	}
	due := since.Add(g.MaxNodeProvisionTime)
	switch {
	case w.now.Before(due):
		a.nextBy(due)
		return 0
	case missing+g.Starting == 0:
		return 0
	case missing == 0:
		w.timedOut(g, due, fmt.Sprintf("its nodes have registered and not become ready for %s", g.MaxNodeProvisionTime))
	default:
		w.timedOut(g, due, fmt.Sprintf("its nodes have not come for %s", g.MaxNodeProvisionTime))
	}
	return missing
}

// timedOut backs the group off for nodes that were due then, unless that has been done.
func (w *wait) timedOut(g *Awaiting, due time.Time, why string) {
	if w.memory.Backoffs[g.Name].Failed.Before(due) {
		w.backOff(g, Failure{Message: why})
	}
}

// backOff leaves the group alone for a while, if it is not yet.
func (w *wait) backOff(g *Awaiting, f Failure) {
	if !w.now.Before(w.memory.Backoffs[g.Name].Until) {
		w.memory = w.memory.FailedToGrow(g.Name, f, &w.policy, w.now)
	}
}

// short leaves a place alone for a while of which the failure says that there is none left, if it is not yet.
func (w *wait) short(f *Failure) {
	if place, short := f.place(); short && !w.now.Before(w.memory.Shortages[place].Until) {
		w.memory.Shortages[place] = backOff(w.memory.Shortages, place, *f, &w.policy, w.now)
	}
}
