package scalers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

// callTimeout bounds each request to the API server.
const callTimeout = 10 * time.Second

// target is what a ScaledObject scales, as it stood when the round began.
type target struct {
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
	// scale carries the version on which is decided: a write over a newer one is refused.
	scale *autoscalingv1.Scale
}

func (l *loop) target(ctx context.Context, namespace string, checked spec.Checked) (*target, *status.Problem) {
	where := fmt.Sprintf("spec.scaleTargetRef: %s %q", checked.Target.Kind, checked.TargetName)
	mapping, err := l.kube.Mapper.RESTMapping(checked.Target.GroupKind(), checked.Target.Version)
	if meta.IsNoMatchError(err) {
		return nil, &status.Problem{Reason: CheckFailed, Err: fmt.Errorf("%s: %w", where, err)}
	}
	if err != nil {
		return nil, &status.Problem{Reason: TargetUnknown, Err: fmt.Errorf("%s: %w", where, err)}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	scale, err := l.kube.Scale.Scales(namespace).Get(ctx, mapping.Resource.GroupResource(), checked.TargetName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, &status.Problem{Reason: CheckFailed, Err: fmt.Errorf("%s: does not exist, or cannot be scaled: %w", where, err)}
	}
	if err != nil {
		return nil, &status.Problem{Reason: TargetUnknown, Err: fmt.Errorf("%s: read its scale: %w", where, err)}
	}
	return &target{kind: checked.Target, resource: mapping.Resource, scale: scale}, nil
}

// scale sets the replicas of t, unless somebody else has since.
func (l *loop) scale(ctx context.Context, namespace string, t *target, to int32) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wanted := t.scale.DeepCopy()
	wanted.Spec.Replicas = to
	if _, err := l.kube.Scale.Scales(namespace).Update(ctx, t.resource.GroupResource(), wanted, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("set %d replicas of %s %s/%s: %w", to, t.kind.Kind, namespace, t.scale.Name, err)
	}
	return nil
}

// pause carries out the annotations that pause an object: no HPA, and a fixed number of replicas.
func (l *loop) pause(ctx context.Context, so *keda.ScaledObject, o observation, r *status.Round) {
	t := o.target
	facts := []verdict.Fact{verdict.Number("replicas", t.scale.Spec.Replicas)}
	// The HPA goes first: it would fight the fixed number.
	if err := l.deleteHPA(ctx, so, hpa.Name(so)); err != nil {
		r.Problem = &status.Problem{Reason: HPAFailed, Err: err}
	} else if at := o.checked.PausedAt; at != nil && *at != t.scale.Spec.Replicas {
		facts = append(facts, verdict.Number("to", *at))
		if err := l.scale(ctx, so.Namespace, t, *at); err != nil {
			r.Problem = &status.Problem{Reason: TargetUnknown, Err: err}
		}
	}
	if r.Problem != nil {
		facts = append(facts, verdict.Text("error", r.Problem.Err.Error()))
	}
	l.journal.Record(part, verdict.Because(o.checked.Replicas.Subject, Paused, facts...))
}

// keepHPA makes the HPA what the object asks for, and notes how it stands.
func (l *loop) keepHPA(ctx context.Context, so *keda.ScaledObject, set *triggerSet, r *status.Round) {
	want := hpa.Build(so, set.metrics)
	err := error(nil)
	if old := so.Status.HpaName; old != "" && old != want.Name {
		err = l.deleteHPA(ctx, so, old)
	}
	if err == nil {
		r.HPA, err = l.ensureHPA(ctx, so, want)
	}
	if err != nil && r.Problem == nil {
		r.Problem = &status.Problem{Reason: HPAFailed, Err: err}
	}
	if err != nil {
		l.journal.Record(part, verdict.Because(hpaSubject(want), HPAFailed, verdict.Text("error", err.Error())))
	}
}

