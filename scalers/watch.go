package scalers

import (
	"context"
	"fmt"
	"maps"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/spec"
)

// The cache indexes that find ScaledObjects within a namespace.
const (
	// targetIndex has the group, kind and name of an object's target, from targetKey.
	targetIndex = "target"
	// authenticationIndex has the names of its TriggerAuthentications. hpaIndex has the name of its HPA.
	authenticationIndex = "authentication"
	hpaIndex            = "hpa"
)

// index is one index of the cache.
type index struct {
	kind   client.Object
	name   string
	values client.IndexerFunc
}

func indexes() []index {
	return []index{
		{&autoscalingv2.HorizontalPodAutoscaler{}, ownerIndex, ownerUID},
		{&keda.ScaledObject{}, hpaIndex, func(o client.Object) []string { return []string{hpa.Name(o.(*keda.ScaledObject))} }},
		{&keda.ScaledObject{}, targetIndex, func(o client.Object) []string {
			gvk, name := spec.Target(o.(*keda.ScaledObject))
			return []string{targetKey(gvk.Group, gvk.Kind, name)}
		}},
		{&keda.ScaledObject{}, authenticationIndex, func(o client.Object) []string {
			var names []string
			for _, t := range o.(*keda.ScaledObject).Spec.Triggers {
				if t.AuthenticationRef != nil {
					names = append(names, t.AuthenticationRef.Name)
				}
			}
			return names
		}},
	}
}

func targetKey(group, kind, name string) string { return group + "/" + kind + "/" + name }

// byTarget finds the objects that scale an object of that kind of the group apps. byAuthentication finds the objects
// that name a TriggerAuthentication.
func byTarget(kind string) func(client.Object) client.MatchingFields {
	return func(o client.Object) client.MatchingFields {
		return client.MatchingFields{targetIndex: targetKey(appsv1.GroupName, kind, o.GetName())}
	}
}

func byAuthentication(o client.Object) client.MatchingFields {
	return client.MatchingFields{authenticationIndex: o.GetName()}
}

// watch queues an object when it changes or its HPA changes. It also queues a failing object when a change of its
// target or authentication may have corrected the cause.
func (l *loop) watch(ctx context.Context) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	for _, kind := range []struct {
		object  client.Object
		handler toolscache.ResourceEventHandlerFuncs
	}{
		{&keda.ScaledObject{}, toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { l.changed(nil, obj) },
			UpdateFunc: l.changed,
			DeleteFunc: func(obj any) {
				if so, ok := deleted[*keda.ScaledObject](obj); ok {
					l.polls.Restart(client.ObjectKeyFromObject(so))
				}
			},
		}},
		{&autoscalingv2.HorizontalPodAutoscaler{}, toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { l.hpaChanged(nil, obj) },
			UpdateFunc: l.hpaChanged,
			DeleteFunc: func(obj any) {
				if h, ok := deleted[*autoscalingv2.HorizontalPodAutoscaler](obj); ok {
					l.queueOwners(h)
				}
			},
		}},
		{&appsv1.Deployment{}, l.mends(byTarget("Deployment"))},
		{&appsv1.StatefulSet{}, l.mends(byTarget("StatefulSet"))},
		{&keda.TriggerAuthentication{}, l.mends(byAuthentication)},
	} {
		informer, err := l.kube.Cache.GetInformer(ctx, kind.object)
		if err != nil {
			stop()
			return nil, fmt.Errorf("watch %T: %w", kind.object, err)
		}
		registration, err := informer.AddEventHandler(kind.handler)
		if err != nil {
			stop()
			return nil, fmt.Errorf("watch %T: %w", kind.object, err)
		}
		// The informers end with the process; an error means that they have ended.
		stops = append(stops, func() { _ = informer.RemoveEventHandler(registration) })
	}
	return stop, nil
}

// changed queues an object, unless only its status changed, which this part writes.
func (l *loop) changed(old, obj any) {
	so, ok := obj.(*keda.ScaledObject)
	if !ok {
		return
	}
	key := client.ObjectKeyFromObject(so)
	was, ok := old.(*keda.ScaledObject)
	switch {
	case !ok || was.UID != so.UID || was.Generation != so.Generation || !was.DeletionTimestamp.Equal(so.DeletionTimestamp),
		!maps.Equal(settings(was), settings(so)):
		l.stir(key)
		l.polls.Restart(key)
	case !maps.Equal(was.Annotations, so.Annotations) || !maps.Equal(was.Labels, so.Labels):
		l.stir(key)
		l.polls.Add(key)
	}
}

// settings are the annotations that control scaling. A new pause must not wait for a reading.
func settings(so *keda.ScaledObject) map[string]string {
	out := map[string]string{}
	for name, value := range so.Annotations {
		if prefix, _, _ := strings.Cut(name, "/"); strings.HasSuffix(prefix, ".keda.sh") {
			out[name] = value
		}
	}
	return out
}

// hpaChanged queues the owner of an HPA that is new, since it may be one too many. It also does so after an edit, and
// when the HPA starts or stops to scale.
func (l *loop) hpaChanged(old, obj any) {
	h, ok := obj.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return
	}
	if was, ok := old.(*autoscalingv2.HorizontalPodAutoscaler); ok && equality.Semantic.DeepEqual(was.Spec, h.Spec) &&
		maps.Equal(was.Labels, h.Labels) && maps.Equal(was.Annotations, h.Annotations) && scaling(was) == scaling(h) {
		return
	}
	l.queueOwners(h)
}

// queueOwners queues the owner of h, and the object that fails because h has the name of its HPA.
func (l *loop) queueOwners(h *autoscalingv2.HorizontalPodAutoscaler) {
	l.mended(h, client.MatchingFields{hpaIndex: h.Name})
	if owner := metav1.GetControllerOf(h); owner != nil && owner.Kind == "ScaledObject" {
		key := types.NamespacedName{Namespace: h.Namespace, Name: owner.Name}
		l.stir(key)
		l.polls.Add(key)
	}
}

// scaling is the HPA's condition ScalingActive, as one word.
func scaling(h *autoscalingv2.HorizontalPodAutoscaler) string {
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			return string(c.Status) + " " + c.Reason
		}
	}
	return ""
}

// mends queues failing objects when an object that they depend on is created or its spec changes.
func (l *loop) mends(by func(client.Object) client.MatchingFields) toolscache.ResourceEventHandlerFuncs {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if o, ok := obj.(client.Object); ok {
				l.mended(o, by(o))
			}
		},
		UpdateFunc: func(old, obj any) {
			was, ok := old.(client.Object)
			o, too := obj.(client.Object)
			if ok && too && (was.GetUID() != o.GetUID() || was.GetGeneration() != o.GetGeneration()) {
				l.mended(o, by(o))
			}
		},
	}
}

func (l *loop) mended(o client.Object, by client.MatchingFields) {
	var list keda.ScaledObjectList // shared with the cache, so it must not be changed: an edit may concern thousands
	if err := l.kube.Client.List(context.Background(), &list, client.InNamespace(o.GetNamespace()), by, client.UnsafeDisableDeepCopy); err != nil {
		l.log.Warn("find the ScaledObjects of what changed", "by", by, "namespace", o.GetNamespace(), "error", err)
		return
	}
	for i := range list.Items {
		if key := client.ObjectKeyFromObject(&list.Items[i]); l.stir(key) {
			l.polls.Add(key)
		}
	}
}
