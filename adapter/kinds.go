package adapter

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/rules"
)

// kindsMaxAge is how long the list of kinds is cached. A new CRD is known after that time at the latest.
const kindsMaxAge = 5 * time.Minute

// kindSource asks which kinds of objects exist. It reads them all at once and rarely: discovery looks up every label
// name, and most label names are no kinds.
type kindSource struct {
	cluster Cluster
	current *kindTable
	loaded  time.Time
}

// refresh returns a list of kinds that is no older than maxAge. With an error it returns the last known kinds; nil if
// there never were any.
func (s *kindSource) refresh(ctx context.Context, now time.Time, maxAge time.Duration) (*kindTable, error) {
	if s.current != nil && now.Sub(s.loaded) < maxAge {
		return s.current, nil
	}
	mapper, err := s.cluster.Mapper(ctx)
	if err != nil {
		return s.current, err
	}
	s.current, s.loaded = &kindTable{mapper: mapper}, now
	return s.current, nil
}

// kindTable resolves kinds from the list that the API server served at one time. A nil table knows none.
type kindTable struct {
	mapper meta.RESTMapper
	// known remembers resolved kinds. Its size is bounded by the existing kinds and their short names.
	known sync.Map
}

// Kind implements rules.Kinds.
func (t *kindTable) Kind(name schema.GroupResource) (rules.Kind, bool) {
	if t == nil {
		return rules.Kind{}, false
	}
	if kind, ok := t.known.Load(name); ok {
		return kind.(rules.Kind), true
	}
	kind, ok := t.resolve(schema.GroupResource{Group: strings.ToLower(name.Group), Resource: strings.ToLower(name.Resource)})
	if ok && name.Resource == strings.ToLower(name.Resource) && name.Group == strings.ToLower(name.Group) {
		t.known.Store(name, kind)
	}
	return kind, ok
}

// kindOfObject returns the kind for an apiVersion and a kind, as HPAs name objects.
func (t *kindTable) kindOfObject(apiVersion, kind string) (rules.Kind, bool) {
	if t == nil {
		return rules.Kind{}, false
	}
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return rules.Kind{}, false
	}
	mapping, err := t.mapper.RESTMapping(version.WithKind(kind).GroupKind(), version.Version)
	if err != nil {
		return rules.Kind{}, false
	}
	return t.Kind(mapping.Resource.GroupResource())
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
