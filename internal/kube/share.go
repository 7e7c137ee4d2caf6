package kube

import (
	"reflect"
	"weak"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/recent"
)

// sharedOwners is for how many controllers a last pod is remembered. Pods of further controllers share nothing.
const sharedOwners = 20_000

// stripper strips objects before the cache keeps them. Pods of one controller share equal parts: their labels, their
// owner and nearly all of their spec but the node. It is safe for concurrent use. Its results must not be changed, like
// everything in a cache.
type stripper struct {
	// last is a pod of each controller, by the controller's UID. It does not keep a pod alive that the cache has
	// dropped.
	last *recent.Cache[weak.Pointer[corev1.Pod]]
}

func newStripper() stripper { return stripper{recent.New[weak.Pointer[corev1.Pod]](sharedOwners)} }

// strip is a cache transform.
func (s stripper) strip(obj any) (any, error) {
	out, err := strip(obj)
	if p, ok := out.(*corev1.Pod); ok && err == nil {
		s.share(p)
	}
	return out, err
}

// share replaces parts of the stripped pod with equal parts of another pod of its controller.
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
	same(&p.Spec.Affinity, &from.Spec.Affinity) // the affinity of a DaemonSet's pod names the node
	spec := from.Spec
	spec.NodeName, spec.Volumes, spec.Affinity = p.Spec.NodeName, p.Spec.Volumes, p.Spec.Affinity
	same(&p.Spec, &spec)
}

// same makes mine the other value, if they are equal.
func same[T any](mine, other *T) {
	if reflect.DeepEqual(mine, other) {
		*mine = *other
	}
}
