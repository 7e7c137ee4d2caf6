package kwok

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// GroupLabel is the label of a node that names its group.
const GroupLabel = "trimtab.dev/node-group"

// fakeAnnotation is how kwok knows a node that it has to play.
const fakeAnnotation, fakeValue = "kwok.x-k8s.io/node", "fake"

// Group is a set of equal nodes.
type Group struct {
	Name     string
	Min, Max int
	// Template has the labels, taints, capacity and allocatable of each node. Its name is not used.
	Template corev1.Node
	// Price is per node and hour; 0 is unknown.
	Price float64
	// LaunchDelay is how long a requested node takes to appear.
	LaunchDelay time.Duration
	// LaunchFailure is how all launches fail, by the names of package group; Available is how many nodes there can be.
	LaunchFailure string
	Available     *int
	// Options are the group's own settings.
	Options plan.Options
}

// planned is the group as the core sees it.
func (g *Group) planned(size int) plan.Group {
	example := g.node("template-of-" + g.Name)
	return plan.Group{
		Name: g.Name, Min: g.Min, Max: g.Max, Target: size,
		Template: scheduling.NodeOf(example),
		Capacity: scheduling.ResourcesOf(example.Status.Capacity),
		Price:    g.Price, Options: g.Options,
	}
}

// node is a new node of the group.
func (g *Group) node(name string) *corev1.Node {
	n := g.Template.DeepCopy()
	n.Name = name
	if n.Annotations == nil {
		n.Annotations = map[string]string{}
	}
	n.Labels = group.NodeLabels(n.Labels, name)
	n.Labels[GroupLabel] = g.Name
	n.Annotations[fakeAnnotation] = fakeValue
	if g.LaunchFailure == group.LaunchUnready {
		delete(n.Annotations, fakeAnnotation) // nobody plays it
		// Without the condition the node would be held for one that takes pods.
		n.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: "the group's launchFailure is unready",
		}}
	}
	return n
}