func (l *loop) ensureHPA(ctx context.Context, so *keda.ScaledObject, want *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	have, err := l.findHPA(ctx, client.ObjectKeyFromObject(want))
	if apierrors.IsNotFound(err) {
		if err := l.kube.Client.Create(ctx, want); err != nil {
			return nil, fmt.Errorf("create HPA %s/%s: %w", want.Namespace, want.Name, err)
		}
		l.journal.Record(part, verdict.Because(hpaSubject(want), HPACreated, verdict.Number("metrics", len(want.Spec.Metrics))))
		return want, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read HPA %s/%s: %w", want.Namespace, want.Name, err)
	}
	if !hpa.OwnedBy(have, so) && !mayTakeOver(so) {
		return nil, fmt.Errorf("HPA %s/%s exists and belongs to %s; delete it, name another in spec.advanced.horizontalPodAutoscalerConfig.name, or set the annotation %s: \"true\"",
			have.Namespace, have.Name, owner(have), keda.ScaledObjectTransferHpaOwnershipAnnotation)
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

// findHPA asks the API server where the cache, which may be behind, has none.
func (l *loop) findHPA(ctx context.Context, key types.NamespacedName) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	var h autoscalingv2.HorizontalPodAutoscaler
	err := l.kube.Client.Get(ctx, key, &h)
	if apierrors.IsNotFound(err) {
		err = l.kube.Live.Get(ctx, key, &h)
	}
	return h.DeepCopy(), err
}

// deleteHPA deletes the HPA of that name if it belongs to so.
func (l *loop) deleteHPA(ctx context.Context, so *keda.ScaledObject, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var h autoscalingv2.HorizontalPodAutoscaler
	err := l.kube.Client.Get(ctx, types.NamespacedName{Namespace: so.Namespace, Name: name}, &h)
	if apierrors.IsNotFound(err) || err == nil && (!hpa.OwnedBy(&h, so) || h.DeletionTimestamp != nil) {
		return nil
	}
	if err == nil {
		err = l.kube.Client.Delete(ctx, &h, client.Preconditions{UID: &h.UID})
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete HPA %s/%s: %w", so.Namespace, name, err)
	}
	l.journal.Record(part, verdict.Because(hpaSubject(&h), HPADeleted))
	return nil
}

// publish writes the status where it changed, and sends the Events that its change is worth.
func (l *loop) publish(ctx context.Context, so *keda.ScaledObject, r status.Round) {
	m := l.memory(so)
	next := status.Next(&so.Status, so.Spec.Triggers, r)
	if !status.Due(&so.Status, &next, l.now().Sub(m.statusAt)) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wanted := so.DeepCopy()
	wanted.Status = next
	err := l.kube.Client.Status().Patch(ctx, wanted, client.MergeFromWithOptions(so, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		// Nothing is sent either: the next round finds the same transition again.
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !errors.Is(err, context.Canceled) {
			l.journal.Record(part, verdict.Because(spec.Subject(so.Namespace, so.Name).Part("status", ""), StatusFailed, verdict.Text("error", err.Error())))
		}
		return
	}
	m.statusAt = l.now()
	for _, e := range status.Transitions(&so.Status, &next) {
		l.event(so, e)
	}
}

// release removes KEDA's finalizer from an object that is being deleted. Nothing else is to be done:
// the HPA goes with its owner, and the replicas stay.
func (l *loop) release(ctx context.Context, so *keda.ScaledObject) time.Duration {
	if !slices.Contains(so.Finalizers, spec.Finalizer) {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wanted := so.DeepCopy()
	wanted.Finalizers = slices.DeleteFunc(wanted.Finalizers, func(f string) bool { return f == spec.Finalizer })
	err := l.kube.Client.Patch(ctx, wanted, client.MergeFromWithOptions(so, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		l.log.Warn("remove finalizer", "object", spec.Subject(so.Namespace, so.Name), "error", err)
		return retryAfter
	}
	return 0
}

// facts are what the status tells of an object that is in order.
func facts(so *keda.ScaledObject, t *target, set *triggerSet) *status.Facts {
	f := &status.Facts{
		HPAName: hpa.Name(so), Replicas: t.scale.Spec.Replicas,
		Target: keda.GroupVersionKindResource{Group: t.kind.Group, Version: t.kind.Version, Kind: t.kind.Kind, Resource: t.resource.Resource},
	}
	if set == nil { // paused, with triggers that cannot be opened
		f.ExternalMetrics, f.ResourceMetrics = so.Status.ExternalMetricNames, so.Status.ResourceMetricNames
		return f
	}
	for _, m := range set.metrics {
		if m.Resource != "" {
			f.ResourceMetrics = append(f.ResourceMetrics, string(m.Resource))
		} else {
			f.ExternalMetrics = append(f.ExternalMetrics, m.Name)
		}
	}
	return f
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
