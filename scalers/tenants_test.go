package scalers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/scalers/hpa"
)

// hostile are n objects of another namespace whose triggers ask for a day and get no answer.
func hostile(t *testing.T, n, triggers int) []client.Object {
	var all []client.Object
	for i := range n {
		so := scaledObject(t, web)
		so.Namespace, so.Name, so.UID = "hostile", fmt.Sprint("h", i), types.UID(fmt.Sprint("h", i))
		so.Spec.PollingInterval, so.Spec.Triggers = new(int32(1)), nil
		for j := range triggers {
			so.Spec.Triggers = append(so.Spec.Triggers, keda.ScaleTriggers{Type: "queue", Metadata: map[string]string{"key": fmt.Sprint("never-", j), "timeout": "24h"}})
		}
		all = append(all, so)
	}
	return all
}

// run leads until the test ends, in the time of a bubble.
func (h *harness) run(t *testing.T) {
	h.clock = time.Time{}
	h.waits("the first list of ScaledObjects")
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Whatever one namespace asks of sources that never answer: a neighbour is activated at its next poll, the
// replica is ready after a minute and says who holds it up, and deleting the objects frees all they held.
func TestObjectsThatNeverAnswerLeaveANeighbourAlone(t *testing.T) {
	for _, c := range []struct{ objects, triggers int }{{25, 1}, {500, 1}, {1, 100}, {40, 20}} {
		t.Run(fmt.Sprintf("%d objects of %d triggers", c.objects, c.triggers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				neighbour := scaledObject(t, web)
				neighbour.Spec.PollingInterval = new(int32(1))
				all := hostile(t, c.objects, c.triggers)
				h := newHarness(t, append(all, neighbour)...)
				h.recorder.Events = nil // nobody reads them
				h.run(t)
				time.Sleep(10 * time.Second)
				h.mu.Lock()
				h.values["a"] = 9
				asking := 0
				for _, n := range h.asking {
					asking += n
				}
				h.mu.Unlock()
				if asking > 67 || c.objects == 1 && asking > readingsAtOnce {
					t.Errorf("%d readings run at once", asking)
				}
				time.Sleep(time.Second + 10*time.Millisecond)
				synctest.Wait()
				if h.replicas["web"] != 1 {
					t.Errorf("the neighbour has %d replicas a second after its queue filled; %s", h.replicas["web"], h.Note())
				}
				time.Sleep(time.Minute)
				if err := h.Ready(); err != nil {
					t.Errorf("after a minute it %v", err)
				}
				if note := h.Note(); !strings.Contains(note, " reading") || !strings.Contains(note, "the oldest, hostile/h") {
					t.Errorf("it says of itself %q", note)
				}
				informer, err := h.handlers.FakeInformerFor(t.Context(), &keda.ScaledObject{})
				if err != nil {
					t.Fatal(err)
				}
				asked := make(chan error, 1)
				go func() {
					_, _, err := h.ExternalMetric(t.Context(), "hostile", "s0-queue-never-0", labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: "h0"}))
					asked <- err
				}()
				synctest.Wait()
				for _, o := range all {
					if err := h.client.Delete(t.Context(), o); err != nil {
						t.Fatal(err)
					}
					informer.Delete(o)
				}
				synctest.Wait()
				select {
				case err := <-asked:
					if err == nil {
						t.Error("an HPA was answered by a source that never answers")
					}
				default:
					t.Error("the request of an HPA of a deleted object goes on")
				}
				if note := h.Note(); note != "" {
					t.Errorf("after they were deleted it says of itself %q", note)
				}
				for key, n := range h.asking {
					if n != 0 {
						t.Errorf("%d readings of %s go on", n, key)
					}
				}
			})
		})
	}
}

