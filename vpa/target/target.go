package target

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kind is a kind of controller that a VPA may name, and the place of its pods' selector.
type kind struct {
	group    string
	object   func() client.Object
	selector func(client.Object) *metav1.LabelSelector
}

func kinds() map[string]kind {
	return map[string]kind{
		"Deployment": {"apps", func() client.Object { return &appsv1.Deployment{} },
			func(o client.Object) *metav1.LabelSelector { return o.(*appsv1.Deployment).Spec.Selector }},
		"StatefulSet": {"apps", func() client.Object { return &appsv1.StatefulSet{} },
			func(o client.Object) *metav1.LabelSelector { return o.(*appsv1.StatefulSet).Spec.Selector }},
		"DaemonSet": {"apps", func() client.Object { return &appsv1.DaemonSet{} },
			func(o client.Object) *metav1.LabelSelector { return o.(*appsv1.DaemonSet).Spec.Selector }},
		"ReplicaSet": {"apps", func() client.Object { return &appsv1.ReplicaSet{} },
			func(o client.Object) *metav1.LabelSelector { return o.(*appsv1.ReplicaSet).Spec.Selector }},
		"Job": {"batch", func() client.Object { return &batchv1.Job{} },
			func(o client.Object) *metav1.LabelSelector { return o.(*batchv1.Job).Spec.Selector }},
		"CronJob": {"batch", func() client.Object { return &batchv1.CronJob{} },
			func(o client.Object) *metav1.LabelSelector {
				return &metav1.LabelSelector{MatchLabels: o.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template.Labels}
			}},
	}
}

// Supports is true if a VPA may name a controller of that kind.
func Supports(kind string) bool {
	_, ok := kinds()[kind]
	return ok
}

// Unsupported is the error of a target that the user must correct. The text is for the condition.
type Unsupported string

func (u Unsupported) Error() string { return string(u) }

// Selector reads the selector of the target's pods. The error is an Unsupported when the user must correct the target.
// Any other error means that the target could not be read this time.
func Selector(ctx context.Context, reader client.Reader, namespace string, ref *autoscalingv1.CrossVersionObjectReference) (labels.Selector, error) {
	if ref == nil {
		return nil, Unsupported("Cannot read targetRef. Reason: spec.targetRef is missing")
	}
	name := fmt.Sprintf("%s %s/%s", ref.Kind, namespace, ref.Name)
	k, ok := kinds()[ref.Kind]
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if !ok || err != nil || ref.APIVersion != "" && gv.Group != k.group {
		return nil, Unsupported(fmt.Sprintf("Cannot read targetRef. Reason: %s of apiVersion %q is not supported; supported are Deployment, StatefulSet, DaemonSet and ReplicaSet of apps/v1, Job and CronJob of batch/v1", name, ref.APIVersion))
	}
	object := k.object()
	err = reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, object)
	if apierrors.IsNotFound(err) {
		return nil, Unsupported(fmt.Sprintf("Cannot read targetRef. Reason: %s does not exist", name))
	}
	if err != nil {
		return nil, fmt.Errorf("read the target %s: %w", name, err)
	}
	if owner := metav1.GetControllerOf(object); owner != nil {
		if Supports(owner.Kind) {
			return nil, Unsupported(fmt.Sprintf("The target %s is controlled by %s %s; the VPA should point to that controller", name, owner.Kind, owner.Name))
		}
	}
	return parseSelector(name, k.selector(object))
}

func parseSelector(name string, s *metav1.LabelSelector) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nil, Unsupported(fmt.Sprintf("Cannot read targetRef. Reason: the selector of %s is not valid: %v", name, err))
	}
	if s == nil || selector.Empty() {
		return nil, Unsupported(fmt.Sprintf("Cannot read targetRef. Reason: the selector of %s is empty and would match every pod of the namespace", name))
	}
	return selector, nil
}
