package scalers

import (
	"context"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/status"
)

// ownerIndex is the cache index that finds the HPAs of an object.
const ownerIndex = "controllerUID"

// ownerUID is the key of an HPA in ownerIndex.
func ownerUID(o client.Object) []string {
	if owner := metav1.GetControllerOf(o); owner != nil {
		return []string{string(owner.UID)}
	}
	return nil
}

// keepHPA creates or updates the HPA as the object wants it, and records its state. First it deletes all other HPAs of
// the object, whatever their names: two HPAs must not scale one target.
func (l *loop) keepHPA(ctx context.Context, r *round, out *status.Round) {
	failed := r.m.hpa.do(l.now(), r.so.UID, func() *status.Problem {
		want := hpa.Build(r.so, r.set.metrics)
		have, err := l.findHPA(ctx, r.so, want)
		if err == nil {
			err = l.deleteHPAs(ctx, r.so, want.Name)
		}
		if err == nil {
			out.HPA, err = l.writeHPA(ctx, have, want)
		}
		if err != nil {
			l.journal.Record(part, verdict.Because(hpaSubject(want), HPAFailed, verdict.Text("error", err.Error())))
		}
		return problem(HPAFailed, err)
	})
	if failed != nil && out.Problem == nil {
		out.Problem = failed
	}
}

// findHPA is the HPA with the name of want; nil where there is none. An HPA of another owner is an error, unless so may
// take it over.
func (l *loop) findHPA(ctx context.Context, so *keda.ScaledObject, want *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	have := &autoscalingv2.HorizontalPodAutoscaler{}
	err := l.kube.Client.Get(ctx, client.ObjectKeyFromObject(want), have)
	if apierrors.IsNotFound(err) { // the cache may also be old
		err = l.kube.Live.Get(ctx, client.ObjectKeyFromObject(want), have)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read HPA %s/%s: %w", want.Namespace, want.Name, err)
	}
	if !hpa.OwnedBy(have, so) && !mayTakeOver(so) {
		return nil, fmt.Errorf("HPA %s/%s exists and belongs to %s; delete it, name another in spec.advanced.horizontalPodAutoscalerConfig.name, or set the annotation %s: \"true\"",
			have.Namespace, have.Name, owner(have), keda.ScaledObjectTransferHpaOwnershipAnnotation)
	}
	return have, nil
}

// writeHPA creates want, or updates have to match want. It returns the resulting HPA.
func (l *loop) writeHPA(ctx context.Context, have, want *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if have == nil {
		if err := l.kube.Client.Create(ctx, want); err != nil {
			return nil, fmt.Errorf("create HPA %s/%s: %w", want.Namespace, want.Name, err)
		}
		l.journal.Record(part, verdict.Because(hpaSubject(want), HPACreated, verdict.Number("metrics", len(want.Spec.Metrics))))
		return want, nil
	}
	wanted, differs := hpa.Reconciled(have, want)
	if !differs {
		return have, nil
	}
	patch := client.MergeFromWithOptions(have.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if err := l.kube.Client.Patch(ctx, wanted, patch); err != nil {
		return have, fmt.Errorf("update HPA %s/%s: %w", want.Namespace, want.Name, err)
	}
	l.journal.Record(part, verdict.Because(hpaSubject(want), HPAUpdated))
	return wanted, nil
}

// deleteHPAs deletes every HPA that belongs to so, except the one with the name kept.
func (l *loop) deleteHPAs(ctx context.Context, so *keda.ScaledObject, kept string) error {
	var owned autoscalingv2.HorizontalPodAutoscalerList
	err := l.kube.Client.List(ctx, &owned, client.InNamespace(so.Namespace), client.MatchingFields{ownerIndex: string(so.UID)})
	if err != nil {
		return fmt.Errorf("list the HPAs of ScaledObject %s/%s: %w", so.Namespace, so.Name, err)
	}
	var errs []error
	for i := range owned.Items {
		if h := &owned.Items[i]; h.Name != kept {
			errs = append(errs, l.deleteHPA(ctx, so, h))
		}
	}
	return text.Join(errs...)
}

// deleteHPA deletes h if it still belongs to so. The request has a precondition on the resource version, since the
// cache may not know yet that another owner took the HPA over.
func (l *loop) deleteHPA(ctx context.Context, so *keda.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := error(nil)
	for range scaleAttempts {
		if !hpa.OwnedBy(h, so) || h.DeletionTimestamp != nil {
			return nil
		}
		err = l.kube.Client.Delete(ctx, h, client.Preconditions{UID: &h.UID, ResourceVersion: &h.ResourceVersion})
		if !apierrors.IsConflict(err) {
			break
		}
		if unread := l.kube.Live.Get(ctx, client.ObjectKeyFromObject(h), h); unread != nil {
			err = unread
			break
		}
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete HPA %s/%s: %w", h.Namespace, h.Name, err)
	}
	if err == nil {
		l.journal.Record(part, verdict.Because(hpaSubject(h), HPADeleted))
	}
	return nil
}

func mayTakeOver(so *keda.ScaledObject) bool {
	return so.Annotations[keda.ScaledObjectTransferHpaOwnershipAnnotation] == "true"
}

func owner(h *autoscalingv2.HorizontalPodAutoscaler) string {
	if o := metav1.GetControllerOf(h); o != nil {
		return fmt.Sprintf("%s %s (uid %s)", o.Kind, o.Name, o.UID)
	}
	return "nobody"
}

func hpaSubject(h *autoscalingv2.HorizontalPodAutoscaler) verdict.Subject {
	return verdict.On("hpa", h.Namespace+"/"+h.Name)
}
