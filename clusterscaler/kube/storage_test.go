package kube

import (
	"errors"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// down answers nothing.
type down struct{ meta.RESTMapper }

func (down) RESTMapping(schema.GroupKind, ...string) (*meta.RESTMapping, error) {
	return nil, errors.New("the API server is down")
}

func TestServesDevices(t *testing.T) {
	t.Parallel()
	none := meta.NewDefaultRESTMapper(nil)
	some := meta.NewDefaultRESTMapper(nil)
	some.Add(resourcev1.SchemeGroupVersion.WithKind("ResourceClaim"), meta.RESTScopeNamespace)
	old := meta.NewDefaultRESTMapper(nil)
	old.Add(schema.GroupVersionKind{Group: resourcev1.GroupName, Version: "v1beta2", Kind: "ResourceClaim"}, meta.RESTScopeNamespace)
	for name, c := range map[string]struct {
		mapper meta.RESTMapper
		serves bool
		fails  bool
	}{
		"server without":            {none, false, false},
		"server with":               {some, true, false},
		"server with an older kind": {old, false, false},
		"server that is down":       {down{}, false, true},
	} {
		if serves, err := ServesDevices(c.mapper); serves != c.serves || (err != nil) != c.fails {
			t.Errorf("%s: %t, %v", name, serves, err)
		}
	}
}
