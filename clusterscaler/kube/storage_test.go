package kube

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// The cluster is observed also where the API server has none of the optional kinds; they are then not asked for.
func TestObserveWithoutOptionalKinds(t *testing.T) {
	t.Parallel()
	lacks := func(kind string) bool {
		return slices.ContainsFunc(Optional(), func(k schema.GroupVersionKind) bool { return k.Kind == kind })
	}
	server := fake.NewClientBuilder().WithObjects(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}).
		WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			gvk, err := c.GroupVersionKindFor(l)
			if err == nil && lacks(strings.TrimSuffix(gvk.Kind, "List")) {
				return &meta.NoKindMatchError{GroupKind: gvk.GroupKind()}
			}
			return c.List(ctx, l, opts...)
		}}).Build()
	o := Observer{Cached: server, Live: server}
	if _, err := o.Observe(t.Context()); !meta.IsNoMatchError(err) {
		t.Errorf("a kind that is thought to be served and is not: %v", err)
	}
	o.Missing = lacks
	if seen, err := o.Observe(t.Context()); err != nil || len(seen.Nodes) != 1 {
		t.Errorf("%v, %v", seen, err)
	}
}
