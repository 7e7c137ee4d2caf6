package plan

import (
	"slices"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Choice is an option that somebody else is asked about: to grow a group by so many nodes.
type Choice struct {
	Group string
	Nodes int
	// Pods are those that would have a place there, by name; headroom is not among them.
	Pods []string
}

// choiceOf is the option for the one that is asked.
func (d *decision) choiceOf(o *option) Choice {
	c := Choice{Group: o.group.Name, Nodes: o.nodes}
	for i, n := range o.placed {
		for _, pod := range d.batches[i].pods[:n] {
			if !pod.spare() {
				c.Pods = append(c.Pods, pod.Name)
			}
		}
	}
	return c
}

// ask keeps the options that Policy.Ask prefers; all of them when it prefers none, or there is nobody to ask. One option
// alone is no question.
func (d *decision) ask(left []*option) []*option {
	if d.policy.Ask == nil || len(left) < 2 {
		return left
	}
	choices := make([]Choice, len(left))
	for i, o := range left {
		choices[i] = d.choiceOf(o)
	}
	best := d.policy.Ask(choices)
	preferred := func(o *option) bool { return slices.Contains(best, o.group.Name) }
	if !slices.ContainsFunc(left, preferred) {
		return left
	}
	return slices.DeleteFunc(left, func(o *option) bool {
		o.preferred = preferred(o)
		return !o.preferred
	})
}

// preference is the fact that shows what was answered.
func (o *option) preference() verdict.Fact {
	if o.preferred {
		return verdict.Text("grpc", "preferred")
	}
	return verdict.Text("grpc", "not preferred")
}
