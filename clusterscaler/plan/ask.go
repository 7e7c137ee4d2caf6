package plan

import (
	"slices"

	"github.com/trimtab/trimtab/internal/verdict"
)

// Question asks the gRPC expander which of the choices are best.
type Question []Choice

// Choice is an option: to grow a group by so many nodes.
type Choice struct {
	Group string
	Nodes int
	// Pods are the names of the pods that fit there. Headroom is not among them.
	Pods []string
}

func (c Choice) equal(other Choice) bool {
	return c.Group == other.Group && c.Nodes == other.Nodes && slices.Equal(c.Pods, other.Pods)
}

// Answer has the groups that the gRPC expander prefers of the choices of a question.
type Answer struct {
	Question Question
	Best     []string
}

// answer finds what has been answered to the question.
func (m *Memory) answer(q Question) (best []string, known bool) {
	i := slices.IndexFunc(m.Answers, func(a Answer) bool { return slices.EqualFunc(a.Question, q, Choice.equal) })
	if i < 0 {
		return nil, false
	}
	return m.Answers[i].Best, true
}

// choiceOf is the option for the one that is asked.
func (d *growing) choiceOf(o *option) Choice {
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

// ask keeps the options that the answer prefers; all of them when it prefers none, or there is no answer yet. The first
// question without an answer is that of the plan. One option alone is no question.
func (d *growing) ask(left []*option) []*option {
	if len(left) < 2 {
		return left
	}
	q := make(Question, len(left))
	for i, o := range left {
		q[i] = d.choiceOf(o)
	}
	best, known := d.before.answer(q)
	if !known && d.question == nil {
		d.question = q
	}
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
