package adapter

import (
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// selections remembers the names that selectors took of the objects of one kind, so that a request for the pods of a
// Deployment neither matches the labels of its whole namespace nor sorts what it found, each time anew. A name is
// forgotten with the first change of its namespace that could make a difference: an object that came or went, or whose
// labels changed. It is the handler of the kind's watch, and is as late as that is. The zero value is ready.
type selections struct {
	mu   sync.Mutex
	seen map[string]uint64 // the changes of each namespace; "" counts those of all
	kept map[selected]taken
	// names is how many kept holds.
	names int
}

// selected is a selector in one namespace or, with "", in all.
type selected struct{ namespace, selector string }

type taken struct {
	seen  uint64
	names []string
}

// selectionsLimit bounds how many names are remembered, 16 bytes each beside the text, which the objects hold anyway.
// An answer that would exceed it takes the place of all others.
const selectionsLimit = 1 << 20

// find returns the names that are known to be right; nobody may change them. Without them, it says after which change
// the objects are about to be read, for keep.
func (s *selections) find(key selected) (names []string, ok bool, seen uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen = s.seen[key.namespace]
	one, ok := s.kept[key]
	return one.names, ok && one.seen == seen, seen
}

// keep remembers names that were read after the change seen, and perhaps after later ones, before which they are
// asked for again.
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

// cost is what an answer counts for: an empty one is not free.
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

// namesOf are the names of objects, in their order.
func namesOf(objects []metav1.Object) []string {
	names := make([]string, len(objects))
	for i, object := range objects {
		names[i] = object.GetName()
	}
	return names
}
