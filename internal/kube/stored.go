package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Stored lists the objects of a kind in a cache, without copying: they must not be changed. A list of values would be
// one piece of memory, which a single remembered object would keep as a whole.
func Stored[T any](ctx context.Context, c cache.Cache, kind client.Object) ([]*T, error) {
	informer, err := c.GetInformer(ctx, kind)
	if err != nil {
		return nil, err
	}
	holder, ok := informer.(interface{ GetStore() toolscache.Store })
	if !ok {
		return nil, fmt.Errorf("the cache's informer, a %T, has no store", informer)
	}
	held := holder.GetStore().List()
	out := make([]*T, 0, len(held))
	for _, object := range held {
		if one, ok := object.(*T); ok {
			out = append(out, one)
		}
	}
	return out, nil
}

// Pods are all pods of the cluster. They are the cache's own, and must not be changed.
func (k *Kube) Pods(ctx context.Context) ([]*corev1.Pod, error) {
	if k.Cache != nil {
		return Stored[corev1.Pod](ctx, k.Cache, &corev1.Pod{})
	}
	var list corev1.PodList
	if err := k.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	out := make([]*corev1.Pod, len(list.Items))
	for i := range list.Items {
		out[i] = &list.Items[i]
	}
	return out, nil
}
