package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// NodeTaints are the taints that a node has for a while only, and that a new node of its group does not have. The zero value
// knows the keys of Kubernetes and cluster-autoscaler.
type NodeTaints struct {
	// Startup are the keys of taints that a node has until it has started, and StartupPrefixes what further such keys
	// begin with.
	Startup, StartupPrefixes []string
	// Status are the keys of taints that come and go on nodes that are ready.
	Status []string
}

// startup is whether a node has the taint until it has started.
func (t *NodeTaints) startup(key string) bool {
	return group.StartupTaint(key) || slices.Contains(t.Startup, key) ||
		slices.ContainsFunc(t.StartupPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// passing is whether a new node of the group does not have the taint, though this one does.
func (t *NodeTaints) passing(key string) bool {
	return group.TransientTaint(key) || t.startup(key) || slices.Contains(t.Status, key)
}

// OfTemplate returns the taints that a new node has once it has started. taints are those of its template, or of a node like it.
func (t *NodeTaints) OfTemplate(taints []scheduling.Taint) []scheduling.Taint {
	return lacking(taints, t.passing)
}

// lacking are the taints but those with some keys. It changes nothing.
func lacking(taints []scheduling.Taint, key func(string) bool) []scheduling.Taint {
	drop := func(taint scheduling.Taint) bool { return key(taint.Key) }
	if !slices.ContainsFunc(taints, drop) {
		return taints
	}
	return slices.DeleteFunc(slices.Clone(taints), drop)
}

// templates are the groups with the taints of their nodes once these have started.
func (t *NodeTaints) templates(groups []plan.Group) []plan.Group {
	out := slices.Clone(groups)
	for i := range out {
		out[i].Template.Taints = t.OfTemplate(out[i].Template.Taints)
	}
	return out
}

// await makes a node that has a startup taint one that is not ready, and that will be without the taint.
func (t *NodeTaints) await(object *corev1.Node, n *plan.Node) {
	if slices.ContainsFunc(object.Spec.Taints, func(taint corev1.Taint) bool { return t.startup(taint.Key) }) {
		n.Taints, n.Ready = lacking(n.Taints, t.startup), false
	}
}
