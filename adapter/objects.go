package adapter

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
)

// names lists the objects that match a selector, sorted. They come from the cache: pods and nodes from the
// watches that all parts share, other kinds from a watch of their metadata that begins with the first request.
func (r *request) names(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]string, *failure) {
	list := listOf(kind)
	// Only names are read, so that the cache need not copy the objects.
	err := r.adapter.deps.Kube.Client.List(ctx, list, client.InNamespace(namespace),
		client.MatchingLabelsSelector{Selector: selector}, client.UnsafeDisableDeepCopy)
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return nil, r.fail(rules.ObjectsUnavailable, timedOut, "the watch of %s has not begun in time; is trimtab allowed to list and watch them?", kind.GroupResource)
	}
	if err != nil {
		return nil, r.fail(rules.ObjectsUnavailable, unavailable, "list %s: %v", kind.GroupResource, err)
	}
	var names []string
	err = meta.EachListItem(list, func(object runtime.Object) error {
		accessor, err := meta.Accessor(object)
		if err == nil {
			names = append(names, accessor.GetName())
		}
		return err
	})
	if err != nil {
		return nil, r.fail(rules.ObjectsUnavailable, api.Internal, "read the list of %s: %v", kind.GroupResource, err)
	}
	if len(names) == 0 {
		return nil, r.fail(rules.ObjectsUnknown, api.NotFound, "no %s match the selector %q", kind.GroupResource, selector)
	}
	slices.Sort(names)
	return names, nil
}

func listOf(kind rules.Kind) client.ObjectList {
	switch {
	case kind.Group == "" && kind.Resource == "pods":
		return &corev1.PodList{}
	case kind.Group == "" && kind.Resource == "nodes":
		return &corev1.NodeList{}
	default:
		list := &metav1.PartialObjectMetadataList{}
		gvk := kind.GVK
		gvk.Kind += "List"
		list.SetGroupVersionKind(gvk)
		return list
	}
}
