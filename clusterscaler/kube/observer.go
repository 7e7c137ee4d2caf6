package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	internalkube "github.com/trimtab/trimtab/internal/kube"
)

// Observer reads the cluster.
type Observer struct {
	// Cached answers from memory.
	Cached client.Reader
	// Live asks the API server.
	Live client.Reader
	// Taints are those of nodes that pass.
	Taints NodeTaints
	// MinReplicas is how many replicas a ReplicaSet or ReplicationController must have for its pods to be evicted.
	MinReplicas int
	// ExpendableBelow is that of the Objects.
	ExpendableBelow int32
	// Pods and Nodes list all of them without copying them; nil lists them from Cached.
	Pods  func(context.Context) ([]*corev1.Pod, error)
	Nodes func(context.Context) ([]*corev1.Node, error)
	// Changes, if it is not nil, is what Observe gives instead of all pods.
	Changes *PodChanges
	// Missing, if it is not nil, says which of the Optional kinds the server does not serve. They count as empty.
	Missing func(kind string) bool
}

// StoredPods lists the pods that a cache holds, the very objects: they must not be changed.
func StoredPods(c cache.Cache) func(context.Context) ([]*corev1.Pod, error) {
	return func(ctx context.Context) ([]*corev1.Pod, error) {
		return internalkube.Stored[corev1.Pod](ctx, c, &corev1.Pod{})
	}
}

// StoredNodes lists the nodes that a cache holds, the very objects: they must not be changed.
func StoredNodes(c cache.Cache) func(context.Context) ([]*corev1.Node, error) {
	return func(ctx context.Context) ([]*corev1.Node, error) {
		return internalkube.Stored[corev1.Node](ctx, c, &corev1.Node{})
	}
}

func (o Observer) pods(ctx context.Context) ([]*corev1.Pod, error) {
	if o.Pods != nil {
		return o.Pods(ctx)
	}
	var list corev1.PodList
	if err := o.Cached.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	return pointers(list.Items), nil
}

func (o Observer) nodes(ctx context.Context) ([]*corev1.Node, error) {
	if o.Nodes != nil {
		return o.Nodes(ctx)
	}
	var list corev1.NodeList
	if err := o.Cached.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	return pointers(list.Items), nil
}

// Observe reads all objects from the cache. They are shared with it, and must not be changed.
func (o Observer) Observe(ctx context.Context) (*Objects, error) {
	objects, err := o.withoutPods(ctx)
	if err != nil || o.Changes != nil {
		return objects, err
	}
	objects.Pods, err = o.pods(ctx)
	return objects, err
}

func (o Observer) withoutPods(ctx context.Context) (*Objects, error) {
	nodes, err := o.nodes(ctx)
	if err != nil {
		return nil, err
	}
	var daemonSets appsv1.DaemonSetList
	var budgets policyv1.PodDisruptionBudgetList
	for _, l := range []struct {
		name string
		list client.ObjectList
	}{{"daemonsets", &daemonSets}, {"poddisruptionbudgets", &budgets}} {
		if err := o.Cached.List(ctx, l.list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %s: %w", l.name, err)
		}
	}
	missing, few, err := o.owners(ctx)
	if err != nil {
		return nil, err
	}
	namespaces, err := o.namespaces(ctx)
	if err != nil {
		return nil, err
	}
	storage, err := o.storage(ctx)
	if err != nil {
		return nil, err
	}
	return &Objects{
		Nodes: nodes, Changes: o.Changes, DaemonSets: pointers(daemonSets.Items),
		Budgets: pointers(budgets.Items), Taints: o.Taints, ExpendableBelow: o.ExpendableBelow, OwnerMissing: missing, FewReplicas: few, Namespaces: namespaces, Storage: storage,
	}, nil
}

