package scheduler

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Case is a cluster, and what happens in it and is asked about it, in order. As text it is YAML: a comment, the API objects,
// and a last document with the steps.
type Case struct {
	// Comment says what it shows, in lines without their "#".
	Comment string
	// Namespaces has the labels of each.
	Namespaces map[string]map[string]string
	Nodes      []*corev1.Node
	// Pods are those without a node, and those with one, which run from the start and stay.
	Pods []*corev1.Pod
	// Objects are what the plugins know beside them.
	Objects []runtime.Object
	Steps   []Step
}

// Verb is what a Step does.
type Verb string

// The verbs.
const (
	// Place puts the pod on a node, where it must fit.
	Place Verb = "place"
	// Take takes a pod that was placed off its node.
	Take Verb = "take"
	// Ask asks whether the pod, which does not run, would fit.
	Ask Verb = "ask"
)

// Step is one thing that happens to the pod of that name.
type Step struct {
	Verb Verb
	Pod  string
	// On is the node of a Place.
	On string
	// Want has what kube-scheduler says to an Ask, in the order in which the nodes are asked about. Where it is empty, all are,
	// in the order of Nodes.
	Want []Answer
	// Comment stands above the step, with its "#", and Line is where in the file that it was read from; 0 if from none.
	Comment string
	Line    int
}

// Answer is what kube-scheduler says of one node, in the words of Refusal.String; empty where that is not known yet.
type Answer struct{ Node, Says string }

// String is how an Answer says it: the plugin and its words, or that the pod fits.
func (r Refusal) String() string {
	if r.Plugin == "" {
		return "fits"
	}
	return fmt.Sprintf("%s (%s)", r.Plugin, r.Message)
}

// Pod is the index of the pod of that name, or -1.
func (c *Case) Pod(name string) int {
	return slices.IndexFunc(c.Pods, func(p *corev1.Pod) bool { return p.Name == name })
}

// Node is the index of the node of that name, or -1.
func (c *Case) Node(name string) int {
	return slices.IndexFunc(c.Nodes, func(n *corev1.Node) bool { return n.Name == name })
}

// Asked are the nodes that the step asks about, in order.
func (c *Case) Asked(s *Step) []string {
	var out []string
	for _, a := range s.Want {
		out = append(out, a.Node)
	}
	if len(s.Want) == 0 {
		for _, n := range c.Nodes {
			out = append(out, n.Name)
		}
	}
	return out
}

// Check says what cannot be: a step about a pod or node that is not there, or against where the pod is by then; and pods that
// neither run nor are in any step.
func (c *Case) Check() error {
	idle, at := map[string]bool{}, map[string]string{}
	for _, p := range c.Pods {
		switch node := p.Spec.NodeName; {
		case node == "":
			idle[p.Name] = true
		case c.Node(node) < 0:
			return fmt.Errorf("pod %s: spec.nodeName: there is no node %q", p.Name, node)
		}
	}
	asks := 0
	for i := range c.Steps {
		s := &c.Steps[i]
		delete(idle, s.Pod)
		if err := c.checkStep(s, at); err != nil {
			return fmt.Errorf("%s: %s %s: %w", s.where(i), s.Verb, s.Pod, err)
		}
		if s.Verb == Ask {
			asks++
		}
	}
	if asks == 0 {
		return fmt.Errorf("steps: nothing is asked; write a step such as \"- ask: POD\"")
	}
	for _, p := range c.Pods {
		if idle[p.Name] {
			return fmt.Errorf("pod %s neither runs (spec.nodeName) nor is in any step; ask about it, or leave it out", p.Name)
		}
	}
	return nil
}

// checkStep checks one step; at has the node of each pod that was placed by then.
func (c *Case) checkStep(s *Step, at map[string]string) error {
	p := c.Pod(s.Pod)
	if p < 0 {
		return fmt.Errorf("there is no pod %q", s.Pod)
	}
	for _, name := range append(c.Asked(s), s.On) {
		if name != "" && c.Node(name) < 0 {
			return fmt.Errorf("there is no node %q", name)
		}
	}
	placed, start := at[s.Pod], c.Pods[p].Spec.NodeName
	switch {
	case s.Verb == Take && start != "":
		return fmt.Errorf("it runs from the start (spec.nodeName), and stays; place it in a step instead")
	case s.Verb == Take && placed == "":
		return fmt.Errorf("it does not run by then")
	case s.Verb != Take && placed+start != "":
		return fmt.Errorf("it runs by then, on %s", placed+start)
	}
	at[s.Pod] = s.On
	return nil
}

// where names the step for messages.
func (s *Step) where(i int) string {
	if s.Line == 0 {
		return fmt.Sprintf("steps[%d]", i)
	}
	return fmt.Sprintf("line %d: steps[%d]", s.Line, i)
}
