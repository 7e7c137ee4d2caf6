package kube

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// Objects are the API objects that a Snapshot is made of. They are only read.
type Objects struct {
	Nodes      []*corev1.Node
	Pods       []*corev1.Pod
	DaemonSets []*appsv1.DaemonSet
	Budgets    []*policyv1.PodDisruptionBudget
	// Namespaces has the labels of each.
	Namespaces map[string]map[string]string
	// OwnerMissing says that a pod's controller of that kind does not exist. nil: all exist.
	OwnerMissing func(kind, namespace, name string) bool
}

// Snapshot translates the objects. member has the group of each node that has one, and deleting says
// which nodes are going.
func (o *Objects) Snapshot(groups []plan.Group, member map[string]string, deleting func(*corev1.Node) bool) *plan.Snapshot {
	s := &plan.Snapshot{Classes: &simulate.Classes{}, Groups: groups}
	for _, n := range byName(o.Nodes) {
		s.Nodes = append(s.Nodes, plan.Node{
			Node: simulate.NodeOf(n), Group: member[n.Name], Created: n.CreationTimestamp.Time,
			Ready: ready(n), Deleting: deleting(n), Keep: n.Annotations[annotationScaleDownDisabled] == "true",
		})
	}
	budgets := o.budgets(s)
	pods := slices.DeleteFunc(byName(o.Pods), finished) // in an order, so that classes are numbered alike each time
	daemonSets := byName(o.DaemonSets)
	specs := o.specs(s.Classes, pods, daemonSets)
	for i, p := range pods {
		pod := o.podOf(p, budgets)
		pod.Class = s.Classes.Intern(specs[i])
		s.Pods = append(s.Pods, pod)
	}
	for i, ds := range daemonSets {
		s.DaemonSets = append(s.DaemonSets, plan.DaemonSet{Name: ds.Namespace + "/" + ds.Name, Class: s.Classes.Intern(specs[len(pods)+i])})
	}
	return s
}

// specs are those of the pods, and then of the DaemonSets. The classes know all of their selectors afterwards.
func (o *Objects) specs(classes *simulate.Classes, pods []*corev1.Pod, daemonSets []*appsv1.DaemonSet) []simulate.Spec {
	classes.SetNamespaces(o.Namespaces)
	out := make([]simulate.Spec, 0, len(pods)+len(daemonSets))
	for _, p := range pods {
		out = append(out, podSpec(p))
	}
	for _, ds := range daemonSets {
		out = append(out, daemonSpec(ds))
	}
	for i := range out {
		classes.Learn(&out[i])
	}
	return out
}

// podSpec is what the pod asks for. One of a DaemonSet never goes to another node than the one that its affinity
// names, which would make it, and that node, unlike all others.
func podSpec(p *corev1.Pod) simulate.Spec {
	s := simulate.SpecOf(p)
	if owner := metav1.GetControllerOfNoCopy(p); owner != nil && owner.Kind == "DaemonSet" && p.Spec.NodeName != "" {
		s.Selector, s.Affinity = nil, nil
	}
	return s
}

// byName orders objects by namespace and name.
func byName[T metav1.Object](objects []T) []T {
	return slices.SortedFunc(slices.Values(objects), func(a, b T) int {
		return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
}

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// ready is whether the node takes pods: it says so itself and has its network.
func ready(n *corev1.Node) bool {
	is := false
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type == corev1.NodeReady:
			is = c.Status == corev1.ConditionTrue
		case c.Type == corev1.NodeNetworkUnavailable && c.Status == corev1.ConditionTrue:
			return false
		}
	}
	return is && !slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool {
		return t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeNetworkUnavailable
	})
}

type budget struct {
	namespace string
	selector  labels.Selector
}

// budgets adds the disruption budgets to the snapshot; their indices there are those of the result. What
// a budget allows is 0 as long as its controller has not seen its last change.
func (o *Objects) budgets(s *plan.Snapshot) []budget {
	var out []budget
	for _, b := range byName(o.Budgets) {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil {
			selector = labels.Everything() // not to be read: better one budget too many than one too few
		}
		allowed := int(b.Status.DisruptionsAllowed)
		if b.Status.ObservedGeneration < b.Generation {
			allowed = 0
		}
		s.Budgets = append(s.Budgets, plan.Budget{Name: b.Namespace + "/" + b.Name, Allowed: allowed})
		out = append(out, budget{b.Namespace, selector})
	}
	return out
}

// daemonSpec is what a DaemonSet's pods ask for, with the tolerations that its controller adds.
func daemonSpec(ds *appsv1.DaemonSet) simulate.Spec {
	pod := corev1.Pod{ObjectMeta: ds.Spec.Template.ObjectMeta, Spec: *ds.Spec.Template.Spec.DeepCopy()}
	pod.Namespace = ds.Namespace
	add := func(key string, effect corev1.TaintEffect) {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect})
	}
	add(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	if pod.Spec.HostNetwork {
		add(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
	}
	return simulate.SpecOf(&pod)
}
