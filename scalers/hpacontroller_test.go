package scalers

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/hpa"
)

// hpaController asks as kube-controller-manager does: five workers for all HPAs of a cluster, each HPA again 15 s after it
// was answered, and as the adapter bounds each request. It notes how long the neighbour's HPA was late at most.
func hpaController(ctx context.Context, t *testing.T, h *harness, hostile []client.Object) (late *time.Duration) {
	type job struct {
		namespace, name, metric string
		due                     time.Time
	}
	queue := make(chan job, len(hostile)+1)
	late = new(time.Duration)
	for _, o := range hostile {
		queue <- job{"hostile", o.GetName(), "s0-queue-never-0", time.Now()}
	}
	queue <- job{"shop", "web", "s0-queue-a", time.Now()}
	for range 5 {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case j := <-queue:
					asking, cancel := context.WithTimeout(ctx, 15*time.Second)
					_, _, err := h.ExternalMetric(asking, j.namespace, j.metric, labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: j.name}))
					cancel()
					if j.name == "web" {
						if err != nil && ctx.Err() == nil {
							t.Errorf("the neighbour's HPA is answered: %v", err)
						}
						h.mu.Lock()
						*late = max(*late, time.Since(j.due))
						h.mu.Unlock()
					}
					time.AfterFunc(15*time.Second, func() {
						j.due = time.Now()
						queue <- j
					})
				}
			}
		}()
	}
	return late
}

// The HPA controller has five workers for the whole cluster. Sources of one namespace that never answer must not hold them.
func TestSourcesThatNeverAnswerHoldNoHPAController(t *testing.T) {
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprintf("leads %v", leads), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := hostile(t, 50, 1)
				h := newHarness(t, append(all, scaledObject(t, web))...)
				h.recorder.Events = nil
				h.clock = time.Time{}
				if leads {
					h.run(t)
				}
				h.mu.Lock()
				h.values["a"] = 3
				h.mu.Unlock()
				ctx, end := context.WithCancel(t.Context())
				late := hpaController(ctx, t, h, all)
				time.Sleep(time.Minute)
				h.mu.Lock()
				first := *late
				*late = 0
				h.mu.Unlock()
				time.Sleep(9 * time.Minute)
				end()
				time.Sleep(time.Minute) // what is still read ends with its time-out
				h.mu.Lock()
				got := *late
				h.mu.Unlock()
				if first > 20*time.Second || got > 2*time.Second {
					t.Errorf("the neighbour's HPA was late by %s in the first minute, and by %s later", first, got)
				}
			})
		})
	}
}

// Sources that take longer than an HPA may wait answer each of its requests all the same, however many there are.
func TestSlowSourcesAnswerEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []client.Object
		for i := range 10 {
			so := scaledObject(t, web)
			so.Name, so.UID = fmt.Sprint("slow-", i), types.UID(fmt.Sprint("slow-", i))
			so.Spec.Triggers[0].Metadata = map[string]string{"key": "a", "timeout": "10s"}
			all = append(all, so)
		}
		h := newHarness(t, all...)
		h.clock = time.Time{}
		h.during = func() { time.Sleep(3 * time.Second) }
		for request := range 20 {
			for _, o := range all {
				go func() {
					_, _, err := h.ExternalMetric(t.Context(), "shop", "s0-queue-a", labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: o.GetName()}))
					if err != nil && request > 1 {
						t.Errorf("request %d of the HPA of %s: %v", request, o.GetName(), err)
					}
				}()
			}
			time.Sleep(15 * time.Second)
		}
	})
}

// What goes on to be read for the next request ends when the object changes, as all that is read for it.
func TestAnEditEndsWhatIsReadForTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		so := scaledObject(t, web)
		so.Spec.Triggers[0].Metadata = map[string]string{"key": "never", "timeout": "24h"}
		h := newHarness(t, so)
		h.clock = time.Time{}
		ctx, giveUp := context.WithTimeout(t.Context(), 2*time.Second)
		defer giveUp()
		_, _, err := h.ExternalMetric(ctx, "shop", "s0-queue-never", labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: "web"}))
		if synctest.Wait(); err == nil || h.asking["never"] != 1 {
			t.Fatalf("after the HPA has given up (%v) %d readings go on, want 1", err, h.asking["never"])
		}
		h.edit(func(so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata = map[string]string{"key": "a"} })
		if _, err := h.metric("s0-queue-a"); err != nil {
			t.Error(err)
		}
		if synctest.Wait(); h.asking["never"] != 0 {
			t.Errorf("%d readings of the object before the edit go on", h.asking["never"])
		}
	})
}
