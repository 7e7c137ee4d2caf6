package kube

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// translatedNode is a node as it was read.
type translatedNode struct {
	object *corev1.Node
	seen   seen
	node   *plan.Node
}

// seen is what is known of a node beside its object.
type seen struct {
	group, profile    string
	lacking, deleting bool
}

// translateNodes gives those nodes anew that are different for a plan: a kubelet that reports again makes none.
func (t *Translator) translateNodes(objects []*corev1.Node, passing *NodeTaints, member, newNodes map[string]string, deleting func(*corev1.Node) bool) []*plan.Node {
	before := t.nodes
	t.nodes = make(map[string]*translatedNode, len(objects))
	out := make([]*plan.Node, len(objects))
	for i, object := range objects {
		group, going := member[object.Name], deleting(object)
		t.nodes[object.Name] = again(before[object.Name], object, passing, seen{group, t.profile(object.Name), t.lacks(object.Name, group, newNodes), going})
		out[i] = t.nodes[object.Name].node
	}
	return out
}

// again is the node as it was, if it still is, or a new one.
func again(before *translatedNode, object *corev1.Node, passing *NodeTaints, s seen) *translatedNode {
	if before != nil && before.seen == s && unchanged(before.object, object) {
		return before
	}
	next := nodeOf(object, passing)
	next.Group, next.Profile, next.Lacking, next.Deleting = s.group, s.profile, s.lacking, s.deleting
	if before != nil && reflect.DeepEqual(before.node, next) {
		next = before.node
	}
	return &translatedNode{object, s, next}
}

// unchanged is whether both are one object in one version.
func unchanged(a, b *corev1.Node) bool {
	return a == b || a.ResourceVersion != "" && a.ResourceVersion == b.ResourceVersion && a.UID == b.UID
}

func nodeOf(n *corev1.Node, passing *NodeTaints) *plan.Node {
	out := &plan.Node{
		Node: scheduling.NodeOf(n), Capacity: scheduling.ResourcesOf(n.Status.Capacity), Created: n.CreationTimestamp.Time,
		Ready: ready(n), Keep: n.Annotations[annotationScaleDownDisabled] == "true", DeletingSince: goingSince(n),
	}
	passing.await(n, out)
	return out
}
