package scalers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
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
	var facts []verdict.Fact
	// The HPA is deleted first: it would fight the fixed number. It is deleted also where the object is
	// wrong or its target cannot be read, as by KEDA.
	if err := l.deleteHPAs(ctx, so, ""); err != nil {
		r.Problem = &status.Problem{Reason: HPAFailed, Err: err}
	}
	if t := o.target; r.Problem == nil {
		facts = append(facts, verdict.Number("replicas", t.scale.Spec.Replicas))
		if at := o.checked.PausedAt; at != nil && *at != t.scale.Spec.Replicas {
			facts = append(facts, verdict.Number("to", *at))
			if err := l.scale(ctx, so.Namespace, t, *at); err != nil {
				r.Problem = &status.Problem{Reason: TargetUnknown, Err: err}
			}
		}
	}
	if r.Problem != nil {
		facts = append(facts, verdict.Text("error", r.Problem.Err.Error()))
	}
	l.journal.Record(part, verdict.Because(spec.Subject(so.Namespace, so.Name), Paused, facts...))
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
		Replicas: t.scale.Spec.Replicas,
		Target:   keda.GroupVersionKindResource{Group: t.kind.Group, Version: t.kind.Version, Kind: t.kind.Kind, Resource: t.resource.Resource},
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
