package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// podChanges has the pods that are new or have changed, and nil for pods that are gone.
type podChanges map[types.NamespacedName]*corev1.Pod

// changes is in what the pods differ from those of the last Snapshot.
func (t *Translator) changes(o *Objects) podChanges {
	if o.Changes != nil {
		return o.Changes.take()
	}
	out := podChanges{}
	seen := 0
	for _, object := range o.Pods {
		name := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		p, known := t.byName[name]
		if known {
			seen++
		}
		if !known || p.object != object { // what a cache holds is never changed, but replaced
			out[name] = object
		}
	}
	if seen < len(t.byName) {
		here := make(map[types.NamespacedName]bool, len(o.Pods))
		for _, object := range o.Pods {
			here[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}] = true
		}
		for name := range t.byName {
			if !here[name] {
				out[name] = nil
			}
		}
	}
	return out
}

// moved are the pods that have come into the Snapshot or left it.
type moved struct{ in, out []*translated }

// apply takes the changes over, and returns the pods that are to be translated in the order of their names, so that
// classes are numbered alike each time.
func (t *Translator) apply(changes podChanges) (changed []*translated, m moved) {
	var added, gone []*translated
	for name, object := range changes {
		p, known := t.byName[name]
		switch {
		case !known && object == nil:
			continue
		case object == nil:
			t.noticeExample(p.object)
			delete(t.byName, name)
			t.pluginPods.follow(p, true)
			gone = append(gone, p)
			if !p.finished {
				m.out = append(m.out, p)
			}
			continue
		case !known:
			p = &translated{name: name.Namespace + "/" + name.Name, finished: true}
			t.byName[name] = p
			added = append(added, p)
		}
		old := p.object
		p.object = object
		if known && object.ResourceVersion != "" && old.ResourceVersion == object.ResourceVersion && old.UID == object.UID {
			continue
		}
		if known { // another pod of the name may have been elsewhere
			t.noticeExample(old)
		}
		t.noticeExample(object)
		before := p.finished
		p.finished = finished(object)
		t.pluginPods.follow(p, expendable(object, t.expendableBelow))
		if !p.finished {
			changed = append(changed, p)
		}
		switch {
		case before && !p.finished:
			m.in = append(m.in, p)
		case !before && p.finished:
			m.out = append(m.out, p)
		}
	}
	slices.SortFunc(changed, inOrder)
	t.pods = without(t.pods, gone, (*translated).called)
	t.pods = joined(t.pods, added, (*translated).called)
	return changed, m
}

func (p *translated) called() string { return p.name }

func inOrder(a, b *translated) int { return strings.Compare(a.name, b.name) }

func nameOrder(p *translated, name string) int { return strings.Compare(p.name, name) }

// list makes the Snapshot's list of the pods, which shares nothing with the one before but the pods.
func (t *Translator) list(changed []*translated, m moved) {
	if t.stale {
		t.snapshot, t.stale = make([]*plan.Pod, 0, len(t.pods)), false
		for _, p := range t.pods {
			if !p.finished {
				t.snapshot = append(t.snapshot, p.pod)
			}
		}
		return
	}
	if len(changed)+len(m.in)+len(m.out) == 0 {
		return
	}
	called := func(p *plan.Pod) string { return p.Name }
	next := without(slices.Clone(t.snapshot), podsOf(m.out), called)
	next = joined(next, podsOf(m.in), called)
	for _, p := range changed {
		at, _ := slices.BinarySearchFunc(next, p.name, func(p *plan.Pod, name string) int { return strings.Compare(p.Name, name) })
		next[at] = p.pod
	}
	t.snapshot = next
}

func podsOf(list []*translated) []*plan.Pod {
	out := make([]*plan.Pod, len(list))
	for i, p := range list {
		out[i] = p.pod
	}
	return out
}

// few is up to how many pods are moved one by one, each at the cost of moving all behind it in memory.
const few = 16

// without is the list, which is in the order of the names, without some of its elements.
func without[T comparable](list, gone []T, name func(T) string) []T {
	if len(gone) > few {
		out := make(map[T]bool, len(gone))
		for _, p := range gone {
			out[p] = true
		}
		return slices.DeleteFunc(list, func(p T) bool { return out[p] })
	}
	for _, p := range gone {
		if at, found := place(list, p, name); found {
			list = slices.Delete(list, at, at+1)
		}
	}
	return list
}

// joined is the list, which is in the order of the names, with some elements more.
func joined[T any](list, added []T, name func(T) string) []T {
	if len(added) <= few {
		for _, p := range added {
			at, _ := place(list, p, name)
			list = slices.Insert(list, at, p)
		}
		return list
	}
	slices.SortFunc(added, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	out := make([]T, 0, len(list)+len(added))
	for len(list) > 0 && len(added) > 0 {
		if name(list[0]) <= name(added[0]) {
			out, list = append(out, list[0]), list[1:]
		} else {
			out, added = append(out, added[0]), added[1:]
		}
	}
	return append(append(out, list...), added...)
}

func place[T any](list []T, p T, name func(T) string) (int, bool) {
	return slices.BinarySearchFunc(list, name(p), func(other T, wanted string) int { return strings.Compare(name(other), wanted) })
}
