package scalers

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Whatever happens to a write of the status: the status is right soon after, and not only at the next poll, an hour later.
func TestAStatusIsRightBeforeTheNextPoll(t *testing.T) {
	paused, resumed := annotated(keda.PausedAnnotation, "true"), annotated(keda.PausedAnnotation, "false")
	query := func(name string) func(*keda.ScaledObject) {
		return func(so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["unknown"+name] = "x" }
	}
	for _, c := range []struct {
		name string
		// happens begins when the object is at rest. Writes take a second while slow is called.
		happens func(h *harness, slow func(time.Duration))
		within  time.Duration
		want    string
	}{
		{"it changes while an older one is written", func(h *harness, slow func(time.Duration)) {
			slow(time.Second)
			h.edit(func(so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["key"] = "b" })
			time.Sleep(100 * time.Millisecond)
			old, err := h.hpa("keda-hpa-web")
			if err != nil {
				h.t.Fatal(err)
			}
			now := old.DeepCopy()
			now.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue}}
			if err := h.client.Update(h.t.Context(), now); err != nil {
				h.t.Fatal(err)
			}
			h.loop.hpaChanged(old, now)
		}, 5 * time.Second, "HPAActive True"},
		{"somebody else writes it meanwhile", func(h *harness, slow func(time.Duration)) {
			slow(time.Second)
			h.edit(paused)
			time.Sleep(100 * time.Millisecond)
			so := h.object()
			so.Finalizers = []string{"example.com/theirs"} // it counts up no generation
			if err := h.client.Update(h.t.Context(), so); err != nil {
				h.t.Fatal(err)
			}
		}, 10 * time.Second, "Paused True"},
		{"the object is made anew while that of the old one is written", func(h *harness, slow func(time.Duration)) {
			slow(time.Second)
			h.edit(paused)
			time.Sleep(100 * time.Millisecond)
			old := h.object()
			if err := h.client.Delete(h.t.Context(), old); err != nil {
				h.t.Fatal(err)
			}
			so := scaledObject(h.t, web)
			so.UID, so.Spec.PollingInterval = "u2", new(int32(3600))
			if err := h.client.Create(h.t.Context(), so); err != nil {
				h.t.Fatal(err)
			}
			h.term.Load().changed(old, so)
		}, 5 * time.Second, "Paused False"},
		{"it changes more often than it may be written", func(h *harness, _ func(time.Duration)) {
			for range transitionsAtOnce {
				h.edit(paused)
				time.Sleep(time.Second)
				h.edit(resumed)
				time.Sleep(time.Second)
			}
			h.edit(paused)
		}, 2 * time.Minute, "Paused True"},
		{"only its message changes", func(h *harness, _ func(time.Duration)) {
			h.edit(query("-a"))
			time.Sleep(time.Second)
			h.edit(query("-b"))
		}, 2 * time.Minute, "Ready True unknown-b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				so := scaledObject(t, web)
				so.Spec.PollingInterval = new(int32(3600))
				h := newHarness(t, so)
				h.recorder.Events = nil // nobody reads them
				h.run(t)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				h.loop = h.term.Load()
				c.happens(h, func(d time.Duration) { h.slow = d })
				time.Sleep(c.within)
				synctest.Wait()
				words := strings.Fields(c.want)
				got := h.condition(keda.ConditionType(words[0]))
				for _, word := range words[1:] {
					if !strings.Contains(got, word) {
						t.Errorf("%s later the status says %s %s, want %s", c.within, words[0], got, c.want)
					}
				}
			})
		})
	}
}

// A cache that stays behind costs few requests.
func TestConflictsOfStatusesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		so := scaledObject(t, web)
		so.Spec.PollingInterval = new(int32(1))
		h := newHarness(t, so)
		h.recorder.Events = nil // nobody reads them
		h.run(t)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		stale := h.object()
		now := stale.DeepCopy()
		now.Finalizers = []string{"example.com/theirs"}
		if err := h.client.Update(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		h.behind, h.writes, h.values["a"] = stale, nil, 9
		h.mu.Unlock()
		time.Sleep(10 * time.Minute)
		h.mu.Lock()
		n := 0
		for _, w := range h.writes {
			if w == "status web" {
				n++
			}
		}
		h.behind = nil
		h.mu.Unlock()
		if n < 15 || n > 40 {
			t.Errorf("the status was tried %d times in ten minutes", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := h.condition(keda.ConditionActive); !strings.HasPrefix(got, "True") {
			t.Errorf("Active %s", got)
		}
	})
}

