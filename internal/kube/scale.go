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

// relearnAfter is how long discovered versions are kept, even if a request shows that they are wrong. Objects that can
// never be scaled must not start a discovery in each of their rounds.
const relearnAfter = 30 * time.Second

// scales reads and writes the scale of any kind. It discovers the versions of a kind once. If the API server no longer
// has such a path, for example because a CRD has another version now, it discovers them again.
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
		// Both cache what they find, and ask again for what they do not find: a kind may be installed later.
		return scale.New(d.RESTClient(), mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(d)), nil
	}}
	var err error
	s.current, err = s.learn()
	return s, err
}

// Scales is part of scale.ScalesGetter.
func (s *scales) Scales(namespace string) scale.ScaleInterface { return namespaced{s, namespace} }

// do calls f. If the path no longer exists and the versions were discovered again, it calls f once more.
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

// pathIsGone is true for a missing path, not for a missing object. For a missing path, the API server's answer is no
// Status.
func pathIsGone(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// relearned is a client with versions that were discovered after the used client's; nil where it is too early.
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
