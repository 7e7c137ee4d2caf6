package adapter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/kube"
)

// Cluster is what the adapter reads of a cluster. It is safe for concurrent use. Callers must not change what it
// returns.
type Cluster interface {
	// Mapper knows the kinds of objects that exist now.
	Mapper(ctx context.Context) (meta.RESTMapper, error)
	// Objects are the objects of a kind that the selector matches, sorted by namespace and name. An empty namespace
	// means all namespaces.
	Objects(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]metav1.Object, error)
	// Names are the names of the Objects, in the same order.
	Names(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]string, error)
	// HPAs are all HorizontalPodAutoscalers.
	HPAs(ctx context.Context) ([]*autoscalingv2.HorizontalPodAutoscaler, error)
}

// watched is the cluster as the process's watches show it. Pods and nodes come from the watches that all parts share.
// For each other kind, the first request starts a watch of its metadata.
type watched struct {
	kube *kube.Kube
	// kinds has the watch of each requested rules.Kind, as a *watch.
	kinds sync.Map
}

// watch holds the objects of one kind.
type watch struct {
	cache.Indexer
	selections selections
}

func (w *watched) Mapper(ctx context.Context) (meta.RESTMapper, error) {
	client, err := discovery.NewDiscoveryClientForConfig(w.kube.REST)
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResourcesWithContext(ctx, discovery.ToDiscoveryInterfaceWithContext(client))
	if err != nil {
		return nil, err
	}
	return restmapper.NewDiscoveryRESTMapper(groups), nil
}

func (w *watched) Objects(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]metav1.Object, error) {
	watch, err := w.watch(ctx, kind)
	if err != nil {
		return nil, err
	}
	return watch.objects(namespace, selector)
}

func (w *watched) Names(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]string, error) {
	watch, err := w.watch(ctx, kind)
	if err != nil {
		return nil, err
	}
	key := selected{namespace, selector.String()}
	names, ok, seen := watch.selections.find(key)
	if ok {
		return names, nil
	}
	objects, err := watch.objects(namespace, selector)
	if err != nil {
		return nil, err
	}
	names = namesOf(objects)
	watch.selections.keep(key, names, seen)
	return names, nil
}

func (w *watch) objects(namespace string, selector labels.Selector) (out []metav1.Object, err error) {
	var all []any
	if namespace == "" {
		all = w.List()
	} else if all, err = w.ByIndex(cache.NamespaceIndex, namespace); err != nil {
		return nil, err
	}
	for _, one := range all {
		if object, ok := one.(metav1.Object); ok && selector.Matches(labels.Set(object.GetLabels())) {
			out = append(out, object)
		}
	}
	SortObjects(out)
	return out, nil
}

// SortObjects puts objects into the order of Cluster.Objects.
func SortObjects(objects []metav1.Object) {
	slices.SortFunc(objects, func(a, b metav1.Object) int {
		if c := strings.Compare(a.GetNamespace(), b.GetNamespace()); c != 0 {
			return c
		}
		return strings.Compare(a.GetName(), b.GetName())
	})
}

func (w *watched) HPAs(ctx context.Context) ([]*autoscalingv2.HorizontalPodAutoscaler, error) {
	var list autoscalingv2.HorizontalPodAutoscalerList
	if err := w.kube.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	out := make([]*autoscalingv2.HorizontalPodAutoscaler, len(list.Items))
	for i := range list.Items {
		out[i] = &list.Items[i]
	}
	return out, nil
}

// watch returns the watch of a kind. The first request starts it and waits for its first list.
func (w *watched) watch(ctx context.Context, kind rules.Kind) (*watch, error) {
	if known, ok := w.kinds.Load(kind); ok {
		return known.(*watch), nil
	}
	object := objectOf(kind)
	if partial, ok := object.(*metav1.PartialObjectMetadata); ok {
		// Without permission a watch would wait for ever. A list with limit 1 fails at once.
		list := &metav1.PartialObjectMetadataList{}
		gvk := partial.GroupVersionKind()
		gvk.Kind += "List"
		list.SetGroupVersionKind(gvk)
		if err := w.kube.Live.List(ctx, list, client.Limit(1)); err != nil {
			return nil, err
		}
	}
	informer, err := w.kube.Cache.GetInformer(ctx, object)
	if err != nil {
		return nil, err
	}
	shared, ok := informer.(interface{ GetIndexer() cache.Indexer })
	if !ok {
		return nil, fmt.Errorf("the watch of %s keeps no index", kind.GroupResource)
	}
	begun := &watch{Indexer: shared.GetIndexer()}
	handler, err := informer.AddEventHandler(&begun.selections)
	if err != nil {
		return nil, fmt.Errorf("learn of changes of %s: %w", kind.GroupResource, err)
	}
	if known, other := w.kinds.LoadOrStore(kind, begun); other {
		return known.(*watch), informer.RemoveEventHandler(handler)
	}
	return begun, nil
}

func objectOf(kind rules.Kind) client.Object {
	switch {
	case kind.Group == "" && kind.Resource == "pods":
		return &corev1.Pod{}
	case kind.Group == "" && kind.Resource == "nodes":
		return &corev1.Node{}
	default:
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind.GVK)
		return object
	}
}
