package plan

import (
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// refuseComebacks drops removals, last first, until the loop after them would not grow a group for the
// pods they move. That loop places pods in its own order, which may leave one over where the removal
// had found room for all.
func (d *decision) refuseComebacks() {
	for {
		last := -1
		for i, r := range d.plan.ScaleDown {
			if len(r.Moves) > 0 || len(d.spares) > 0 {
				last = i
			}
		}
		if last < 0 {
			return
		}
		pod := d.leftOver()
		if pod == "" {
			return
		}
		d.refuse(last, pod)
	}
}

// leftOver names a pod that would have no place after the plan's removals, or is empty.
func (d *decision) leftOver() string {
	gone := map[string]bool{}
	for _, r := range d.plan.ScaleDown {
		gone[r.Node] = true
	}
	rules := newDrain(d.policy, d.now, d.s.Budgets, noLimit(len(d.s.Budgets)))
	d.cluster.Undo(d.mark)
	after := d.kept.decision(d.s, d.memory, d.policy, d.now)
	after.takeReplaced()
	var placed []*Pod // and must be again
	for i := range d.s.Nodes {
		if !gone[d.s.Nodes[i].Name] {
			if !d.runs(scheduling.NodeID(i)) { // moved pods must not wait for a node to start
				after.cluster.Hide(scheduling.NodeID(i))
			}
			continue
		}
		var left []*Pod
		for p := range d.podsOn(scheduling.NodeID(i)) {
			if o, _ := rules.judge(p); o != stays {
				placed = append(placed, p)
				if p.Node == d.s.Nodes[i].Name {
					left = append(left, p)
				}
			}
		}
		after.retire(scheduling.NodeID(i), left)
	}
	for id, settled := range d.settled { // pods that fit now will have run where they fit
		if !gone[d.s.Nodes[id].Name] {
			placed = append(placed, settled...)
		}
	}
	others := without(d.needing, placed) // which may take the place of one of them
	tolerated := setOf(others)
	for _, b := range batched(slices.Concat(placed, others)) {
		after.placeOnExisting(&b)
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
