package kube

import (
	"context"
	"net/http"
	"sync"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/scale"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// relearnAfter is how long what was learned of the API server's versions stands, even if a request finds it wrong: objects
// that can never be scaled must not make each of their rounds ask for all kinds.
const relearnAfter = 30 * time.Second

// scales reads and writes the scale of any kind. It learns the versions of a kind once. When the API server has no such path
// any more, as after a CRD was replaced by one with another version, it learns them anew.
type scales struct {
	learn func() (scale.ScalesGetter, error)
	now   func() time.Time

	mu      sync.Mutex
	current scale.ScalesGetter
	learned time.Time
}

func newScales(config *rest.Config, httpClient *http.Client, d discovery.DiscoveryInterface, now func() time.Time) (*scales, error) {
	s := &scales{now: now, learn: func() (scale.ScalesGetter, error) {
		mapper, err := apiutil.NewDynamicRESTMapper(config, httpClient)
		if err != nil {
			return nil, err
		}
		// Both remember what they found, and ask again for what they did not: a kind may be installed later.
		return scale.New(d.RESTClient(), mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(d)), nil
	}}
	var err error
	s.current, err = s.learn()
	return s, err
}

// Scales is part of scale.ScalesGetter.
func (s *scales) Scales(namespace string) scale.ScaleInterface { return namespaced{s, namespace} }

// do calls f, and once more when the path of the first call is gone and the versions have been learned anew.
func (s *scales) do(namespace string, f func(scale.ScaleInterface) (*autoscalingv1.Scale, error)) (*autoscalingv1.Scale, error) {
	s.mu.Lock()
	used := s.current
	s.mu.Unlock()
	got, err := f(used.Scales(namespace))
	if err == nil || !pathIsGone(err) {
		return got, err
	}
	if again := s.relearned(used); again != nil {
		return f(again.Scales(namespace))
	}
	return got, err
}

// pathIsGone tells a missing path, which the API server answers without an object, from a missing object.
func pathIsGone(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// relearned is what another client than the one used has learned; nil where it is too early.
func (s *scales) relearned(used scale.ScalesGetter) scale.ScalesGetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != used {
		return s.current
	}
	if now := s.now(); now.Sub(s.learned) >= relearnAfter {
		if next, err := s.learn(); err == nil {
			s.current, s.learned = next, now
			return next
		}
	}
	return nil
}

type namespaced struct {
	of        *scales
	namespace string
}

func (n namespaced) Get(ctx context.Context, resource schema.GroupResource, name string, opts metav1.GetOptions) (*autoscalingv1.Scale, error) {
	return n.of.do(n.namespace, func(c scale.ScaleInterface) (*autoscalingv1.Scale, error) { return c.Get(ctx, resource, name, opts) })
}

func (n namespaced) Update(ctx context.Context, resource schema.GroupResource, wanted *autoscalingv1.Scale, opts metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	return n.of.do(n.namespace, func(c scale.ScaleInterface) (*autoscalingv1.Scale, error) {
		return c.Update(ctx, resource, wanted, opts)
	})
}

func (n namespaced) Patch(ctx context.Context, resource schema.GroupVersionResource, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions) (*autoscalingv1.Scale, error) {
	return n.of.do(n.namespace, func(c scale.ScaleInterface) (*autoscalingv1.Scale, error) {
		return c.Patch(ctx, resource, name, pt, data, opts)
	})
}
