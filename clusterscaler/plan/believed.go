package plan

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// NoTemplate is the Trouble of a group of whose new nodes nothing is known, until one of its nodes tells.
const NoTemplate = "the cloud has no template of a node, and the group no good node to take for one"

// GroupsOf are the groups as they are believed to be, with what a new node of each offers by its template.
func GroupsOf(beliefs []fleet.Belief, templates []*corev1.Node) []Group {
	out := make([]Group, len(beliefs))
	for i, b := range beliefs {
		if templates[i] == nil {
			b.Trouble = cmp.Or(b.Trouble, NoTemplate)
			out[i].Belief = b
			continue
		}
		node := *templates[i]
		node.Name = "template-of-" + b.Name
		node.Labels = group.NodeLabels(node.Labels, node.Name)
		out[i] = Group{Belief: b, Template: scheduling.NodeOf(&node), Capacity: scheduling.ResourcesOf(node.Status.Capacity)}
	}
	return out
}
