package kube

import (
	"reflect"
	"weak"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/recent"
)

// sharedOwners is of how many controllers the last pod is remembered. Pods of more of them are kept whole.
const sharedOwners = 20_000

// stripper strips objects before the cache keeps them, and lets the pods of one controller share what is equal in them:
// their labels, their owner and, but for the node, nearly all of their spec. It is safe for concurrent use. What it returns
// must not be changed, like all that a cache holds.
type stripper struct {
	// last is a pod of each controller, by the controller's UID. It keeps no pod that the cache has dropped.
	last *recent.Cache[weak.Pointer[corev1.Pod]]
}

func newStripper() stripper { return stripper{recent.New[weak.Pointer[corev1.Pod]](sharedOwners)} }

// strip is a transform of a cache.
func (s stripper) strip(obj any) (any, error) {
	out, err := strip(obj)
	if p, ok := out.(*corev1.Pod); ok && err == nil {
		s.share(p)
	}
	return out, err
}

// share replaces parts of the stripped pod with equal ones of another pod of its controller.
func (s stripper) share(p *corev1.Pod) {
	owner := metav1.GetControllerOfNoCopy(p)
	if owner == nil {
		return
	}
	if known, ok := s.last.Get([]byte(owner.UID)); ok {
		if last := known.Value(); last != nil {
			adopt(p, last)
		}
	}
	s.last.Put(string(metav1.GetControllerOfNoCopy(p).UID), weak.Make(p))
}

func adopt(p, from *corev1.Pod) {
	same(&p.Namespace, &from.Namespace)
	same(&p.GenerateName, &from.GenerateName)
	same(&p.Labels, &from.Labels)
	same(&p.Annotations, &from.Annotations)
	same(&p.OwnerReferences, &from.OwnerReferences)
	same(&p.Status.Phase, &from.Status.Phase)
	same(&p.Status.QOSClass, &from.Status.QOSClass)
	same(&p.Spec.Volumes, &from.Spec.Volumes)   // each pod of a StatefulSet has its own claims
	same(&p.Spec.Affinity, &from.Spec.Affinity) // that of a DaemonSet names the node
	spec := from.Spec
	spec.NodeName, spec.Volumes, spec.Affinity = p.Spec.NodeName, p.Spec.Volumes, p.Spec.Affinity
	same(&p.Spec, &spec)
}

// same lets mine be the other, if they are equal.
func same[T any](mine, other *T) {
	if reflect.DeepEqual(mine, other) {
		*mine = *other
	}
}
