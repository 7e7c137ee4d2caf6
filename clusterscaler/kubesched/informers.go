package kubesched

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/core"
	informersv1 "k8s.io/client-go/informers/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/storage/volume"
)

// factory gives the plugins informers that never run: their indexes are filled by hand. Of the volumes of a class, the plugins
// find those only that may be bound to a claim. They are sorted by name, so that the plugins always choose the same of equal ones.
type factory struct {
	informers.SharedInformerFactory
	// open are by class the volumes without a claim, or with a claim that has no volume yet.
	open map[string][]any
}

// newFactory makes one that holds the objects, but for the CSINodes and the VolumeAttachments.
func newFactory(o *Objects, claims map[types.NamespacedName]*corev1.PersistentVolumeClaim) (factory, error) {
	f := factory{informers.NewSharedInformerFactory(nil, 0), map[string][]any{}}
	for _, v := range sorted(o.Volumes) {
		if ref := v.Spec.ClaimRef; ref != nil {
			c := claims[types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}]
			if c == nil || c.Spec.VolumeName != "" {
				continue
			}
		}
		class := volume.GetPersistentVolumeClass(v)
		f.open[class] = append(f.open[class], v)
	}
	storage := f.Storage().V1()
	return f, firstError(
		fill(f.Core().V1().PersistentVolumeClaims().Informer(), o.Claims),
		fill(f.Core().V1().PersistentVolumes().Informer(), o.Volumes),
		fill(storage.StorageClasses().Informer(), o.StorageClasses),
		fill(storage.CSIDrivers().Informer(), o.CSIDrivers),
		fill(storage.CSIStorageCapacities().Informer(), o.StorageCapacities),
	)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func fill[T any](informer toolscache.SharedIndexInformer, objects []T) error {
	for _, o := range objects {
		if err := informer.GetIndexer().Add(o); err != nil {
			return fmt.Errorf("index a %T: %w", o, err)
		}
	}
	return nil
}

// Core implements informers.SharedInformerFactory.
func (f factory) Core() core.Interface { return coreGroup{f.SharedInformerFactory.Core(), f.open} }

type coreGroup struct {
	core.Interface
	open map[string][]any
}

func (g coreGroup) V1() informersv1.Interface { return coreV1{g.Interface.V1(), g.open} }

type coreV1 struct {
	informersv1.Interface
	open map[string][]any
}

func (v coreV1) PersistentVolumes() informersv1.TypedPersistentVolumeInformer {
	return volumes{v.Interface.PersistentVolumes(), v.open}
}

type volumes struct {
	informersv1.TypedPersistentVolumeInformer
	open map[string][]any
}

func (v volumes) Informer() toolscache.SharedIndexInformer {
	return openVolumes{v.TypedPersistentVolumeInformer.Informer(), v.open}
}

type openVolumes struct {
	toolscache.SharedIndexInformer
	open map[string][]any
}

func (o openVolumes) GetIndexer() toolscache.Indexer {
	return openIndexer{o.SharedIndexInformer.GetIndexer(), o.open}
}

type openIndexer struct {
	toolscache.Indexer
	open map[string][]any
}

// ByIndex implements toolscache.Indexer. VolumeBinding asks by one index, that of classes.
func (o openIndexer) ByIndex(_, class string) ([]any, error) { return o.open[class], nil }
