package adapter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/trimtab/trimtab/adapter/rules"
)

// store is a watch whose changes the test makes itself, and the cluster that reads it.
func store() (*watched, *watch, rules.Kind) {
	w := &watched{}
	one := &watch{Indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
	kind := rules.Kind{}
	w.kinds.Store(kind, one)
	return w, one, kind
}

func podOf(namespace, name, app, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ResourceVersion: version, Labels: map[string]string{"app": app}}}
}

// TestNamesAreThoseOfNow changes objects at random and asks all selectors after each change: what is remembered is
// what a reading of all objects gives.
func TestNamesAreThoseOfNow(t *testing.T) {
	w, watch, kind := store()
	random := rand.New(rand.NewPCG(1, 2))
	selectors := []labels.Selector{labels.Everything(), labels.SelectorFromSet(labels.Set{"app": "a"}), labels.SelectorFromSet(labels.Set{"app": "b"})}
	remembered := 0
	for step := range 4000 {
		next := podOf(fmt.Sprint("ns", random.IntN(3)), fmt.Sprint("pod", random.IntN(8)), string(rune('a'+random.IntN(3))), fmt.Sprint(step))
		before, exists, err := watch.Get(next)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !exists:
			err = watch.Add(next)
			watch.selections.OnAdd(next, false)
		case random.IntN(3) == 0:
			err = watch.Delete(next)
			if random.IntN(2) == 0 {
				watch.selections.OnDelete(before)
			} else {
				watch.selections.OnDelete(cache.DeletedFinalStateUnknown{Key: next.Namespace + "/" + next.Name, Obj: before})
			}
		default:
			if random.IntN(2) == 0 { // a change of something else
				next.Labels = before.(*corev1.Pod).Labels
			}
			err = watch.Update(next)
			watch.selections.OnUpdate(before, next)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, namespace := range []string{"", "ns0", "ns1", "ns2"} {
			for _, selector := range selectors {
				if _, ok, _ := watch.selections.find(selected{namespace, selector.String()}); ok {
					remembered++
				}
				names, err := w.Names(t.Context(), kind, namespace, selector)
				if err != nil {
					t.Fatal(err)
				}
				objects, err := w.Objects(t.Context(), kind, namespace, selector)
				if err != nil {
					t.Fatal(err)
				}
				if want := namesOf(objects); !slices.Equal(names, want) {
					t.Fatalf("step %d: %q in %q gives %v, want %v", step, selector, namespace, names, want)
				}
			}
		}
	}
	// Two of three namespaces stay as they were, all of them where nothing that counts has changed.
	if asked := 4000 * 12; remembered < asked/2 || remembered > asked*9/10 {
		t.Errorf("%d of %d answers were remembered", remembered, asked)
	}
}

// TestNamesReadBeforeAChange are not taken for those after it.
func TestNamesReadBeforeAChange(t *testing.T) {
	var s selections
	key := selected{"ns", "app=a"}
	_, _, seen := s.find(key)
	s.OnAdd(podOf("ns", "late", "a", "1"), false)
	s.keep(key, nil, seen)
	if _, ok, _ := s.find(key); ok {
		t.Error("names that were read before a pod came are remembered")
	}
}

// TestSelectionsAreBounded asks for ever new selectors.
func TestSelectionsAreBounded(t *testing.T) {
	var s selections
	names := make([]string, selectionsLimit/64)
	for i := range 1000 {
		key := selected{"ns", fmt.Sprint("app=", i)}
		s.keep(key, names, 0)
		s.keep(key, names, 0) // the second takes the place of the first
		if _, ok, _ := s.find(key); !ok {
			t.Fatalf("selector %d is not remembered", i)
		}
		if held := len(s.kept) * (len(names) + 1); s.names != held || held > selectionsLimit {
			t.Fatalf("after %d selectors: %d names are counted, %d held, at most %d allowed", i, s.names, held, selectionsLimit)
		}
	}
	s.keep(selected{"ns", "app"}, make([]string, selectionsLimit+1), 0)
	if _, ok, _ := s.find(selected{"ns", "app"}); ok {
		t.Error("an answer beyond the limit is remembered")
	}
}