// A term that ends writes no status that was still waiting for its turn.
func TestNoStatusIsWrittenAfterTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, hostile(t, 200, 1)...)
		h.recorder.Events = nil // nobody reads them
		h.hangs = func(client.Object) bool { return true }
		h.clock = time.Time{}
		h.waits("the first list of ScaledObjects")
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		end()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		h.writes = nil
		h.mu.Unlock()
		time.Sleep(time.Hour)
		if len(h.writes) > 0 {
			t.Errorf("after the term it wrote %q", h.writes)
		}
	})
}

// The API server has written a status, and its answer is lost: the Events of the change come once the status is seen, once. Of
// a write that did not happen there are none but those of the next.
func TestEventsOfALostAnswerAreSaidOnce(t *testing.T) {
	for _, lost := range []bool{true, false} {
		h := newHarness(t, scaledObject(t, web))
		h.poll(30 * time.Second)
		h.events()
		h.edit(annotated(keda.PausedAnnotation, "true"))
		h.outage = &outage{rest: true, lost: lost, only: "status web"}
		h.poll(30 * time.Second)
		if got := h.events(); got != "" {
			t.Errorf("before the status is known: %s", got)
		}
		h.outage = nil
		said := ""
		for range 4 {
			h.poll(time.Minute)
			said += h.events()
		}
		if n := strings.Count(said, "ScaledObjectPaused"); n != 1 {
			t.Errorf("written %v: it is said %d times: %s", lost, n, said)
		}
	}
}

// While an object is active the time in its status is old. Whoever takes over then, and finds it inactive, failing or paused,
// counts the cooldown from that moment: of 60s here.
func TestATakeOverWhileActiveNeverShortensACooldown(t *testing.T) {
	takeOver := func(h *harness) { h.loop = newLoop(t.Context(), h.Scalers) }
	for _, c := range []struct {
		name string
		// before and after run before and after the round in which the take-over is.
		before, after func(h *harness)
	}{
		{"inactive", func(h *harness) { takeOver(h); h.set("a", 0) }, func(*harness) {}},
		{"failing", func(h *harness) { takeOver(h); h.fail("a") }, func(h *harness) { h.set("a", 0) }},
		{"failing, and another leader", func(h *harness) { takeOver(h); h.fail("a") }, func(h *harness) { takeOver(h); h.set("a", 0) }},
		{"paused, and another leader", func(h *harness) { takeOver(h); h.edit(annotated(keda.PausedAnnotation, "true")) },
			func(h *harness) {
				takeOver(h)
				h.set("a", 0)
				h.edit(func(so *keda.ScaledObject) { so.Annotations = nil })
			}},
		{"wrong, and another leader", func(h *harness) {
			takeOver(h)
			h.edit(func(so *keda.ScaledObject) { so.Spec.Triggers[0].Type = "none" })
		}, func(h *harness) {
			takeOver(h)
			h.set("a", 0)
			h.edit(func(so *keda.ScaledObject) { so.Spec.Triggers[0].Type = "queue" })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, scaledObject(t, web))
			h.set("a", 1)
			for range 120 {
				h.poll(30 * time.Second)
			}
			c.before(h)
			h.poll(30 * time.Second)
			took := h.time()
			c.after(h)
			if h.poll(30 * time.Second); h.replicas["web"] != 1 {
				t.Error("it is scaled in within the cooldown")
			}
			if got := h.object().Status.LastActiveTime; !got.Time.Equal(took) {
				t.Errorf("the last activity was at %s, want %s", got, took)
			}
			if h.poll(31 * time.Second); h.replicas["web"] != 0 {
				t.Error("it is not scaled in after the cooldown")
			}
		})
	}
}