// Writes of statuses that hang hold up no round: neither of the same objects, nor of their namespace, nor of others. They
// are tried again, few at a time, and those that do not hang are written.
func TestStatusesThatHangHoldNoRoundUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []client.Object
		object := func(namespace, name, target, key string) {
			so := scaledObject(t, web)
			so.Namespace, so.Name, so.UID = namespace, name, types.UID(namespace+name)
			so.Spec.PollingInterval, so.Spec.ScaleTargetRef.Name, so.Spec.Triggers[0].Metadata["key"] = new(int32(1)), target, key
			all = append(all, so)
		}
		object("shop", "web", "web", "a")
		for i := range 8 {
			for j := range 15 {
				object(fmt.Sprint("hostile-", i), fmt.Sprint("hangs-", j), "theirs", "b")
			}
		}
		object("hostile-0", "web", "beside", "c")
		h := newHarness(t, all...)
		h.recorder.Events = nil // nobody reads them
		h.replicas["theirs"], h.replicas["beside"] = 0, 0
		h.hangs = func(o client.Object) bool { return strings.HasPrefix(o.GetName(), "hangs-") }
		h.run(t)
		time.Sleep(time.Minute)
		h.mu.Lock()
		tried := 0
		for _, w := range h.writes {
			if strings.HasPrefix(w, "status hangs-") {
				tried++
			}
		}
		h.values["a"], h.values["b"], h.values["c"] = 9, 9, 9
		h.mu.Unlock()
		if tried < 100 || tried > 140 { // 20 at a time, for 10 s each
			t.Errorf("statuses that hang were tried %d times in a minute", tried)
		}
		time.Sleep(time.Second + 10*time.Millisecond)
		synctest.Wait()
		for _, name := range []string{"web", "beside", "theirs"} {
			if h.replicas[name] != 1 {
				t.Errorf("%s has %d replicas a second after its queue filled; %s", name, h.replicas[name], h.Note())
			}
		}
		time.Sleep(20 * time.Second) // two writes that hang may be before it
		synctest.Wait()
		if got := h.condition(keda.ConditionActive); !strings.HasPrefix(got, "True") {
			t.Errorf("the neighbour's status says Active %s", got)
		}
	})
}

// A reading takes no longer than the ceiling, and ends when the object is edited.
func TestATimeoutHasACeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		so := hostile(t, 1, 1)[0].(*keda.ScaledObject)
		so.Namespace, so.Name = "shop", "web"
		h := newHarness(t, so)
		h.run(t)
		time.Sleep(30*time.Second - time.Millisecond)
		if got := h.condition(keda.ConditionReady); got != " : " {
			t.Errorf("before the ceiling: Ready %s", got)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := h.condition(keda.ConditionReady); !strings.Contains(got, "context deadline exceeded") {
			t.Errorf("after it: Ready %s", got)
		}
		time.Sleep(5 * time.Second) // within the next reading
		synctest.Wait()
		if h.asking["never-0"] != 1 {
			t.Fatalf("%d readings", h.asking["never-0"])
		}
		before := h.object()
		after := before.DeepCopy()
		after.Generation, after.Spec.Triggers[0].Metadata = 2, map[string]string{"key": "a"}
		if err := h.client.Update(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		h.set("a", 9)
		informer, err := h.handlers.FakeInformerFor(t.Context(), &keda.ScaledObject{})
		if err != nil {
			t.Fatal(err)
		}
		informer.Update(before, after)
		synctest.Wait()
		if h.asking["never-0"] != 0 || h.replicas["web"] != 1 {
			t.Errorf("after the edit %d readings go on, %d replicas", h.asking["never-0"], h.replicas["web"])
		}
	})
}

// A pause does not wait for a reading; an annotation of somebody else does not end one.
func TestAPauseDoesNotWaitForAReading(t *testing.T) {
	for annotation, paused := range map[string]bool{keda.PausedReplicasAnnotation: true, "example.com/heartbeat": false} {
		synctest.Test(t, func(t *testing.T) {
			so := hostile(t, 1, 1)[0].(*keda.ScaledObject)
			so.Namespace, so.Name = "shop", "web"
			h := newHarness(t, so)
			h.run(t)
			time.Sleep(time.Second)
			before := h.object()
			annotated(annotation, "2")(so)
			so.ResourceVersion = before.ResourceVersion
			if err := h.client.Update(t.Context(), so); err != nil {
				t.Fatal(err)
			}
			informer, err := h.handlers.FakeInformerFor(t.Context(), &keda.ScaledObject{})
			if err != nil {
				t.Fatal(err)
			}
			informer.Update(before, so)
			synctest.Wait()
			if got := h.replicas["web"] == 2; got != paused || (h.asking["never-0"] == 0) != paused {
				t.Errorf("%s: it is paused: %v, %d readings go on", annotation, got, h.asking["never-0"])
			}
		})
	}
}

