package plan

import (
	"cmp"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// NoTemplate is the Trouble of a group of whose new nodes nothing is known, until one of its nodes tells.
const NoTemplate = "the cloud has no template of a node, and the group no good node to take for one"

// GroupsOf are the groups as they are believed to be, with what a new node offers.
func GroupsOf(beliefs []fleet.Belief) []Group {
	out := make([]Group, len(beliefs))
	for i := range beliefs {
		b := &beliefs[i]
		out[i] = Group{
			Name: b.Name, Min: b.Min, Max: b.Max, Target: b.Target, Places: b.Places, Price: b.Price, Options: b.Options,
			Failed: b.Failed, Trouble: b.Trouble, Silent: b.Silent, Unregistered: b.Unregistered,
		}
		if b.Template == nil {
			out[i].Trouble = cmp.Or(b.Trouble, NoTemplate)
			continue
		}
		node := *b.Template
		node.Name = "template-of-" + b.Name
		node.Labels = group.NodeLabels(node.Labels, node.Name)
		out[i].Template, out[i].Capacity = scheduling.NodeOf(&node), scheduling.ResourcesOf(node.Status.Capacity)
	}
	return out
}
