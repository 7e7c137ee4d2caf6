package plan

import (
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Decide plans one loop. The Memory it returns is that of the next; the one given in is not changed.
func Decide(s *Snapshot, m Memory, p Policy, now time.Time) (Plan, Memory) {
	return new(Planner).Decide(s, m, p, now)
}

// Planner decides loop after loop, and keeps what one Snapshot has in common with the next: its plans are those of
// Decide, at the cost of what has changed. The zero value is ready. It is not safe for concurrent use.
type Planner struct {
	kept *kept
}

// Decide plans one loop, as the function Decide does.
func (p *Planner) Decide(s *Snapshot, m Memory, policy Policy, now time.Time) (Plan, Memory) {
	l := p.begin(s, m, policy, now)
	plan, memory := l.decide()
	p.end(l)
	return plan, memory
}

// Reasons are those of a plan that was made of the same inputs. They cost a part of what the plan did.
func (p *Planner) Reasons(s *Snapshot, m Memory, policy Policy, now time.Time) Reasons {
	l := p.begin(s, m, policy, now)
	out := l.reasons()
	p.end(l)
	return out
}

// begin brings what is kept up to the snapshot. Whoever begins ends, but not after a panic.
func (p *Planner) begin(s *Snapshot, m Memory, policy Policy, now time.Time) *loop {
	k := p.kept
	p.kept = nil
	spares(s, &policy) // their classes must be known before the cluster is
	if k == nil || !k.follow(s, policy, now) {
		k = newKept(s, policy, now)
	}
	return k.loop(s, m, policy, now)
}

// end takes back all that was placed.
func (p *Planner) end(l *loop) {
	l.kept.cluster.Undo(l.start)
	p.kept = l.kept
}

// decide is the stages, each a function of the outcomes of those before it.
func (l *loop) decide() (Plan, Memory) {
	// 1. What there is.
	there := observe(l)
	w := newWorld(l, &there)
	// 2. What pending pods need.
	n := l.settle(placePending(w))
	if there.unhealthy() {
		return nothing(w, n)
	}
	// 3. Growth.
	g := grow(w, &n)
	report := reportGrowth(w, &n, g)
	// 4. Removal.
	r := remove(w, &n, &g, len(report.increases) > 0)
	r.next = sooner(r.next, there.rested(l.now))
	return assemble(w, &n, &g, &report, &r)
}

// nothing says of everything that the cluster is not healthy.
func nothing(w *world, n needs) (Plan, Memory) {
	n = w.giveUp(n, ClusterUnhealthy, w.plan.Cluster.Facts...)
	g := noGrowth(w, &n)
	for i := range g.groups {
		g.groups[i].verdict = verdict.Because(groupSubject(g.groups[i].Name), ClusterUnhealthy, w.plan.Cluster.Facts...)
	}
	report, r := reportGrowth(w, &n, g), unhealthyNodes(w, &g)
	return assemble(w, &n, &g, &report, &r)
}

// assemble puts the outcomes of the stages together.
func assemble(w *world, n *needs, g *growth, report *growthReport, r *removal) (Plan, Memory) {
	p := w.plan
	p.ScaleUp, p.Groups, p.Pending, p.Headroom, p.Question = report.increases, report.groups, report.pending, report.headroom, g.question
	p.Nodes, p.Unneeded, p.ScaleDown = r.nodes, r.unneeded, r.begin
	p.Next = sooner(p.Next, sooner(n.next, r.next))
	m := w.memory
	m.Planned, m.UnneededSince = g.placed.remembered(), r.since
	m.Answers = nil // the next loop asks anew
	m.Memory = m.Memory.Forget(&w.policy.Policy, w.now)
	return p, m
}
