package scheduler_test

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/test/scheduler"
)

// walk is what was done on the way, and costs next to nothing until it becomes a text.
type walk []move

// move has the indices of a pod and of the node where it was placed.
type move struct {
	verb      scheduler.Verb
	pod, node int
}

func (w *walk) placed(pod, node int) { *w = append(*w, move{scheduler.Place, pod, node}) }
func (w *walk) took(pod int)         { *w = append(*w, move{scheduler.Take, pod, -1}) }
func (w *walk) asked(pod int)        { *w = append(*w, move{scheduler.Ask, pod, -1}) }

// text is the walk as a text case, in which nothing is answered yet. Pods that it never met are asked about at the end.
func (w *walk) text(namespaces map[string]map[string]string, nodes []*corev1.Node, pods []*corev1.Pod, objects []runtime.Object) *scheduler.Case {
	c := &scheduler.Case{Namespaces: namespaces, Nodes: nodes, Objects: objects}
	met := map[int]bool{}
	for _, m := range *w {
		s := scheduler.Step{Verb: m.verb, Pod: pods[m.pod].Name}
		if m.verb == scheduler.Place {
			s.On = nodes[m.node].Name
		}
		c.Steps = append(c.Steps, s)
		met[m.pod] = true
	}
	for i, p := range pods {
		p = p.DeepCopy()
		p.UID, p.ResourceVersion = types.UID(p.Namespace+"-"+p.Name), "1" // which a text need not name
		if p.DeletionTimestamp != nil && p.DeletionTimestamp.IsZero() {   // which would be read as none
			p.DeletionTimestamp = new(metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		}
		c.Pods = append(c.Pods, p)
		if !met[i] && p.Spec.NodeName == "" {
			c.Steps = append(c.Steps, scheduler.Step{Verb: scheduler.Ask, Pod: p.Name})
		}
	}
	return c
}
