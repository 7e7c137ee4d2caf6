package scalers

import (
	"context"
	"errors"
	"fmt"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/scalers/spec"
)

// kindsEvery is how often trimtab asks the API server again for kinds that it does not serve.
const kindsEvery = 10 * time.Second

// errKindsMissing says that the API server does not serve a kind that this part needs.
var errKindsMissing = errors.New("the API server does not serve")

// connect starts to watch ScaledObjects, HPAs, TriggerAuthentications and the usual targets, if the API server serves
// them all. After a success it does nothing more.
func (s *Scalers) connect() error {
	if s.objects.Load() != nil {
		return nil
	}
	s.connecting.Lock()
	defer s.connecting.Unlock()
	if s.objects.Load() != nil {
		return nil
	}
	missing, err := kube.Missing(s.kube.Mapper, autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		keda.GroupVersion.WithKind("TriggerAuthentication"), keda.GroupVersion.WithKind("ScaledObject"))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w %s; install KEDA's CRDs, deploy/crds has them", errKindsMissing, missing)
	}
	ctx := context.Background()
	var objects cache.Informer
	for _, kind := range []client.Object{
		&appsv1.Deployment{}, &appsv1.StatefulSet{}, &autoscalingv2.HorizontalPodAutoscaler{}, &keda.TriggerAuthentication{}, &keda.ScaledObject{},
	} {
		// The last one is kept, since callers wait for its informer.
		if objects, err = s.kube.Cache.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
	}
	for _, i := range indexes() {
		if err := s.kube.Cache.IndexField(ctx, i.kind, i.name, i.values); err != nil {
			return fmt.Errorf("index %T by %s: %w", i.kind, i.name, err)
		}
	}
	_, err = objects.AddEventHandler(toolscache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if so, ok := deleted[*keda.ScaledObject](obj); ok {
			s.triggers.forget(spec.KeyOf(client.ObjectKeyFromObject(so)))
		}
	}})
	if err != nil {
		return fmt.Errorf("watch ScaledObjects: %w", err)
	}
	s.objects.Store(&objects)
	close(s.connected)
	return nil
}
