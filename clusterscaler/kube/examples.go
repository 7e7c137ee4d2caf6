package kube

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// stableAfter is how long a node must have been ready to be an example of its group: by then the DaemonSets have
// their pods there, and what else marks new nodes has done so.
const stableAfter = time.Minute

// Example is a node that tells what the next ones of its group will be, and the pods that belong to it: those of DaemonSets
// and mirror pods.
type Example struct {
	Node *corev1.Node
	Pods []*corev1.Pod
	// Seen is when the node was last found good.
	Seen time.Time
}

// Examples are those of groups, by the names of the groups.
type Examples map[string]Example

// example is an Example as it is used. It outlives the node.
type example struct {
	Example
	node     *plan.Node
	template scheduling.Node
	// runs is what the pods are for a plan, with the classes of these Classes. stale says that the pods may be others by now.
	runs    []plan.Running
	classes *scheduling.Classes
	stale   bool
	// outlives says that the node is gone, or is not good any more.
	outlives bool
}

// exampleOf is an example of the group whose pods are still to be read.
func exampleOf(object *corev1.Node, n *plan.Node, group string, passing *NodeTaints) *example {
	return &example{Example: Example{Node: object}, node: n, template: newNode(&n.Node, group, passing), stale: true}
}

// Examples are the examples whose nodes are gone. A new Translator needs them to make the same Snapshot.
func (t *Translator) Examples() Examples {
	out := Examples{}
	for name, e := range t.examples {
		if e.outlives {
			out[name] = e.Example
		}
	}
	return out
}

// remember takes over the examples that this Translator has not seen, or has seen good only before.
func (t *Translator) remember(all Examples, passing *NodeTaints) {
	if t.examples == nil {
		t.examples = map[string]*example{}
	}
	for name, given := range all {
		if e := t.examples[name]; e == nil || e.Seen.Before(given.Seen) {
			e = exampleOf(given.Node, nodeOf(given.Node, passing), name, passing)
			e.Example = given
			t.examples[name] = e
		}
	}
}

// exemplify gives groups of the last Snapshot, in the place of what the provider says of their nodes, what a node of the
// group is: the newest that is ready, has been for a minute, takes pods and is not going. When there is no such node any
// more the last stands for it until ExamplesFor has passed. The provider's template stays for a group that had none. A node
// that lacks a device which the provider's template has is no example. The profile of new nodes stays: what volumes and
// devices the example's own are says nothing of those of another node.
//
// What is an example already costs a look at its state, as long as neither it nor a pod that belongs to it changes.
func (t *Translator) exemplify(s *plan.Snapshot, o *Observation) {
	t.remember(o.Examples, &o.Taints)
	best := t.newest(s, o.Now)
	t.exampleOn = make(map[string]*example, len(best))
	here := make(map[string]bool, len(s.Groups))
	anew := false
	for i := range s.Groups {
		name := s.Groups[i].Name
		here[name] = true
		e, n := t.examples[name], best[name]
		switch {
		case n == nil && e == nil:
			continue
		case n == nil && o.Now.Sub(e.Seen) >= o.ExamplesFor:
			delete(t.examples, name)
			continue
		case n == nil:
			if !e.outlives || e.classes != t.classes {
				e.intern(t.classes)
			}
			e.outlives, e.stale = true, true
			continue
		case e == nil || e.node != n:
			e = exampleOf(t.nodes[n.Name].object, n, name, &o.Taints)
			t.examples[name] = e
		}
		e.Seen, e.outlives, t.exampleOn[n.Name] = o.Now, false, e
		e.stale = e.stale || e.classes != t.classes
		anew = anew || e.stale
	}
	if anew {
		t.readExamples()
	}
	for name := range t.examples {
		if !here[name] {
			delete(t.examples, name)
		}
	}
	for i := range s.Groups {
		if e := t.examples[s.Groups[i].Name]; e != nil {
			template := e.template
			template.Profile = s.Groups[i].Template.Profile
			s.Groups[i].Template, s.Groups[i].Capacity, s.Groups[i].Runs, s.Groups[i].Live = template, e.node.Capacity, e.runs, true
			if s.Groups[i].Trouble == plan.NoTemplate {
				s.Groups[i].Trouble = ""
			}
		}
	}
}

