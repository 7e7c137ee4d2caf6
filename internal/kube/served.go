package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Missing are those of the kinds that the API server does not serve in that version: an older server, one that has them
// switched off, or one without the CRDs. What is missing may come later; asking again costs a request only for what is.
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
