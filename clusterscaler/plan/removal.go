package plan

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// removal is which nodes are not needed, and which go now: the outcome of the fourth stage.
type removal struct {
	nodes           []NodeVerdict
	unneeded, begin []Removal
	// since is since when each unneeded node has been so.
	since map[string]time.Time
	next  time.Time
}

// candidate is a node whose removal is considered.
type candidate struct {
	id          scheduling.NodeID
	utilization float64
	// empty says that no pod needs to move, waits that the node was unneeded in the loop before.
	empty, waits bool
}

// remove finds the nodes that are not needed after the growth, and those of them that go now.
func remove(w *world, n *needs, g *growth, grows bool) removal {
	w.goTo(g.mark)
	r := newRemovals(w, g, newDrain(w.policy, w.now, w.s.Budgets, allowedBy(w.s.Budgets)))
	candidates := r.eligible()
	if len(candidates) > 0 { // else nothing moves
		r.order(candidates)
	}
	r.considerAll(candidates)
	r.since = r.unneededSince()
	r.chooseNow(grows || n.settling)
	r.refuseComebacks(n.pods)
	r.unneeded = r.gone
	return r.removal
}

// removals is the work of remove. It takes nodes away one by one in the world, each on top of those before it.
type removals struct {
	*world
	progress
	removal
	// arriving has, for nodes that stand, the pending pods that fit on them.
	arriving map[scheduling.NodeID][]*Pod
	// destinations are in the order in which moved pods look there for room: nodes that cannot go first, then the
	// candidates from the last, so that pods gather on nodes that stay.
	destinations []scheduling.NodeID
	closest      closest
	facts        facts
}

// progress is how far removal has come. It is a value: a trial begins with a copy, and is taken back by the copy.
type progress struct {
	mark  mark
	drain drain
	// from is, for each class, the destination before which there is no room: nodes only fill up.
	from map[scheduling.Class]int
	// receives names for each node one whose pods move there.
	receives map[scheduling.NodeID]string
	// left is by how many nodes each group may still shrink, and total what the nodes that stay have together.
	left  []int
	total scheduling.Resources
	// gone are the nodes that were taken away.
	gone []Removal
}

func newRemovals(w *world, g *growth, d drain) *removals {
	r := &removals{
		world: w, arriving: g.placed.onStanding(), closest: closest{to: map[scheduling.Class]scheduling.NodeID{}},
		progress: progress{drain: d, from: map[scheduling.Class]int{}, receives: map[scheduling.NodeID]string{}, total: g.total, left: make([]int, len(w.groups))},
		removal:  removal{nodes: make([]NodeVerdict, len(w.s.Nodes))},
	}
	for i := range w.groups {
		g := &w.groups[i]
		r.left[i] = g.Target - g.lost - g.deleting - g.Min
	}
	return r
}

// saved is a copy of the progress, with the mark of the world.
func (r *removals) saved() progress {
	p := r.progress
	p.mark = r.here()
	p.drain.allowed, p.left, p.gone = slices.Clone(p.drain.allowed), slices.Clone(p.left), slices.Clip(p.gone)
	p.from, p.receives = maps.Clone(p.from), maps.Clone(p.receives)
	return p
}

// back takes back all progress since it was saved.
func (r *removals) back(p progress) {
	r.goTo(p.mark)
	r.progress = p
}

// podsOn are the pods that run on the node or are about to.
func (r *removals) podsOn(id scheduling.NodeID) iter.Seq[*Pod] {
	return func(yield func(*Pod) bool) {
		for _, pod := range r.kept.on[id] {
			if !yield(pod) {
				return
			}
		}
		for _, pod := range r.arriving[id] {
			if !yield(pod) {
				return
			}
		}
	}
}

// vacant is whether no pod would have to leave the node.
func (r *removals) vacant(id scheduling.NodeID) bool {
	return r.empty(id) && !slices.ContainsFunc(r.arriving[id], func(pod *Pod) bool { return !pod.fixed() && !pod.spare() })
}

// eligible gives each node that cannot go a verdict, and returns the others: empty nodes first, then nodes that were unneeded
// before, then the least used.
func (r *removals) eligible() []candidate {
	var out []candidate
	for i, n := range r.s.Nodes {
		id := scheduling.NodeID(i)
		p, ours := r.policyOf(id)
		used := r.utilization(id, p)
		r.nodes[i] = NodeVerdict{Node: n.Name, Group: n.Group, Utilization: used.share}
		if code, facts := r.notEligible(id, p, ours, &used); code != "" {
			r.keep(id, code, facts...)
			continue
		}
		_, waits := r.before.UnneededSince[n.Name]
		out = append(out, candidate{id: id, utilization: used.share, empty: r.vacant(id), waits: waits})
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(first(a.empty, b.empty), first(a.waits, b.waits), cmp.Compare(a.utilization, b.utilization),
			strings.Compare(r.s.Nodes[a.id].Name, r.s.Nodes[b.id].Name))
	})
	return out
}

// first orders true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// notEligible is why a node is not even considered, or an empty code.
func (r *removals) notEligible(id scheduling.NodeID, p *Policy, ours bool, used *use) (verdict.Code, []verdict.Fact) {
	n := r.s.Nodes[id]
	switch {
	case !r.policy.ScaleDownEnabled:
		return ScaleDownDisabled, nil
	case n.Deleting:
		return r.ofDeletion(n)
	case n.Keep:
		return ScaleDownDisabledAnnotation, nil
	case !ours:
		return NotAutoscaled, nil
	case r.starting(id):
		return Starting, []verdict.Fact{verdict.Duration("age", r.now.Sub(n.Created))}
	case !used.known && used.unknown != "":
		return UnexpectedError, []verdict.Fact{verdict.Text("why", used.unknown)}
	case !used.known:
		return UnexpectedError, nil
	case !n.Ready && !r.policy.UnreadyEnabled:
		return ScaleDownUnreadyDisabled, nil
	}
	return r.tooUsed(n, p, used)
}

// keep gives a node its verdict.
func (r *removals) keep(id scheduling.NodeID, code verdict.Code, facts ...verdict.Fact) {
	r.nodes[id].Verdict = verdict.Because(verdict.On("node", r.kept.nodes[id].Name), code, facts...)
}

// unhealthyNodes gives every node the verdict that the cluster is not healthy. What nodes have waited for is forgotten: once
// they are well again they must be unneeded for the whole time.
func unhealthyNodes(w *world, g *growth) removal {
	w.goTo(g.mark)
	r := newRemovals(w, g, drain{})
	for i, n := range w.s.Nodes {
		id := scheduling.NodeID(i)
		p, _ := w.policyOf(id)
		r.nodes[i] = NodeVerdict{Node: n.Name, Group: n.Group, Utilization: r.utilization(id, p).share}
		r.keep(id, ClusterUnhealthy, w.plan.Cluster.Facts...)
	}
	r.since = map[string]time.Time{}
	return r.removal
}

// facts keeps facts in memory that those of many verdicts share.
type facts struct{ all []verdict.Fact }

func (f *facts) keep(facts ...verdict.Fact) []verdict.Fact {
	if cap(f.all)-len(f.all) < len(facts) {
		f.all = make([]verdict.Fact, 0, 512)
	}
	n := len(f.all)
	f.all = append(f.all, facts...)
	return f.all[n:len(f.all):len(f.all)]
}
