package scheduler_test

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab/test/scheduler"
)

// report is the message of a test that has found a difference about the pod, with the text case to keep.
func report(ctx context.Context, found string, c *scheduler.Case, pod string, a *answer) string {
	out := fmt.Sprintf("%s: %s\n", found, a.difference(pod))
	c.Comment = fmt.Sprintf("Found by %s.", found)
	if shows(ctx, c, a) {
		still := func(c *scheduler.Case) bool { return shows(ctx, c, a) }
		c = reduce(reduceFields(reduce(c, still), still), still)
	} else {
		out += "Replayed, the case does not show it: it depends on something else than its objects and steps.\n"
	}
	answers, err := replay(ctx, c)
	if err != nil {
		out += fmt.Sprintf("The case is not answered: %v\n", err)
	}
	if pod, a := firstDifference(c, answers); a != nil {
		c.Comment += fmt.Sprintf(" Of pod %s on node %s\nkube-scheduler says %s,\nand the simulator said %s.", pod, a.node, a.want, a.simulated())
	}
	fill(c, answers)
	text, err := c.Text()
	if err != nil {
		return out + fmt.Sprintf("The case cannot be written: %v", err)
	}
	return out + "What follows is the smallest case found; save it as test/scheduler/testdata/NAME.yaml, and say in its first lines what it is about:\n\n" + string(text)
}

// difference says in what both differ about the pod.
func (a *answer) difference(pod string) string {
	return fmt.Sprintf("pod %s on node %s: the simulator says %s, kube-scheduler %s: %s", pod, a.node, a.simulated(), a.want, differ(a.got, a.want))
}

// simulated is the simulator's answer, said as kube-scheduler's is.
func (a *answer) simulated() string {
	if a.got.OK() {
		return "fits"
	}
	return fmt.Sprintf("%s (%s %q)", a.got.Plugin(), a.got.Code, a.got.What)
}

// shows is whether some question of the case has a difference of that sort.
func shows(ctx context.Context, c *scheduler.Case, like *answer) bool {
	answers, err := replay(ctx, c)
	for _, question := range answers {
		for _, a := range question {
			why := differ(a.got, a.want)
			if err == nil && why != "" && why == differ(like.got, like.want) && a.got.Plugin() == like.got.Plugin() && a.want.Plugin == like.want.Plugin {
				return true
			}
		}
	}
	return false
}

// firstDifference is nil where both agree.
func firstDifference(c *scheduler.Case, answers [][]answer) (pod string, a *answer) {
	for i, question := range answers {
		for j := range question {
			if differ(question[j].got, question[j].want) != "" {
				return asks(c)[i].Pod, &question[j]
			}
		}
	}
	return "", nil
}

// asks are the questions of the case, which replay has an answer to each.
func asks(c *scheduler.Case) []*scheduler.Step {
	var out []*scheduler.Step
	for i := range c.Steps {
		if c.Steps[i].Verb == scheduler.Ask {
			out = append(out, &c.Steps[i])
		}
	}
	return out
}

// fill writes what kube-scheduler says into the steps.
func fill(c *scheduler.Case, answers [][]answer) {
	for i, question := range answers {
		s := asks(c)[i]
		s.Want = nil
		for _, a := range question {
			s.Want = append(s.Want, scheduler.Answer{Node: a.node, Says: a.want.String()})
		}
	}
}
