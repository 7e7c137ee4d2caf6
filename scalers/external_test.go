package scalers

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/trigger"
)

func TestExternalMetricAnswersFromTheLastReadingWhileItIsFresh(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", 12.5)
	h.poll(0)
	h.set("a", 20)
	for i, step := range []struct {
		after time.Duration
		want  string
		reads int
	}{
		{0, "s0-queue-a=12500m", 1},
		{15 * time.Second, "s0-queue-a=12500m", 1},
		{time.Second, "s0-queue-a=20", 2},
		{15 * time.Second, "s0-queue-a=20", 2},
	} {
		h.clock = h.clock.Add(step.after)
		got, err := h.metric("s0-queue-a")
		if err != nil || got != step.want || h.reads != step.reads {
			t.Errorf("step %d: %s, %v after %d readings; want %s, %d", i, got, err, h.reads, step.want, step.reads)
		}
	}
}

// A replica that does not lead never polls, and answers all the same.
func TestExternalMetricWithoutALoop(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.set("a", -3)
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=0" {
		t.Errorf("a negative number: %s, %v", got, err)
	}
}

// client-go asks for external metrics in small letters, so a list or a queue with capitals in its name is found by these.
func TestExternalMetricIsFoundInSmallLetters(t *testing.T) {
	so := scaledObject(t, strings.ReplaceAll(web, "key: a", "key: Orders"))
	h := newHarness(t, so)
	h.set("Orders", 3)
	for _, name := range []string{"s0-queue-orders", "s0-queue-Orders"} {
		if got, err := h.metric(name); err != nil || got != name+"=3" {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestCachedMetricsMayBeTwoIntervalsOld(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Triggers[0].UseCachedMetrics = true
	h := newHarness(t, so)
	h.set("a", 1)
	h.poll(0)
	h.set("a", 2)
	h.clock = h.clock.Add(time.Minute)
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=1" {
		t.Errorf("%s, %v", got, err)
	}
	h.clock = h.clock.Add(time.Second)
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=2" {
		t.Errorf("past two intervals: %s, %v", got, err)
	}
}

// Each way to fail is an error that says why, and no number.
func TestExternalMetricErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*harness)
		metric string
		is     func(error) bool
		says   string
	}{
		"the source fails": {func(h *harness) { h.fail("a") }, "s0-queue-a", apierrors.IsServiceUnavailable, "scaledobject shop/web, metric s0-queue-a: connection refused"},
		"the object is wrong": {func(h *harness) {
			h.edit(func(so *keda.ScaledObject) { so.Spec.Triggers[0].Type = "kafka" })
		}, "s0-queue-a", apierrors.IsServiceUnavailable, `"kafka" is not supported`},
		"another metric": {func(*harness) {}, "s1-queue-a", apierrors.IsNotFound, "s1-queue-a"},
		"no such object": {func(h *harness) {
			if err := h.client.Delete(t.Context(), h.object()); err != nil {
				t.Fatal(err)
			}
		}, "s0-queue-a", apierrors.IsNotFound, "s0-queue-a"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, scaledObject(t, web))
			c.change(h)
			got, err := h.metric(c.metric)
			if err == nil || !c.is(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, %v; want an error with %q", got, err, c.says)
			}
		})
	}
}

func TestAnErrorIsForgottenSoonerThanANumber(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	h.fail("a")
	h.poll(0)
	h.set("a", 3)
	if _, err := h.metric("s0-queue-a"); err == nil {
		t.Error("a failed reading was not remembered at all")
	}
	h.clock = h.clock.Add(retryAfter + time.Second)
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=3" {
		t.Errorf("after the source came back: %s, %v", got, err)
	}
}

func TestMetricsOfOthersAreNotOurs(t *testing.T) {
	h := newHarness(t)
	in, err := labels.Parse(hpa.OwnerLabel + " in (a,b)")
	if err != nil {
		t.Fatal(err)
	}
	for _, selector := range []labels.Selector{nil, labels.Everything(), labels.SelectorFromSet(labels.Set{"queue": "a"}), in} {
		if list, ours, err := h.ExternalMetric(t.Context(), "shop", "x", selector); ours || list != nil || err != nil {
			t.Errorf("%v: %v, %v, %v", selector, list, ours, err)
		}
	}
}

// The fallback is served once the failures exceed the threshold, by any replica: the count is in the status.
func TestFallbackIsServedAfterTheThreshold(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Fallback = &keda.Fallback{FailureThreshold: 1, Replicas: 6}
	h := newHarness(t, so)
	h.fail("a")
	for i, want := range []string{"", "s0-queue-a=30", "s0-queue-a=30"} {
		h.poll(30 * time.Second)
		got, err := h.metric("s0-queue-a")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("poll %d: %q, %v; want %q", i, got, err, want)
		}
	}
	if got := h.condition(keda.ConditionFallback); !strings.HasPrefix(got, "True FallbackExists") || h.replicas["web"] != 1 {
		t.Errorf("Fallback %s, %d replicas", got, h.replicas["web"])
	}
	h.set("a", 0)
	h.poll(30 * time.Second)
	if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=0" {
		t.Errorf("after the source came back: %s, %v", got, err)
	}
}

func TestAFallbackOfZeroReplicasIsNotServed(t *testing.T) {
	so := scaledObject(t, web)
	so.Spec.Fallback = &keda.Fallback{FailureThreshold: 0, Replicas: 0}
	h := newHarness(t, so)
	h.replicas["web"] = 3
	h.fail("a")
	for range 3 {
		h.poll(time.Hour)
		if got, err := h.metric("s0-queue-a"); err == nil {
			t.Errorf("an error was served as %s", got)
		}
	}
	if h.replicas["web"] != 3 {
		t.Errorf("an error scaled to %d", h.replicas["web"])
	}
}

// Callers at the same time share one question. One that gives up does not end it for the others; the last one
// does, and leaves no error behind.
func TestCallersShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		answer := make(chan struct{})
		questions := 0
		trig := &openTrigger{now: time.Now, metrics: h.metrics, slots: poll.NewSlots(1), wait: time.Minute, Opened: trigger.Opened{
			Read: func(ctx context.Context, _ time.Time) (trigger.Sample, error) {
				questions++
				select {
				case <-answer:
				case <-ctx.Done():
				}
				return trigger.Sample{Value: 7}, ctx.Err()
			},
		}}
		trig.kind, trig.Timeout = "queue", time.Minute
		alone, giveUp := context.WithCancel(t.Context())
		first := make(chan reading)
		go func() { first <- trig.read(alone, 0) }()
		synctest.Wait()
		giveUp()
		if r := <-first; r.err == nil {
			t.Error("the caller that gave up got an answer")
		}
		synctest.Wait()
		if trig.asked != nil || !trig.remembered().at.IsZero() {
			t.Errorf("a question that nobody waits for left %+v", trig.remembered())
		}
		ctx, giveUp := context.WithCancel(t.Context())
		go func() { first <- trig.read(ctx, 0) }()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if r := trig.read(t.Context(), time.Hour); r.err != nil || r.sample.Value != 7 {
					t.Errorf("read %+v", r)
				}
			})
		}
		synctest.Wait()
		giveUp()
		if r := <-first; r.err == nil {
			t.Error("the caller that gave up got an answer")
		}
		close(answer)
		callers.Wait()
		if questions != 2 {
			t.Errorf("%d questions", questions)
		}
	})
}
