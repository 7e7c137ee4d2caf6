package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// catalogue is a list that changes.
type catalogue struct {
	*memory
	generation uint64
}

func (c *catalogue) CustomMetrics() ([]CustomMetric, uint64) { return c.list, c.generation }

func TestTheDocumentIsMadeOnceForEachGeneration(t *testing.T) {
	t.Parallel()
	c := &catalogue{memory: newMemory(0, 0), generation: 1}
	p := newPairOf(t, apis{custom: c})
	get := func() string {
		w, _ := (&pair{echo: &echo{}}).get(p.both, newRequest(customPath, http.Header{"Accept": {"application/json"}}))
		return w.Body.String()
	}
	if got := get(); !strings.Contains(got, `"resources":[]`) {
		t.Errorf("an empty list is %s", got)
	}
	c.list = []CustomMetric{{schema.GroupResource{Resource: "pods"}, true, "b"}, {schema.GroupResource{Group: "apps", Resource: "deployments"}, false, "a"}, {schema.GroupResource{Resource: "pods"}, true, "a"}}
	if got := get(); !strings.Contains(got, `"resources":[]`) {
		t.Errorf("without a new generation the list is made again: %s", got)
	}
	c.generation++
	got := get()
	a, b, z := strings.Index(got, `"name":"deployments.apps/a","singularName":"","namespaced":false`), strings.Index(got, `"pods/a"`), strings.Index(got, `"pods/b"`)
	if a < 0 || b < a || z < b {
		t.Errorf("not sorted: %s", got)
	}
	c.list = newMemory(0, 5000).list
	c.generation++
	compressed, _ := (&pair{echo: &echo{}}).get(p.both, newRequest(customPath, http.Header{"Accept-Encoding": {"gzip"}}))
	if compressed.Header().Get("Content-Encoding") != "gzip" || unzip(compressed) != get() || compressed.Header().Get("Content-Length") != fmt.Sprint(compressed.Body.Len()) {
		t.Errorf("compressed: %v, %d bytes", compressed.Header(), compressed.Body.Len())
	}
}

// What is in flight is bounded.
func TestTooManyRequestsAreRefused(t *testing.T) {
	t.Parallel()
	h := &holder{memory: newMemory(0, 0), hold: make(chan struct{}), began: make(chan struct{})}
	p := newPairOf(t, apis{custom: h})
	p.fast.limit = 3
	var all sync.WaitGroup
	statuses := make(chan int, 3)
	ask := func() int {
		w, _ := (&pair{echo: &echo{}}).get(p.both, newRequest(customPath+"/namespaces/a/pods/p/m", nil))
		if w.Code == http.StatusTooManyRequests && (w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "Too many requests")) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
		return w.Code
	}
	for range 3 {
		all.Go(func() { statuses <- ask() })
		<-h.began
	}
	if got := ask(); got != http.StatusTooManyRequests {
		t.Errorf("the fourth gets %d", got)
	}
	close(h.hold)
	all.Wait()
	for range 3 {
		if got := <-statuses; got != http.StatusOK {
			t.Errorf("one of three gets %d", got)
		}
	}
	if got := p.fast.inFlight.Load(); got != 0 {
		t.Errorf("%d are in flight in the end", got)
	}
}

// holder answers when it is let.
type holder struct {
	*memory
	began, hold chan struct{}
}

func (h *holder) Custom(ctx context.Context, q CustomRequest, a *CustomAnswer) error {
	h.began <- struct{}{}
	<-h.hold
	return h.memory.Custom(ctx, q, a)
}
