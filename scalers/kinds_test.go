package scalers

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// changing is the mapper of an API server that gets other kinds.
type changing struct {
	meta.RESTMapper
	now atomic.Pointer[meta.DefaultRESTMapper]
}

func (c *changing) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	return c.now.Load().RESTMapping(kind, versions...)
}

// Without KEDA's CRDs this part is off, and holds up no other: it counts as ready, and says what is missing to who
// asks. It begins by itself once they are installed.
func TestWithoutTheKindsThePartIsOffUntilTheyCome(t *testing.T) {
	mapper := &changing{}
	mapper.now.Store(meta.NewDefaultRESTMapper(nil))
	h := newHarnessOn(t, mapper, scaledObject(t, web))
	h.set("a", 3)
	if err := errors.Join(h.Ready(), h.Answers().Ready()); err != nil {
		t.Errorf("it holds up the others: %v", err)
	}
	if _, err := h.metric("s0-queue-a"); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "install KEDA's CRDs") {
		t.Errorf("a metric: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Answers().Run(ctx) }()
		began := func() bool {
			time.Sleep(2*kindsEvery + time.Second) // of the clock that the test moves
			select {
			case <-h.connected:
				return true
			default:
				return false
			}
		}
		if began() {
			t.Error("it began without them")
		}
		all := meta.NewDefaultRESTMapper(nil)
		addKinds(all)
		mapper.now.Store(all)
		if !began() {
			t.Error("it did not begin")
		}
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=3" {
		t.Errorf("after they came: %s, %v", got, err)
	}
}