// newest has the example of each group that has one.
func (t *Translator) newest(s *plan.Snapshot, now time.Time) map[string]*plan.Node {
	best := map[string]*plan.Node{}
	described := make(map[string]*plan.Group, len(s.Groups))
	for i := range s.Groups {
		described[s.Groups[i].Name] = &s.Groups[i]
	}
	for _, n := range s.Nodes {
		if described[n.Group] == nil || !n.Ready || n.Deleting || n.Unschedulable || n.Allocatable.MilliCPU <= 0 || n.Allocatable.Memory <= 0 {
			continue
		}
		if b := best[n.Group]; b != nil && !n.Created.After(b.Created) {
			continue
		}
		if now.Sub(readySince(t.nodes[n.Name].object)) > stableAfter && offersAll(n, &described[n.Group].Template) {
			best[n.Group] = n
		}
	}
	return best
}

// offersAll is whether the node has some of each device that the provider says it has: their drivers come last.
func offersAll(n *plan.Node, described *scheduling.Node) bool {
	return !slices.ContainsFunc(described.Allocatable.Extended, func(e scheduling.Extended) bool {
		return e.Amount > 0 && n.Allocatable.Other(e.Name) == 0
	})
}

// readySince is when the node was last seen to become ready, or to lose or gain its network.
func readySince(n *corev1.Node) time.Time {
	var last time.Time
	for _, c := range n.Status.Conditions {
		if (c.Type == corev1.NodeReady || c.Type == corev1.NodeNetworkUnavailable) && c.LastTransitionTime.After(last) {
			last = c.LastTransitionTime.Time
		}
	}
	return last
}

// newNode is a node like n as it will be once it has started: with a name of its own, and without the taints that tell
// of the start, the state or the end of n.
func newNode(n *scheduling.Node, group string, passing *NodeTaints) scheduling.Node {
	out := *n
	out.Name = "template-of-" + group
	out.Labels = make(map[string]string, len(n.Labels))
	for key, value := range n.Labels {
		out.Labels[key] = value
	}
	out.Labels[corev1.LabelHostname] = out.Name
	out.Taints = passing.OfTemplate(n.Taints)
	return out
}

// readExamples finds the pods that belong to the examples whose pods may have changed.
func (t *Translator) readExamples() {
	for _, e := range t.exampleOn {
		if e.stale {
			e.Pods, e.runs = nil, nil
		}
	}
	for _, p := range t.pods {
		e := t.exampleOn[p.object.Spec.NodeName]
		if e == nil || !e.stale || p.finished || !belongs(p.object) || p.object.DeletionTimestamp != nil || expendable(p.object, t.expendableBelow) {
			continue
		}
		e.Pods = append(e.Pods, p.object)
		e.runs = append(e.runs, plan.Running{DaemonSet: daemonSetOf(p.object), Class: p.pod.Class})
	}
	for _, e := range t.exampleOn {
		e.classes, e.stale = t.classes, false
	}
}

// intern finds the classes of pods that are gone. What they asked of other pods is left out: those others may have been
// translated already as if nobody asked.
func (e *example) intern(classes *scheduling.Classes) {
	e.runs = make([]plan.Running, len(e.Pods))
	for i, p := range e.Pods {
		s := podSpec(p)
		s.PodAffinity, s.PodAntiAffinity, s.TopologySpread = nil, nil, nil
		e.runs[i] = plan.Running{DaemonSet: daemonSetOf(p), Class: classes.Intern(s)}
	}
	e.classes = classes
}

// noticeExample takes note of a pod that has come, changed or gone.
func (t *Translator) noticeExample(p *corev1.Pod) {
	if e := t.exampleOn[p.Spec.NodeName]; e != nil && belongs(p) {
		e.stale = true
	}
}

// belongs is whether the pod lives and dies with its node.
func belongs(p *corev1.Pod) bool {
	return isMirror(p) || isDaemon(p)
}
