package adapter

import (
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// selections remembers, for one kind, which object names a selector matched. So a request for the pods of a Deployment
// need not match the labels of its whole namespace, nor sort the result, each time. Names are forgotten with the first
// change in their namespace that could matter: an object was added or deleted, or its labels changed. selections
// handles the events of the kind's watch, and is as late as the watch. The zero value is ready to use.
type selections struct {
	mu   sync.Mutex
	seen map[string]uint64 // counts the changes of each namespace; "" counts all
	kept map[selected]taken
	// names is how many names kept has.
	names int
}

// selected is a selector in one namespace or, with "", in all.
type selected struct{ namespace, selector string }

type taken struct {
	seen  uint64
	names []string
}

// selectionsLimit bounds how many names are remembered. Each needs 16 bytes beside the text, which the objects hold in
// any case. An answer that would exceed the limit replaces all others.
const selectionsLimit = 1 << 20

// find returns the names that are known to be current. Callers must not change them. If there are none, it returns the
// number of changes before the objects are read, for keep.
func (s *selections) find(key selected) (names []string, ok bool, seen uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen = s.seen[key.namespace]
	one, ok := s.kept[key]
	return one.names, ok && one.seen == seen, seen
}

// keep remembers names that were read after the change seen. If later changes came meanwhile, the names are not used.
func (s *selections) keep(key selected, names []string, seen uint64) {
	if len(names) > selectionsLimit {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names += len(names) + 1 - cost(s.kept, key)
	if s.names > selectionsLimit || s.kept == nil {
		s.kept, s.names = map[selected]taken{}, len(names)+1
	}
	s.kept[key] = taken{seen, names}
}

// cost is the size of an answer. An empty answer has a cost too.
func cost(kept map[selected]taken, key selected) int {
	if one, ok := kept[key]; ok {
		return len(one.names) + 1
	}
	return 0
}

func (s *selections) changed(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	namespace := ""
	if o, ok := object.(metav1.Object); ok {
		namespace = o.GetNamespace()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]uint64{}
	}
	s.seen[""]++
	if namespace != "" {
		s.seen[namespace]++
	}
}

// OnAdd implements cache.ResourceEventHandler.
func (s *selections) OnAdd(object any, _ bool) { s.changed(object) }

// OnDelete implements cache.ResourceEventHandler.
func (s *selections) OnDelete(object any) { s.changed(object) }

// OnUpdate implements cache.ResourceEventHandler.
func (s *selections) OnUpdate(before, after any) {
	was, ok := before.(metav1.Object)
	is, and := after.(metav1.Object)
	if !ok || !and || !maps.Equal(was.GetLabels(), is.GetLabels()) {
		s.changed(after)
	}
}

// namesOf returns the names of objects, in their order.
func namesOf(objects []metav1.Object) []string {
	names := make([]string, len(objects))
	for i, object := range objects {
		names[i] = object.GetName()
	}
	return names
}
