package kube

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// storeCache is a cache whose informers have a store.
type storeCache struct {
	cache.Cache
	store toolscache.Store
}

func (c *storeCache) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return storeInformer{store: c.store}, nil
}

type storeInformer struct {
	cache.Informer
	store toolscache.Store
}

func (i storeInformer) GetStore() toolscache.Store { return i.store }

// What is remembered of nodes from many loops keeps no memory but theirs: each loop changes one of a thousand nodes, and the
// lists of all loops together would have hundreds of megabytes.
func TestRememberedNodesKeepNoLists(t *testing.T) {
	store := toolscache.NewStore(toolscache.MetaNamespaceKeyFunc)
	c := &storeCache{store: store}
	o := Observer{Cached: fake.NewClientBuilder().Build(), Nodes: StoredNodes(c)}
	node := func(i, version int) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("n", i), ResourceVersion: fmt.Sprint(version)}}
	}
	const nodes = 1000
	for i := range nodes {
		if err := store.Add(node(i, 0)); err != nil {
			t.Fatal(err)
		}
	}
	var translator Translator
	before := heap()
	for i := range 300 {
		if err := store.Update(node(i, i+1)); err != nil {
			t.Fatal(err)
		}
		objects, err := o.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(objects.Nodes) != nodes {
			t.Fatalf("%d nodes", len(objects.Nodes))
		}
		translator.Snapshot(&Observation{Objects: objects})
	}
	if grown := heap() - before; grown > 20<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	runtime.KeepAlive(&translator)
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
