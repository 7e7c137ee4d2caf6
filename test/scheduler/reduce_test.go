package scheduler_test

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/test/scheduler"
)

// reduce drops pods, nodes, objects and steps of the case as long as what is left still shows what it should. It tries large
// parts first, and ends where no single one can be dropped.
func reduce(c *scheduler.Case, shows func(*scheduler.Case) bool) *scheduler.Case {
	for _, s := range asks(c) {
		for _, node := range c.Asked(s)[len(s.Want):] {
			s.Want = append(s.Want, scheduler.Answer{Node: node})
		}
	}
	ways := []struct {
		count func(*scheduler.Case) int
		drop  func(c *scheduler.Case, from, to int)
	}{
		{func(c *scheduler.Case) int { return len(c.Steps) }, dropSteps},
		{func(c *scheduler.Case) int { return len(c.Pods) }, dropPods},
		{func(c *scheduler.Case) int { return len(c.Nodes) }, dropNodes},
		{func(c *scheduler.Case) int { return len(c.Objects) }, dropObjects},
		{answersIn, dropAnswers},
		{func(c *scheduler.Case) int { return len(labelled(c)) }, dropLabels},
	}
	for again := true; again; {
		again = false
		for _, way := range ways {
			for size := max(way.count(c)/2, 1); size > 0; size /= 2 {
				for from := way.count(c) - size; from > -size; from -= size {
					smaller := copyOf(c)
					way.drop(smaller, max(from, 0), min(from+size, way.count(c)))
					if smaller.Check() == nil && shows(smaller) {
						c, again = smaller, true
					}
				}
			}
		}
	}
	return c
}

// copyOf is a copy of a case whose lists can be shortened.
func copyOf(c *scheduler.Case) *scheduler.Case {
	out := *c
	out.Namespaces = maps.Clone(c.Namespaces)
	out.Nodes, out.Pods, out.Objects, out.Steps = slices.Clone(c.Nodes), slices.Clone(c.Pods), slices.Clone(c.Objects), slices.Clone(c.Steps)
	for i := range out.Steps {
		out.Steps[i].Want = slices.Clone(out.Steps[i].Want)
	}
	return &out
}

func dropSteps(c *scheduler.Case, from, to int) { c.Steps = slices.Delete(c.Steps, from, to) }

func dropObjects(c *scheduler.Case, from, to int) { c.Objects = slices.Delete(c.Objects, from, to) }

// dropPods drops the steps about them too.
func dropPods(c *scheduler.Case, from, to int) {
	c.Pods = slices.Delete(c.Pods, from, to)
	c.Steps = slices.DeleteFunc(c.Steps, func(s scheduler.Step) bool { return c.Pod(s.Pod) < 0 })
}

// dropNodes drops the pods that run there from the start too, and places pods there no more.
func dropNodes(c *scheduler.Case, from, to int) {
	c.Nodes = slices.Delete(c.Nodes, from, to)
	c.Pods = slices.DeleteFunc(c.Pods, func(p *corev1.Pod) bool { return p.Spec.NodeName != "" && c.Node(p.Spec.NodeName) < 0 })
	elsewhere := map[string]bool{}
	c.Steps = slices.DeleteFunc(c.Steps, func(s scheduler.Step) bool {
		switch gone := s.On != "" && c.Node(s.On) < 0; {
		case gone:
			elsewhere[s.Pod] = true
		case s.Verb == scheduler.Take && elsewhere[s.Pod]:
			delete(elsewhere, s.Pod)
			return true
		}
		return elsewhere[s.Pod] && s.Verb == scheduler.Place
	})
	for i := range c.Steps {
		c.Steps[i].Want = slices.DeleteFunc(c.Steps[i].Want, func(a scheduler.Answer) bool { return c.Node(a.Node) < 0 })
	}
	dropUnasked(c)
}

func answersIn(c *scheduler.Case) int {
	n := 0
	for _, s := range asks(c) {
		n += len(s.Want)
	}
	return n
}

// dropAnswers asks about these nodes no more, counted over all questions.
func dropAnswers(c *scheduler.Case, from, to int) {
	at := 0
	for _, s := range asks(c) {
		s.Want = slices.DeleteFunc(s.Want, func(scheduler.Answer) bool {
			at++
			return at > from && at <= to
		})
	}
	dropUnasked(c)
}

// dropUnasked drops the questions that ask about no node.
func dropUnasked(c *scheduler.Case) {
	c.Steps = slices.DeleteFunc(c.Steps, func(s scheduler.Step) bool { return s.Verb == scheduler.Ask && len(s.Want) == 0 })
}

// labelled are the namespaces with labels.
func labelled(c *scheduler.Case) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Namespaces)) {
		if len(c.Namespaces[name]) > 0 {
			out = append(out, name)
		}
	}
	return out
}

func dropLabels(c *scheduler.Case, from, to int) {
	for _, name := range labelled(c)[from:to] {
		c.Namespaces[name] = nil
	}
}
