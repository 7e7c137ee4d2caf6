package kube

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// pluginPods are the pods with volumes and device claims, on which FilterPlugins decide.
type pluginPods struct {
	cache kubesched.Cache
	// snapshot is that of the last plan.Snapshot. It is nil where there were no such pods and no node with devices, and where it
	// could not be made.
	snapshot *kubesched.Snapshot
	// demanding are these pods, but for the finished ones. extended are the pods that ask for extended resources: a DeviceClass
	// may provide some of them.
	demanding, extended map[*translated]bool
	// groups are those of the Snapshot.
	groups  []plan.Group
	trouble error
}

// Trouble is why there are no FilterPlugins for pods with volumes and device claims, which then have a Constraint; nil when all is
// well.
func (t *Translator) Trouble() error { return t.pluginPods.trouble }

// follow notes whether the pod, as it is now, has volumes or device claims, or may be given one. gone says that it does not
// count any more. The volumes of one that never counts stay attached all the same, and its claims keep their devices.
func (j *pluginPods) follow(p *translated, gone bool) {
	gone = gone || p.finished
	note(&j.demanding, p, !gone && scheduling.NeedsFilterPlugins(p.object))
	note(&j.extended, p, !gone && asksExtended(p.object))
}

func note(set *map[*translated]bool, p *translated, is bool) {
	switch {
	case !is:
		delete(*set, p)
	case *set == nil:
		*set = map[*translated]bool{p: true}
	default:
		(*set)[p] = true
	}
}

// asksExtended is whether a container asks for something with a domain in its name.
func asksExtended(p *corev1.Pod) bool {
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if strings.Contains(string(name), "/") {
					return true
				}
			}
		}
	}
	return false
}

// deviceResources are the extended resources that are devices here, none of which a node or a new node of a group offers.
func (j *pluginPods) deviceResources(o *Objects) kubesched.DeviceResources {
	if len(j.extended) == 0 || o.Storage == nil {
		return nil
	}
	return o.Storage.DeviceResources(func(name corev1.ResourceName) bool {
		return slices.ContainsFunc(o.Nodes, func(n *corev1.Node) bool {
			q, has := n.Status.Allocatable[name]
			return has && q.Sign() > 0
		}) || slices.ContainsFunc(j.groups, func(g plan.Group) bool { return g.Template.Allocatable.Other(string(name)) > 0 })
	})
}

// pluginPod is a pod as the FilterPlugins see it.
type pluginPod struct {
	pod *corev1.Pod
	// devices are the extended resources that the pod has by a claim.
	devices kubesched.DeviceResources
}

// updateDemands finds the Demand of each pod anew, and adds to changed the pods whose Demand has changed.
func (t *Translator) updateDemands(o *Objects, changed []*translated) []*translated {
	j := &t.pluginPods
	j.snapshot, j.trouble = nil, nil
	seen, claims := j.pluginPods(o)
	pods := slices.SortedFunc(maps.Keys(seen), inOrder)
	if o.Storage != nil && (len(pods) > 0 || o.Storage.NodeDevices()) {
		objects := make([]*corev1.Pod, len(pods))
		for i, p := range pods {
			objects[i] = seen[p].pod
		}
		storage := *o.Storage
		storage.DeviceClaims = slices.Concat(storage.DeviceClaims, claims)
		j.snapshot, j.trouble = j.cache.Snapshot(&storage, objects)
	}
	known := make(map[*translated]bool, len(changed))
	for _, p := range changed {
		known[p] = true
	}
	again := func(p *translated, demand string, withPlugins bool, devices kubesched.DeviceResources) {
		if (demand != p.demand || withPlugins != p.withPlugins || !maps.Equal(devices, p.devices)) && !known[p] {
			changed, known[p] = append(changed, p), true
		}
		p.demand, p.withPlugins, p.devices = demand, withPlugins, devices
	}
	for _, p := range pods {
		if j.snapshot == nil {
			again(p, "", false, nil)
			continue
		}
		again(p, j.snapshot.Demand(p.object), true, seen[p].devices)
	}
	for p := range j.extended {
		if _, is := seen[p]; !is && p.withPlugins {
			again(p, "", false, nil)
		}
	}
	slices.SortFunc(changed, inOrder)
	return changed
}

// pluginPods are these pods as the plugins see them, and the claims that are made for some of them.
func (j *pluginPods) pluginPods(o *Objects) (map[*translated]pluginPod, []*resourcev1.ResourceClaim) {
	out := make(map[*translated]pluginPod, len(j.demanding))
	for p := range j.demanding {
		out[p] = pluginPod{pod: p.object}
	}
	resources := j.deviceResources(o)
	if len(resources) == 0 {
		return out, nil
	}
	var claims []*resourcev1.ResourceClaim
	for p := range j.extended {
		claiming, claim := resources.Claim(p.object)
		if claiming == p.object {
			continue
		}
		out[p] = pluginPod{claiming, resources}
		if claim != nil {
			claims = append(claims, claim)
		}
	}
	return out, claims
}

// profile is that of a node that stands.
func (t *Translator) profile(node string) string {
	if t.pluginPods.snapshot == nil {
		return ""
	}
	return t.pluginPods.snapshot.Profile(node)
}

// newNodes has for each group the profile of its new nodes, which are like its present ones. It is nil without FilterPlugins.
func (t *Translator) newNodes(nodes []*corev1.Node, member map[string]string) map[string]string {
	if t.pluginPods.snapshot == nil {
		return nil
	}
	of := map[string][]string{}
	for _, n := range nodes {
		of[member[n.Name]] = append(of[member[n.Name]], n.Name)
	}
	out := make(map[string]string, len(of))
	for group, names := range of {
		out[group], _ = t.pluginPods.snapshot.NewNodeProfile(names)
	}
	return out
}

// lacks is whether the node of the group may not have all of its drivers and devices yet.
func (t *Translator) lacks(node, group string, newNodes map[string]string) bool {
	return group != "" && t.pluginPods.snapshot != nil && t.pluginPods.snapshot.Lacks(node, newNodes[group])
}

// profiled are the groups with the profiles of their new nodes.
func (t *Translator) profiled(groups []plan.Group, newNodes map[string]string) []plan.Group {
	if t.pluginPods.snapshot == nil {
		return groups
	}
	none, _ := t.pluginPods.snapshot.NewNodeProfile(nil)
	groups = slices.Clone(groups)
	for i := range groups {
		groups[i].Template.Profile = none
		if profile, has := newNodes[groups[i].Name]; has {
			groups[i].Template.Profile = profile
		}
	}
	return groups
}