// HPAs of one namespace that wait for sources take a share of the readings; another namespace's are answered.
func TestRequestsOfHPAsAreBoundedByNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, append(hostile(t, 300, 1), scaledObject(t, web))...)
		h.clock = time.Time{}
		h.set("a", 3)
		ctx, giveUp := context.WithCancel(t.Context())
		for i := range 300 {
			go func() {
				_, _, _ = h.ExternalMetric(ctx, "hostile", "s0-queue-never-0", labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: fmt.Sprint("h", i)}))
			}()
		}
		synctest.Wait()
		if n := h.asking["never-0"]; n != 67 {
			t.Errorf("%d readings of one namespace run at once, want a third", n)
		}
		if got, err := h.metric("s0-queue-a"); err != nil || got != "s0-queue-a=3" {
			t.Errorf("another namespace's HPA is answered %s, %v", got, err)
		}
		giveUp()
		synctest.Wait()
		if n := h.asking["never-0"]; n != 0 {
			t.Errorf("%d readings go on that nobody waits for", n)
		}
	})
}

// calls counts the requests to the API server by what they are.
func (h *harness) calls(what string) int {
	n := 0
	for _, c := range h.outage.calls {
		if strings.HasPrefix(c, what) {
			n++
		}
	}
	return n
}

// Whatever fails is asked again later and later, while what costs no request goes on; a change of what it
// failed by makes it try at once.
func TestWhatFailsBacksOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(*harness, *keda.ScaledObject)
		// call is the request that fails, and is counted in ten minutes of polls each second.
		call string
		most int
		mend func(*harness)
	}{
		{"the target does not exist", func(_ *harness, so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Name = "late" }, "get scale", 8, func(h *harness) {
			h.replicas["late"] = 0
			h.loop.mends(byTarget("Deployment")).OnAdd(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "late"}}, false)
		}},
		{"its kind does not exist", func(_ *harness, so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Kind = "Gone" }, "get scale", 0, func(h *harness) {
			h.edit(func(so *keda.ScaledObject) { so.Spec.ScaleTargetRef.Kind = "" })
		}},
		{"the scale may not be written", func(h *harness, _ *keda.ScaledObject) { h.refuse = errors.New("forbidden") }, "update scale", 8, func(h *harness) {
			h.refuse = nil
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 2}}
			h.loop.mends(byTarget("Deployment")).OnUpdate(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 1}}, d)
		}},
		{"the HPA belongs to another", func(h *harness, so *keda.ScaledObject) { named("of-nobody")(so) }, "create", 0, func(h *harness) {
			theirs, err := h.hpa("of-nobody")
			if err != nil {
				h.t.Fatal(err)
			}
			if err := h.client.Delete(h.t.Context(), theirs); err != nil {
				h.t.Fatal(err)
			}
			h.loop.queueOwners(theirs)
		}},
		{"its Secret does not exist", func(h *harness, so *keda.ScaledObject) {
			so.Spec.Triggers[0].AuthenticationRef = &keda.AuthenticationRef{Name: "auth"}
		}, "get s", 24, func(h *harness) {
			ta := &keda.TriggerAuthentication{}
			if err := h.client.Get(h.t.Context(), types.NamespacedName{Namespace: "shop", Name: "auth"}, ta); err != nil {
				h.t.Fatal(err)
			}
			ta.Spec.SecretTargetRef = nil
			if err := h.client.Update(h.t.Context(), ta); err != nil {
				h.t.Fatal(err)
			}
			h.loop.mends(byAuthentication).OnAdd(ta, false)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			so := scaledObject(t, web)
			so.Spec.PollingInterval = new(int32(1))
			auth := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}, Spec: keda.TriggerAuthenticationSpec{
				SecretTargetRef: []keda.AuthSecretTargetRef{{Parameter: "password", Name: "s", Key: "pw"}},
			}}
			h := newHarness(t, append(others(), so, auth)...)
			h.set("a", 9)
			h.edit(func(so *keda.ScaledObject) { c.breaks(h, so) })
			h.outage = &outage{at: -1}
			for range 600 {
				h.poll(time.Second)
			}
			if n := h.calls(c.call); n > c.most || n < min(c.most, 5) {
				t.Errorf("%d calls %q in ten minutes, want 5 to %d; in all %d", n, c.call, c.most, len(h.outage.calls))
			}
			if n := h.calls("status"); n > 21 { // the last activity, each 30s
				t.Errorf("the status was written %d times", n)
			}
			if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "False") {
				t.Errorf("Ready %s", got)
			}
			c.mend(h)
			if n := len(h.loop.polls.Load().Rounds); n != 1 {
				t.Error("the change did not queue the object")
			}
			h.poll(0)
			if got := h.condition(keda.ConditionReady); !strings.HasPrefix(got, "True") {
				t.Errorf("after it was mended: Ready %s", got)
			}
		})
	}
}