// namespaces are the labels of each.
func (o Observer) namespaces(ctx context.Context) (map[string]map[string]string, error) {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if err := o.Cached.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	out := make(map[string]map[string]string, len(list.Items))
	for i := range list.Items {
		out[list.Items[i].Name] = list.Items[i].Labels
	}
	return out, nil
}

// ObserveFresh is Observe with the node and the pods on it as the API server has them now.
func (o Observer) ObserveFresh(ctx context.Context, name string) (*Objects, error) {
	objects, err := o.withoutPods(ctx)
	if err != nil {
		return nil, err
	}
	objects.Changes = nil
	all, err := o.pods(ctx)
	if err != nil {
		return nil, err
	}
	node := &corev1.Node{}
	if err := o.Live.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
		return nil, fmt.Errorf("get node %s: %w", name, err)
	}
	pods, err := podsOn(ctx, o.Live, name)
	if err != nil {
		return nil, err
	}
	for i, n := range objects.Nodes {
		if n.Name == name {
			objects.Nodes[i] = node
		}
	}
	here := map[client.ObjectKey]bool{}
	for i := range pods {
		here[client.ObjectKeyFromObject(&pods[i])] = true
	}
	kept := pointers(pods)
	for _, p := range all {
		if p.Spec.NodeName != name && !here[client.ObjectKeyFromObject(p)] {
			kept = append(kept, p)
		}
	}
	objects.Pods = kept
	return objects, nil
}

// podsOn lists the pods bound to a node.
func podsOn(ctx context.Context, r client.Reader, node string) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := r.List(ctx, &list, client.MatchingFields{"spec.nodeName": node}); err != nil {
		return nil, fmt.Errorf("list pods of node %s: %w", node, err)
	}
	return list.Items, nil
}

// owners says which controllers do not exist, of the kinds that Kubernetes itself brings, and which have fewer replicas
// than MinReplicas.
func (o Observer) owners(ctx context.Context) (missing, few func(kind, namespace, name string) bool, err error) {
	type key struct{ kind, namespace, name string }
	exists, tooFew := map[key]bool{}, map[key]bool{}
	if o.MinReplicas > 0 {
		var controllers corev1.ReplicationControllerList
		if err := o.Cached.List(ctx, &controllers, client.UnsafeDisableDeepCopy); err != nil {
			return nil, nil, fmt.Errorf("list replicationcontrollers: %w", err)
		}
		for i := range controllers.Items {
			c := &controllers.Items[i]
			tooFew[key{"ReplicationController", c.Namespace, c.Name}] = c.Spec.Replicas != nil && int(*c.Spec.Replicas) < o.MinReplicas
		}
	}
	var replicaSets appsv1.ReplicaSetList // whole, since other parts keep them too
	if err := o.Cached.List(ctx, &replicaSets, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, fmt.Errorf("list replicasets: %w", err)
	}
	for i := range replicaSets.Items {
		rs := &replicaSets.Items[i]
		exists[key{"ReplicaSet", rs.Namespace, rs.Name}] = true
		tooFew[key{"ReplicaSet", rs.Namespace, rs.Name}] = rs.Spec.Replicas != nil && int(*rs.Spec.Replicas) < o.MinReplicas
	}
	kinds := map[string]bool{"ReplicaSet": true}
	for _, gvk := range []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "StatefulSet"},
		{Group: "batch", Version: "v1", Kind: "Job"},
		{Version: "v1", Kind: "ReplicationController"},
	} {
		var list metav1.PartialObjectMetadataList
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		if err := o.Cached.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, nil, fmt.Errorf("list the kind %s: %w", gvk.Kind, err)
		}
		kinds[gvk.Kind] = true
		for i := range list.Items {
			exists[key{gvk.Kind, list.Items[i].Namespace, list.Items[i].Name}] = true
		}
	}
	missing = func(kind, namespace, name string) bool { return kinds[kind] && !exists[key{kind, namespace, name}] }
	few = func(kind, namespace, name string) bool { return tooFew[key{kind, namespace, name}] }
	return missing, few, nil
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}
