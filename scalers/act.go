package scalers

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/status"
)

// callTimeout bounds each request to the API server.
const callTimeout = 10 * time.Second

// target is the workload that a ScaledObject scales, at the time it was read.
type target struct {
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
	// scale has the resource version of the decision. A write over a newer version is refused.
	scale *autoscalingv1.Scale
}

// target reads the workload to scale: a Deployment or a StatefulSet from the cache, any other kind from the API server.
// The cache may be old, but a write over a newer version is refused.
func (l *loop) target(ctx context.Context, namespace string, checked spec.Checked) (*target, *status.Problem) {
	scale := l.cachedScale(ctx, types.NamespacedName{Namespace: namespace, Name: checked.TargetName}, checked.Target)
	if scale == nil {
		return l.liveTarget(ctx, namespace, checked)
	}
	mapping, err := l.kube.Mapper.RESTMapping(checked.Target.GroupKind(), checked.Target.Version)
	if err != nil {
		return nil, unknownTarget(checked, err)
	}
	return &target{kind: checked.Target, resource: mapping.Resource, scale: scale}, nil
}

// cachedScale is the scale of a Deployment or a StatefulSet in the cache; nil for others.
func (l *loop) cachedScale(ctx context.Context, key types.NamespacedName, kind schema.GroupVersionKind) *autoscalingv1.Scale {
	var o client.Object
	var replicas **int32
	switch d, s := (&appsv1.Deployment{}), (&appsv1.StatefulSet{}); kind.GroupKind() {
	case appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind():
		o, replicas = d, &d.Spec.Replicas
	case appsv1.SchemeGroupVersion.WithKind("StatefulSet").GroupKind():
		o, replicas = s, &s.Spec.Replicas
	default:
		return nil
	}
	if err := l.kube.Client.Get(ctx, key, o); err != nil || *replicas == nil {
		return nil
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: o.GetUID(), ResourceVersion: o.GetResourceVersion()},
		Spec:       autoscalingv1.ScaleSpec{Replicas: **replicas},
	}
}

// watched is true if the cache has targets of that kind, so that a new one is noticed at once.
func watched(kind schema.GroupVersionKind) bool {
	return kind.Group == appsv1.GroupName && (kind.Kind == "Deployment" || kind.Kind == "StatefulSet")
}

// liveTarget reads the workload to scale from the API server.
func (l *loop) liveTarget(ctx context.Context, namespace string, checked spec.Checked) (*target, *status.Problem) {
	mapping, err := l.kube.Mapper.RESTMapping(checked.Target.GroupKind(), checked.Target.Version)
	if err != nil {
		return nil, unknownTarget(checked, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	scale, err := l.kube.Scale.Scales(namespace).Get(ctx, mapping.Resource.GroupResource(), checked.TargetName, metav1.GetOptions{})
	if err != nil {
		return nil, unknownTarget(checked, err)
	}
	return &target{kind: checked.Target, resource: mapping.Resource, scale: scale}, nil
}

// unknownTarget separates errors that the object's owner must correct from temporary ones.
func unknownTarget(checked spec.Checked, err error) *status.Problem {
	where := fmt.Sprintf("spec.scaleTargetRef: %s %q", checked.Target.Kind, checked.TargetName)
	switch {
	case meta.IsNoMatchError(err):
		return &status.Problem{Reason: CheckFailed, Err: fmt.Errorf("%s: %w", where, err)}
	case apierrors.IsNotFound(err):
		return &status.Problem{Reason: CheckFailed, Err: fmt.Errorf("%s: does not exist, or cannot be scaled: %w", where, err)}
	default:
		return &status.Problem{Reason: TargetUnknown, Err: fmt.Errorf("%s: read its scale: %w", where, err)}
	}
}

// scale sets the replicas of t, unless somebody else has changed them since.
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

// pause applies the annotations that pause an object: no HPA, and a fixed number of replicas.
func (l *loop) pause(ctx context.Context, r *round, out *status.Round) {
	var facts []verdict.Fact
	// The HPA is deleted first, since it would change the fixed number. As in KEDA it is deleted even if the object is
	// wrong or its target cannot be read.
	if p := r.m.hpa.do(l.now(), r.so.UID, func() *status.Problem { return problem(HPAFailed, l.deleteHPAs(ctx, r.so, "")) }); p != nil {
		out.Problem = p
	}
	if out.Problem == nil {
		facts = append(facts, verdict.Number("replicas", r.target.scale.Spec.Replicas))
		if at := r.checked.PausedAt; at != nil && *at != r.target.scale.Spec.Replicas {
			facts = append(facts, verdict.Number("to", *at))
			out.Problem = r.m.scale.do(l.now(), r.so.UID, func() *status.Problem { return l.hold(ctx, r, *at) })
		}
	}
	if out.Problem != nil {
		facts = append(facts, verdict.Text("error", out.Problem.Err.Error()))
	}
	l.journal.Record(part, verdict.Because(spec.Subject(r.so.Namespace, r.so.Name), Paused, facts...))
}

// hold sets a fixed number of replicas, even if the target changed meanwhile.
func (l *loop) hold(ctx context.Context, r *round, at int32) *status.Problem {
	err := l.scale(ctx, r.so.Namespace, r.target, at)
	for n := 1; n < scaleAttempts && apierrors.IsConflict(err); n++ {
		again, problem := l.liveTarget(ctx, r.so.Namespace, r.checked)
		if problem != nil {
			return problem
		}
		if r.target = again; r.target.scale.Spec.Replicas == at {
			return nil
		}
		err = l.scale(ctx, r.so.Namespace, r.target, at)
	}
	return problem(TargetUnknown, err)
}

// problem is nil where err is nil.
func problem(reason verdict.Code, err error) *status.Problem {
	if err == nil {
		return nil
	}
	return &status.Problem{Reason: reason, Err: err}
}

// release removes KEDA's finalizer from an object that is being deleted. Nothing else is needed: the garbage collector
// deletes the HPA, and the replicas stay.
func (l *loop) release(ctx context.Context, r *round) time.Duration {
	so := r.so
	if !slices.Contains(so.Finalizers, spec.Finalizer) {
		return 0
	}
	failed := r.m.finalizer.do(l.now(), so.UID, func() *status.Problem {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		wanted := so.DeepCopy()
		wanted.Finalizers = slices.DeleteFunc(wanted.Finalizers, func(f string) bool { return f == spec.Finalizer })
		err := l.kube.Client.Patch(ctx, wanted, client.MergeFromWithOptions(so, client.MergeFromWithOptimisticLock{}))
		return problem(StatusFailed, client.IgnoreNotFound(err))
	})
	if failed == nil {
		return 0
	}
	l.log.Warn("remove finalizer", "object", spec.Subject(so.Namespace, so.Name), "error", failed.Err)
	return r.m.next(l.now(), poll.RetryMost)
}