// An HPA that cannot be kept does not hold up the way from zero.
func TestAFailingHPADoesNotStopThePolls(t *testing.T) {
	so := scaledObject(t, web)
	named("of-nobody")(so)
	h := newHarness(t, append(others(), so)...)
	for range 20 {
		h.poll(30 * time.Second)
	}
	h.set("a", 9)
	if h.poll(30 * time.Second); h.replicas["web"] != 1 {
		t.Errorf("%d replicas", h.replicas["web"])
	}
}

// Polls at which nothing changes cost no request in an hour, whatever the cache is asked, also while a trigger is active.
func TestAPollCostsNoRequest(t *testing.T) {
	for _, value := range []float64{0, 9} {
		h := newHarness(t, scaledObject(t, web))
		h.set("a", value)
		h.poll(0)
		h.outage = &outage{at: -1}
		for i := range 120 {
			if value > 0 {
				h.set("a", value+float64(i))
			}
			h.poll(30 * time.Second)
		}
		for _, c := range h.outage.calls {
			if c != "get web" && c != "get keda-hpa-web" && c != "list" { // from the cache
				t.Errorf("a poll of %v costs %q", value, c)
			}
		}
	}
}

// The cache is behind in the number that it has of the target: what is written is refused, and decided anew
// on what the API server says.
func TestACacheThatIsBehindScalesNothing(t *testing.T) {
	for _, c := range []struct {
		cached, real int32
		value        float64
		want         int32
	}{
		{0, 4, 9, 4}, // somebody activated it already
		{3, 0, 9, 0}, // active by the cache: nothing is done until it knows better
		{3, 3, 0, 0},
	} {
		h := newHarness(t, scaledObject(t, web))
		h.set("a", 1)
		h.poll(0)
		h.replicas["web"], h.cached = c.real, map[string]int32{"web": c.cached}
		h.stale = c.cached != c.real
		h.set("a", c.value)
		h.poll(time.Hour)
		h.poll(time.Hour)
		if got := h.replicas["web"]; got != c.want {
			t.Errorf("%+v: %d replicas", c, got)
		}
	}
}

// Values that go to and fro each second, and errors that do, cost few writes of the status.
func TestAnObjectThatFlapsCostsFewWrites(t *testing.T) {
	for _, c := range []struct {
		name string
		flap func(h *harness, i int)
		most int
	}{
		{"its value", func(h *harness, i int) { h.set("a", float64(i%2)*9) }, 45},
		{"its source", func(h *harness, i int) {
			if h.set("a", 9); i%2 == 1 {
				h.fail("a")
			}
		}, 41},
	} {
		so := scaledObject(t, web)
		so.Spec.PollingInterval, so.Spec.MinReplicaCount = new(int32(1)), new(int32(1))
		h := newHarness(t, so)
		h.outage = &outage{at: -1}
		for i := range 600 {
			c.flap(h, i)
			h.poll(time.Second)
			h.events()
		}
		if n := h.calls("status"); n > c.most || n < 10 {
			t.Errorf("%s: %d writes of the status in ten minutes, want 10 to %d", c.name, n, c.most)
		}
	}
}
