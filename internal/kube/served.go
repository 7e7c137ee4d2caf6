package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Missing returns the kinds that the API server does not serve in that version. The server may be older, the kinds may
// be disabled, or the CRDs may be missing. They may be added later. A repeated call makes requests only for missing
// kinds.
func Missing(m meta.RESTMapper, kinds ...schema.GroupVersionKind) ([]schema.GroupVersionKind, error) {
	var missing []schema.GroupVersionKind
	for _, kind := range kinds {
		_, err := m.RESTMapping(kind.GroupKind(), kind.Version)
		switch {
		case meta.IsNoMatchError(err):
			missing = append(missing, kind)
		case err != nil:
			return nil, fmt.Errorf("ask whether the API server serves %s: %w", kind, err)
		}
	}
	return missing, nil
}
