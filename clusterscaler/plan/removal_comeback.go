package plan

import (
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// refuseComebacks drops removals, last first, until the loop after them would not grow a group for the
// pods they move. That loop places pods in its own order, which may leave one over where the removal
// had found room for all.
func (r *removals) refuseComebacks(needing []*Pod) {
	for {
		last := -1
		for i, n := range r.begin {
			if len(n.Moves) > 0 || len(r.spares) > 0 {
				last = i
			}
		}
		if last < 0 {
			return
		}
		pod := r.leftOver(needing)
		if pod == "" {
			return
		}
		r.refuse(last, pod)
	}
}

// leftOver names a pod that would have no place after the removals, or is empty. It begins with the world as it stands, with
// nothing on its way.
func (r *removals) leftOver(needing []*Pod) string {
	gone := map[string]bool{}
	for _, n := range r.begin {
		gone[n.Node] = true
	}
	rules := newDrain(r.policy, r.now, r.s.Budgets, noLimit(len(r.s.Budgets)))
	r.goTo(r.bare)
	r.takeReplaced()
	var again []*Pod // pods that were placed, and must be placed again
	for i, n := range r.s.Nodes {
		id := scheduling.NodeID(i)
		if !gone[n.Name] {
			again = append(again, r.arriving[id]...) // pods that fit now will have run where they fit
			if !r.runs(id) {                         // moved pods must not wait for a node to start
				r.cluster.Hide(id)
			}
			continue
		}
		var left []*Pod
		for p := range r.podsOn(id) {
			if o, _ := rules.drainable(p); o != stays {
				again = append(again, p)
				if p.Node == n.Name {
					left = append(left, p)
				}
			}
		}
		r.retire(id, slices.Values(r.kept.on[id]), left)
	}
	others := without(needing, again) // which may take the place of one of them
	tolerated := setOf(others)
	into := placed{loop: r.loop}
	for _, b := range batched(slices.Concat(again, others)) {
		r.placeOnExisting(&b, &into)
		if i := slices.IndexFunc(b.pods, func(pod *Pod) bool { return !tolerated[pod] }); i >= 0 {
			return b.pods[i].Name
		}
	}
	return ""
}

// without are the pods of the list that are not among the others.
func without(list, others []*Pod) []*Pod {
	if len(list) == 0 {
		return nil
	}
	is := setOf(others)
	return slices.DeleteFunc(slices.Clone(list), func(pod *Pod) bool { return is[pod] })
}

func setOf(pods []*Pod) map[*Pod]bool {
	is := make(map[*Pod]bool, len(pods))
	for _, pod := range pods {
		is[pod] = true
	}
	return is
}

// noLimit is what budgets allow when the question is only which pods move.
func noLimit(n int) []int {
	allowed := make([]int, n)
	for i := range allowed {
		allowed[i] = 1
	}
	return allowed
}
