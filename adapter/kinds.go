package adapter

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/restmapper"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/kube"
)

// kindsMaxAge is how long the list of kinds is believed; a new CRD is known after that time at the latest.
const kindsMaxAge = 5 * time.Minute

// kindSource asks the API server which kinds of objects it serves. It is read as a whole and rarely, since
// discovery looks up every label name of every series, and most of these are no kinds.
type kindSource struct {
	load    func(ctx context.Context) (meta.RESTMapper, error)
	current *kindTable
	loaded  time.Time
}

func newKindSource(k *kube.Kube) *kindSource {
	return &kindSource{load: func(ctx context.Context) (meta.RESTMapper, error) {
		client, err := discovery.NewDiscoveryClientForConfig(k.REST)
		if err != nil {
			return nil, err
		}
		groups, err := restmapper.GetAPIGroupResourcesWithContext(ctx, discovery.ToDiscoveryInterfaceWithContext(client))
		if err != nil {
			return nil, err
		}
		return restmapper.NewDiscoveryRESTMapper(groups), nil
	}}
}

// refresh returns the kinds; with an error, those known before, which are nil if there never were any.
func (s *kindSource) refresh(ctx context.Context, now time.Time) (*kindTable, error) {
	if s.current != nil && now.Sub(s.loaded) < kindsMaxAge {
		return s.current, nil
	}
	mapper, err := s.load(ctx)
	if err != nil {
		return s.current, err
	}
	s.current, s.loaded = &kindTable{mapper: mapper}, now
	return s.current, nil
}

// kindTable resolves kinds by what the API server served at one time. A nil table knows none.
type kindTable struct {
	mapper meta.RESTMapper
	// known remembers what was resolved; its size is bounded by the kinds that exist and their short names.
	known sync.Map
}

// Kind implements rules.Kinds.
func (t *kindTable) Kind(name schema.GroupResource) (rules.Kind, bool) {
	if t == nil {
		return rules.Kind{}, false
	}
	name.Group, name.Resource = strings.ToLower(name.Group), strings.ToLower(name.Resource)
	if kind, ok := t.known.Load(name); ok {
		return kind.(rules.Kind), true
	}
	kind, ok := t.resolve(name)
	if ok {
		t.known.Store(name, kind)
	}
	return kind, ok
}

func (t *kindTable) resolve(name schema.GroupResource) (rules.Kind, bool) {
	gvr, err := t.mapper.ResourceFor(name.WithVersion(""))
	if err != nil {
		return rules.Kind{}, false
	}
	singular, err := t.mapper.ResourceSingularizer(gvr.Resource)
	if err != nil {
		return rules.Kind{}, false
	}
	gvk, err := t.mapper.KindFor(gvr)
	if err != nil {
		return rules.Kind{}, false
	}
	mapping, err := t.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return rules.Kind{}, false
	}
	return rules.Kind{
		GroupResource: gvr.GroupResource(),
		Singular:      singular,
		GVK:           gvk,
		Namespaced:    mapping.Scope.Name() == meta.RESTScopeNameNamespace,
	}, true
}
