package kube

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// judging is what a Translator knows of the pods with volumes and device claims.
type judging struct {
	views kubesched.Views
	// view is that of the last Snapshot; nil where there was none of these pods and no node with devices, or nobody to judge them.
	view *kubesched.View
	// demanding are these pods, but for the finished ones.
	demanding map[*translated]bool
	trouble   error
}

// Trouble is why nobody judges the pods with volumes and device claims, which then have a Constraint; nil when all is well.
func (t *Translator) Trouble() error { return t.judging.trouble }

// follow notes whether the pod, as it is now, has volumes or device claims.
func (j *judging) follow(p *translated, gone bool) {
	if gone || p.finished || !simulate.NeedsJudge(p.object) {
		delete(j.demanding, p)
		return
	}
	if j.demanding == nil {
		j.demanding = map[*translated]bool{}
	}
	j.demanding[p] = true
}

// judge finds out anew what the pods demand, and adds those that are not to be translated anyway and demand something else.
func (t *Translator) judge(o *Objects, changed []*translated) []*translated {
	j := &t.judging
	j.view, j.trouble = nil, nil
	if len(j.demanding) == 0 && (o.Storage == nil || !o.Storage.NodeDevices()) {
		return changed
	}
	pods := make([]*translated, 0, len(j.demanding))
	for p := range j.demanding {
		pods = append(pods, p)
	}
	slices.SortFunc(pods, inOrder)
	if o.Storage != nil {
		objects := make([]*corev1.Pod, len(pods))
		for i, p := range pods {
			objects[i] = p.object
		}
		j.view, j.trouble = j.views.View(o.Storage, objects)
	}
	known := make(map[*translated]bool, len(changed))
	for _, p := range changed {
		known[p] = true
	}
	for _, p := range pods {
		demand, judged := "", j.view != nil
		if judged {
			demand = j.view.Demand(p.object)
		}
		if (demand != p.demand || judged != p.judged) && !known[p] {
			changed = append(changed, p)
		}
		p.demand, p.judged = demand, judged
	}
	slices.SortFunc(changed, inOrder)
	return changed
}

// profile is that of a node that stands.
func (t *Translator) profile(node string) string {
	if t.judging.view == nil {
		return ""
	}
	return t.judging.view.Profile(node)
}

// newNodes has for each group the profile of its new nodes, which are like those that stand; nil where nobody judges.
func (t *Translator) newNodes(nodes []*corev1.Node, member map[string]string) map[string]string {
	if t.judging.view == nil {
		return nil
	}
	of := map[string][]string{}
	for _, n := range nodes {
		of[member[n.Name]] = append(of[member[n.Name]], n.Name)
	}
	out := make(map[string]string, len(of))
	for group, names := range of {
		out[group], _ = t.judging.view.NewNodeProfile(names)
	}
	return out
}

// lacks is whether the node of the group may not have all of its drivers and devices yet.
func (t *Translator) lacks(node, group string, newNodes map[string]string) bool {
	return group != "" && t.judging.view != nil && t.judging.view.Lacks(node, newNodes[group])
}

// profiled are the groups with the profiles of their new nodes.
func (t *Translator) profiled(groups []plan.Group, newNodes map[string]string) []plan.Group {
	if t.judging.view == nil {
		return groups
	}
	none, _ := t.judging.view.NewNodeProfile(nil)
	groups = slices.Clone(groups)
	for i := range groups {
		groups[i].Template.Profile = none
		if profile, has := newNodes[groups[i].Name]; has {
			groups[i].Template.Profile = profile
		}
	}
	return groups
}
