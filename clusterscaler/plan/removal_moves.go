package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// order fills in the destinations: ready nodes that stand.
func (r *removals) order(candidates []candidate) {
	isCandidate := make(map[scheduling.NodeID]bool, len(candidates))
	for _, c := range candidates {
		isCandidate[c.id] = true
	}
	for i := range r.s.Nodes {
		id := scheduling.NodeID(i)
		if !isCandidate[id] && !r.cluster.Hidden(id) && r.runs(id) {
			r.destinations = append(r.destinations, id)
		}
	}
	slices.SortFunc(r.destinations, func(a, b scheduling.NodeID) int {
		return cmp.Or(cmp.Compare(r.nodes[b].Utilization, r.nodes[a].Utilization), cmp.Compare(a, b))
	})
	for _, c := range slices.Backward(candidates) {
		if r.runs(c.id) {
			r.destinations = append(r.destinations, c.id)
		}
	}
}

// consider removes the candidate in the simulation, or gives it the verdict that keeps it.
func (r *removals) consider(c candidate) {
	n := r.s.Nodes[c.id]
	g := r.byGroup[n.Group]
	if r.left[g] <= 0 {
		r.keep(c.id, NodeGroupMinSizeReached, verdict.Number("size", r.groups[g].Target-r.groups[g].lost), verdict.Number("min", r.groups[g].Min))
		return
	}
	if kept := r.keptByLimits(n); kept != nil {
		r.keep(c.id, MinimalResourceLimitExceeded, kept...)
		return
	}
	if from, does := r.receives[c.id]; does {
		r.keep(c.id, ReceivesPods, verdict.Text("from node", from))
		return
	}
	pods, code, facts := r.movable(c.id)
	if code != "" {
		r.keep(c.id, code, facts...)
		return
	}
	moves, code, facts := r.move(c.id, pods)
	if code != "" {
		r.keep(c.id, code, facts...)
		return
	}
	r.left[g]--
	r.total = r.total.Plus(r.counted(n), -1)
	for _, p := range pods {
		for _, b := range p.Budgets {
			r.drain.allowed[b] = max(r.drain.allowed[b]-1, 0)
		}
	}
	r.gone = append(r.gone, Removal{
		Node: n.Name, Group: n.Group, Empty: len(existing(pods)) == 0, Unready: !n.Ready, Utilization: c.utilization, Moves: moves,
		AllOrNothing: r.allOrNothing(n.Group),
	})
}

// movable lists the pods that must find another place when the node goes, or says what keeps the node.
func (r *removals) movable(id scheduling.NodeID) ([]*Pod, verdict.Code, []verdict.Fact) {
	var out []*Pod
	for pod := range r.podsOn(id) {
		if pod.Node != r.s.Nodes[id].Name { // it is about to run here, and nothing speaks against it running elsewhere
			out = append(out, pod)
			continue
		}
		switch o, reason := r.drain.drainable(pod); {
		case o == stays:
		case o == completes:
			return nil, BlockedByOnCompletionPod, []verdict.Fact{verdict.Text("pod", pod.Name)}
		case o == blocks:
			return nil, BlockedByPod, append([]verdict.Fact{verdict.Text("pod", pod.Name)}, r.drain.blocked(pod, reason)...)
		case pod.Constraint != "":
			return nil, ConstraintNotModelled, []verdict.Fact{verdict.Text("pod", pod.Name), verdict.Text("constraint", pod.Constraint)}
		default:
			out = append(out, pod)
		}
	}
	return out, "", nil
}

// move places the pods on the destinations, or says why the first that finds no room keeps the node. Then nothing has
// changed.
func (r *removals) move(id scheduling.NodeID, pods []*Pod) (moves []Move, code verdict.Code, facts []verdict.Fact) {
	from, name := maps.Clone(r.from), r.s.Nodes[id].Name
	var to []scheduling.NodeID
	if !r.try(func() bool {
		r.retire(id, r.podsOn(id), pods)
		for _, pod := range byClass(pods) {
			target, found := r.place(pod.Class, from)
			switch {
			case !found && pod.spare():
				code, facts = BreaksHeadroom, []verdict.Fact{verdict.Text("headroom", pod.spareOf.Name)}
				return false
			case !found:
				code, facts = NoPlaceToMovePods, r.noPlace(pod, len(existing(pods)))
				return false
			}
			to = append(to, target)
			if !pod.spare() {
				moves = append(moves, Move{Pod: pod.Name, To: r.s.Nodes[target].Name})
			}
		}
		return true
	}) {
		return nil, code, facts
	}
	r.from = from
	for _, target := range to {
		r.receives[target] = name
	}
	return moves, "", nil
}

// goingTaint is that of a node that is going.
func goingTaint() scheduling.Taint {
	return scheduling.Taint{Key: group.GoingTaint, Effect: scheduling.NoSchedule}
}

// byClass puts pods of one class together, where the first of them was. Headroom comes behind the pods that exist.
func byClass(pods []*Pod) []*Pod {
	const last = "~" // sorts behind every name
	first := make(map[scheduling.Class]string, len(pods))
	for _, pod := range pods {
		name := pod.Name
		if pod.spare() {
			name = last + name
		}
		if other, known := first[pod.Class]; !known || name < other {
			first[pod.Class] = name
		}
	}
	out := slices.Clone(pods)
	slices.SortStableFunc(out, func(a, b *Pod) int { return strings.Compare(first[a.Class], first[b.Class]) })
	return out
}

// place puts one pod of the class on the first destination with room. from is as in progress.
func (r *removals) place(class scheduling.Class, from map[scheduling.Class]int) (scheduling.NodeID, bool) {
	first := from[class]
	if r.cluster.Constrained(class) { // a node that was no place for it may have become one
		first = 0
	}
	for i := first; i < len(r.destinations); i++ {
		if r.cluster.Fill(class, r.destinations[i], 1) == 1 {
			from[class] = i
			return r.destinations[i], true
		}
	}
	from[class] = len(r.destinations)
	return 0, false
}
