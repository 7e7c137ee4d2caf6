package kubesched

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/core"
	informersv1 "k8s.io/client-go/informers/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
)

// factory hands informers to the plugins that never run: their indexes are filled by hand. Volumes are found in the order
// of their names, so that of equal ones always the same is chosen.
type factory struct {
	informers.SharedInformerFactory
}

// newFactory makes one that holds the objects, but for the CSINodes.
func newFactory(o *Objects) (factory, error) {
	f := factory{informers.NewSharedInformerFactory(nil, 0)}
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
func (f factory) Core() core.Interface { return coreGroup{f.SharedInformerFactory.Core()} }

type coreGroup struct{ core.Interface }

func (g coreGroup) V1() informersv1.Interface { return coreV1{g.Interface.V1()} }

type coreV1 struct{ informersv1.Interface }

func (v coreV1) PersistentVolumes() informersv1.TypedPersistentVolumeInformer {
	return volumes{v.Interface.PersistentVolumes()}
}

type volumes struct {
	informersv1.TypedPersistentVolumeInformer
}

func (v volumes) Informer() toolscache.SharedIndexInformer {
	return ordered{v.TypedPersistentVolumeInformer.Informer()}
}

type ordered struct{ toolscache.SharedIndexInformer }

func (o ordered) GetIndexer() toolscache.Indexer {
	return orderedIndexer{o.SharedIndexInformer.GetIndexer()}
}

type orderedIndexer struct{ toolscache.Indexer }

func (o orderedIndexer) ByIndex(name, value string) ([]any, error) {
	found, err := o.Indexer.ByIndex(name, value)
	slices.SortFunc(found, func(a, b any) int { return cmp.Compare(volumeName(a), volumeName(b)) })
	return found, err
}

func volumeName(object any) string {
	if v, ok := object.(*corev1.PersistentVolume); ok {
		return v.Name
	}
	return ""
}
