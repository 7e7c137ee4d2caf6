package adapter

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/rules"
)

// names lists the objects that match a selector, sorted.
func (r *request) names(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]string, *failure) {
	names, f := fromWatch(ctx, r, kind, func(ctx context.Context) ([]string, error) {
		return r.adapter.cluster.Names(ctx, kind, namespace, selector)
	})
	if f == nil && len(names) == 0 {
		return nil, r.fail(rules.ObjectsUnknown, api.NotFound, "no %s match the selector %q", kind.GroupResource, selector)
	}
	return names, f
}

// objects lists the objects that match a selector, in the order of Cluster.Objects.
func (r *request) objects(ctx context.Context, kind rules.Kind, namespace string, selector labels.Selector) ([]metav1.Object, *failure) {
	return fromWatch(ctx, r, kind, func(ctx context.Context) ([]metav1.Object, error) {
		return r.adapter.cluster.Objects(ctx, kind, namespace, selector)
	})
}

// fromWatch returns what list gives within the request's time, or why the objects of the kind cannot be listed.
func fromWatch[T any](ctx context.Context, r *request, kind rules.Kind, list func(context.Context) ([]T, error)) ([]T, *failure) {
	ctx, cancel := context.WithTimeout(ctx, r.adapter.requestTimeout()) // a watch may have to start first
	defer cancel()
	out, err := list(ctx)
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return nil, r.fail(rules.ObjectsUnavailable, timedOut, "the watch of %s has not begun in time; is trimtab allowed to list and watch them?", kind.GroupResource)
	}
	if apierrors.IsForbidden(err) {
		return nil, r.fail(rules.ObjectsUnavailable, api.Internal, "trimtab needs the right to list and watch %s"+seeCause, kind.GroupResource).because(err)
	}
	if err != nil {
		return nil, r.fail(rules.ObjectsUnavailable, unavailable, "%s cannot be listed"+seeCause, kind.GroupResource).because(err)
	}
	return out, nil
}
