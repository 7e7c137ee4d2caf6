package spec

import (
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// scaledObject is the kind of the owners that OwnerOf makes.
const scaledObject = "ScaledObject"

// Owner is an object with triggers, of any kind. Whatever opens and reads triggers knows no more of it.
type Owner struct {
	OwnerKey
	UID        types.UID
	Generation int64
	// Triggers may be shared with the cache, so they must not be changed.
	Triggers []keda.ScaleTriggers
}

// OwnerKey names an Owner. Objects of two kinds may have the same name.
type OwnerKey struct {
	Kind string
	types.NamespacedName
}

// OwnerOf is so as the owner of its triggers.
func OwnerOf(so *keda.ScaledObject) Owner {
	key := types.NamespacedName{Namespace: so.Namespace, Name: so.Name}
	return Owner{OwnerKey: KeyOf(key), UID: so.UID, Generation: so.Generation, Triggers: so.Spec.Triggers}
}

// KeyOf is the key of the ScaledObject with that name.
func KeyOf(name types.NamespacedName) OwnerKey { return OwnerKey{scaledObject, name} }

// IsScaledObject is true for a key that KeyOf has made.
func (k OwnerKey) IsScaledObject() bool { return k.Kind == scaledObject }
