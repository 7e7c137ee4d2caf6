package kube

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Objects are the API objects that a Snapshot is made of. They are only read.
type Objects struct {
	Nodes []*corev1.Node
	// Pods are all of them; or, where Changes is not nil, what has happened to them since the last Snapshot of the same
	// Translator.
	Pods       []*corev1.Pod
	Changes    *PodChanges
	DaemonSets []*appsv1.DaemonSet
	Budgets    []*policyv1.PodDisruptionBudget
	// Namespaces has the labels of each.
	Namespaces map[string]map[string]string
	// Taints are the taints that a node has for a while only.
	Taints NodeTaints
	// ExpendableBelow is the priority below which a pod counts for nothing, as in the plan's policy.
	ExpendableBelow int32
	// OwnerMissing says that a pod's controller of that kind does not exist. nil: all exist.
	OwnerMissing func(kind, namespace, name string) bool
	// FewReplicas says that a pod's controller of that kind has too few replicas for its pods to be evicted. nil: none has.
	FewReplicas func(kind, namespace, name string) bool
	// Storage decides on volumes and device claims. nil: pods with such have a Constraint.
	Storage *kubesched.Objects
}

// podSpec is what the pod asks for. One of a DaemonSet never goes to another node than the one that its affinity
// names, which would make it, and that node, unlike all others.
func podSpec(p *corev1.Pod) scheduling.Spec {
	s := scheduling.SpecOf(p)
	if isDaemon(p) && p.Spec.NodeName != "" {
		s.NodeSelector, s.NodeAffinity = nil, nil
	}
	return s
}

// byName orders objects by namespace and name.
func byName[T metav1.Object](objects []T) []T {
	return slices.SortedFunc(slices.Values(objects), func(a, b T) int {
		return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
}

// expendable is whether the pod has a priority below that one.
func expendable(p *corev1.Pod, below int32) bool {
	return p.Spec.Priority != nil && *p.Spec.Priority < below
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

// daemonSpec is what a DaemonSet's pods ask for, with the tolerations that its controller adds.
func daemonSpec(ds *appsv1.DaemonSet) scheduling.Spec {
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
	return scheduling.SpecOf(&pod)
}
