package kwok

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
)

// GroupLabel is the label of a node that names its group.
const GroupLabel = "trimtab.dev/node-group"

// fakeAnnotation is how kwok knows a node that it has to play.
const fakeAnnotation, fakeValue = "kwok.x-k8s.io/node", "fake"

// pool is a group of the configuration with what its metadata says, too.
type pool struct {
	*Group
	group.Description
	name     string
	template corev1.Node
}

func poolOf(g *Group) *pool {
	d, _ := g.Described(g.Template) // the configuration is valid
	p := &pool{Group: g, Description: d, name: g.Name, template: *d.Template.Node(&g.CNI)}
	p.template.Labels[GroupLabel] = g.Name
	return p
}

// node is a new node of the group.
func (p *pool) node(name string) *corev1.Node {
	n := p.template.DeepCopy()
	n.Name = name
	n.Labels = group.NodeLabels(n.Labels, name)
	n.Annotations = map[string]string{fakeAnnotation: fakeValue}
	if p.LaunchFailure == LaunchUnready {
		n.Annotations = nil // nobody plays it
		// Without the condition the node would be held for one that takes pods.
		n.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: "the group's launchFailure is unready",
		}}
	}
	return n
}
