package tenants

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

// One trimtab outlives all attacks, one after another.
func TestTenants(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	w := newWorld(ctx, t)
	w.attack(ctx, t, "sources that never answer", w.sourcesThatNeverAnswer)
	w.attack(ctx, t, "unknown keys by the thousand", w.unknownKeys)
	w.attack(ctx, t, "answers without end", w.answersWithoutEnd)
	w.attack(ctx, t, "500 objects each second", w.manyObjects)
	w.attack(ctx, t, "300 objects without a target", w.noTargets)
	w.attack(ctx, t, "statuses that cannot be written", w.hangingStatuses)
	w.attack(ctx, t, "secrets in every place", w.secrets)
	w.attack(ctx, t, "500 servers", w.manyServers)
	w.attack(ctx, t, "2,000 triggers in one object", w.manyTriggers)
	w.attack(ctx, t, "places that are none of the tenant's", w.forbiddenPlaces)
}

// sourcesThatNeverAnswer: 25 objects, more than there are workers, that would wait for a day.
func (w *world) sourcesThatNeverAnswer(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	asked := reached(&w.fake.never, 5)
	w.create(ctx, t, 25, func(_ int, so *keda.ScaledObject) {
		so.Spec.Triggers = []keda.ScaleTriggers{w.prometheus("never", "timeout", "24h")}
	})
	w.Wait(ctx, t, "the server is asked", asked)
	w.unharmed(ctx, t)
	if _, body := w.get(ctx, t, "/readyz"); !strings.Contains(body, "in flight") {
		t.Errorf("/readyz does not tell of the rounds in flight:\n%s", body)
	}
	open := w.fake.open.Load()
	if err := w.Client.DeleteAllOf(ctx, &keda.ScaledObject{}, client.InNamespace(attacker)); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(ctx, 5*time.Second) // well below any time-out
	defer cancel()
	w.Wait(soon, t, fmt.Sprintf("the %d connections end with the objects", open), func(context.Context) error {
		return lab.Want(w.fake.open.Load(), 0)
	})
}

// unknownKeys: each key makes its error longer, and each has its neighbours' names to repeat.
func (w *world) unknownKeys(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	said := w.logged(t)
	w.create(ctx, t, 6, func(i int, so *keda.ScaledObject) {
		trigger := w.prometheus("one")
		for n := range 6000 {
			trigger.Metadata[fmt.Sprintf("unknown-key-number-%d", n)] = "a value"
		}
		if i >= 3 { // few, and long
			trigger = w.prometheus("one")
			for n := range 60 {
				trigger.Metadata[fmt.Sprintf("%d-%s", n, strings.Repeat("long", 200))] = "a value"
			}
		}
		so.Spec.Triggers = []keda.ScaleTriggers{trigger}
	})
	for i := range 6 {
		name := fmt.Sprintf("a-%d", i)
		w.Wait(ctx, t, name+" says what is wrong", func(ctx context.Context) error {
			if i < 3 {
				return w.ready(ctx, attacker, name, metav1.ConditionFalse, "maxTriggerParameters")
			}
			return w.ready(ctx, attacker, name, metav1.ConditionTrue, "trigger 0 (prometheus)") // as by KEDA, it works without them
		})
		var so keda.ScaledObject
		if err := w.Client.Get(ctx, client.ObjectKey{Namespace: attacker, Name: name}, &so); err != nil {
			t.Fatal(err)
		}
		if message := so.Status.Conditions.GetReadyCondition().Message; len(message) > 1024 {
			t.Errorf("%s: the message has %d bytes", name, len(message))
		}
	}
	w.unharmed(ctx, t)
	if n := w.logged(t) - said; n > 100<<10 {
		t.Errorf("the log grew by %d KiB", n>>10)
	}
}

// answersWithoutEnd: a vector of 60 MB, and one that does not end.
func (w *world) answersWithoutEnd(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	big, endless := reached(&w.fake.big, 6), reached(&w.fake.rows, 6)
	w.create(ctx, t, 6, func(i int, so *keda.ScaledObject) {
		so.Spec.PollingInterval = new(int32(1))
		so.Spec.Triggers = []keda.ScaleTriggers{w.prometheus([]string{"big", "rows"}[i%2], "timeout", "10s")}
	})
	w.Wait(ctx, t, "the vector of 60 MB is read", big)
	w.Wait(ctx, t, "the endless one is read", endless)
	w.unharmed(ctx, t)
	for i := range 6 {
		name := fmt.Sprintf("a-%d", i)
		w.Wait(ctx, t, name+" says what is wrong", func(ctx context.Context) error {
			return w.ready(ctx, attacker, name, metav1.ConditionFalse, "aggregate")
		})
	}
}

// manyObjects: each polls its source each second.
func (w *world) manyObjects(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	w.create(ctx, t, 500, func(_ int, so *keda.ScaledObject) {
		so.Spec.PollingInterval = new(int32(1))
		so.Spec.Triggers = []keda.ScaleTriggers{w.prometheus("one")}
	})
	w.unharmed(ctx, t)
}

// noTargets: what is not there is asked for less and less often, and is found when it comes.
func (w *world) noTargets(ctx context.Context, t *testing.T) {
	w.create(ctx, t, 300, func(_ int, so *keda.ScaledObject) {
		so.Spec.PollingInterval = new(int32(1))
		so.Spec.Triggers = []keda.ScaleTriggers{w.prometheus("one")}
	})
	w.Wait(ctx, t, "the last says that its target is missing", func(ctx context.Context) error {
		return w.ready(ctx, attacker, "a-299", metav1.ConditionFalse, "does not exist")
	})
	w.unharmed(ctx, t)
	before := w.requests(t)
	time.Sleep(10 * time.Second)
	if n := w.requests(t) - before; n > 300 {
		t.Errorf("trimtab sent %d requests to the API server in 10 s", n)
	}
	w.deployment(ctx, t)
	soon, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	w.Wait(soon, t, "an object has found its target", func(ctx context.Context) error {
		return w.ready(ctx, attacker, "a-0", metav1.ConditionTrue, "")
	})
}

// manyServers: what is counted by server goes with the server.
func (w *world) manyServers(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	before := w.series(ctx, t)
	w.create(ctx, t, 500, func(i int, so *keda.ScaledObject) {
		trigger := w.prometheus("one")
		trigger.Metadata["serverAddress"] = fmt.Sprintf("http://127.0.%d.%d:1", i/200+1, i%200)
		so.Spec.Triggers = []keda.ScaleTriggers{trigger}
	})
	w.Wait(ctx, t, "the last was polled", func(ctx context.Context) error {
		return w.ready(ctx, attacker, "a-499", metav1.ConditionFalse, "refused")
	})
	if n := w.series(ctx, t) - before; n > 300 {
		t.Errorf("500 servers of one tenant make %d series", n)
	}
	if _, body := w.get(ctx, t, "/metrics"); strings.Contains(body, "trimtab_prometheus_endpoint_up{server=\"http://127.0.") {
		t.Error("a tenant's dead server looks as one of the operator's")
	}
	w.unharmed(ctx, t)
	if err := w.Client.DeleteAllOf(ctx, &keda.ScaledObject{}, client.InNamespace(attacker)); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "their series are gone", func(ctx context.Context) error {
		if n := w.series(ctx, t) - before; n > 30 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
}

// manyTriggers: the object is refused, and its condition says how many triggers are allowed.
func (w *world) manyTriggers(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	w.fake.most.Store(w.fake.open.Load())
	w.create(ctx, t, 2, func(i int, so *keda.ScaledObject) {
		for range []int{2000, 90}[i] {
			so.Spec.Triggers = append(so.Spec.Triggers, w.prometheus("never", "timeout", "2s"))
		}
	})
	w.Wait(ctx, t, "the object with 2,000 is refused", func(ctx context.Context) error {
		return w.ready(ctx, attacker, "a-0", metav1.ConditionFalse, "2000")
	})
	w.Wait(ctx, t, "the one with 90 was polled", func(ctx context.Context) error {
		return w.ready(ctx, attacker, "a-1", metav1.ConditionFalse, "s1-prometheus")
	})
	if n := w.fake.most.Load(); n > 40 {
		t.Errorf("%d connections at the same time", n)
	}
	w.unharmed(ctx, t)
}

// forbiddenPlaces: the machine's metadata, a redirect to elsewhere, and an answer that is somebody else's.
func (w *world) forbiddenPlaces(ctx context.Context, t *testing.T) {
	w.deployment(ctx, t)
	address := []string{"http://169.254.169.254/latest", w.fake.url("away"), w.fake.url("echo")}
	says := []string{"169.254.0.0/16", "redirect", "418"}
	w.create(ctx, t, 3, func(i int, so *keda.ScaledObject) {
		trigger := w.prometheus("one")
		trigger.Metadata["serverAddress"] = address[i]
		so.Spec.Triggers = []keda.ScaleTriggers{trigger}
	})
	for i := range 3 {
		w.Wait(ctx, t, address[i]+" is refused", func(ctx context.Context) error {
			return w.ready(ctx, attacker, fmt.Sprintf("a-%d", i), metav1.ConditionFalse, says[i])
		})
	}
	if n := w.fake.elsewhere.Load(); n > 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
	w.prints(ctx, t, marked)
	w.unharmed(ctx, t)
}

// logged is the length of trimtab's log.
func (w *world) logged(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(w.trimtab.Process.Log)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// series is how many lines of numbers /metrics has.
func (w *world) series(ctx context.Context, t *testing.T) (n int) {
	t.Helper()
	_, body := w.get(ctx, t, "/metrics")
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// requests counts what trimtab has asked of the API server, but for its Lease and its watches.
func (w *world) requests(t *testing.T) (n int) {
	t.Helper()
	raw, err := os.ReadFile(w.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, `"username":"system:serviceaccount:`+lab.Namespace+`:trimtab"`) &&
			!strings.Contains(line, `/leases/`) && !strings.Contains(line, `"verb":"watch"`) {
			n++
		}
	}
	return n
}

// prints fails where something that trimtab writes holds the text.
func (w *world) prints(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	written := map[string]string{}
	log, err := os.ReadFile(w.trimtab.Process.Log)
	if err != nil {
		t.Fatal(err)
	}
	written["its log"] = string(log)
	for _, page := range []string{"/metrics", "/readyz", "/debug/decisions?format=json&limit=5000"} {
		_, written[page] = w.get(ctx, t, page)
	}
	var objects keda.ScaledObjectList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&objects, &events} {
		if err := w.Client.List(ctx, list, client.InNamespace(attacker)); err != nil {
			t.Fatal(err)
		}
	}
	for _, so := range objects.Items {
		written["the status of "+so.Name] = fmt.Sprintf("%+v", so.Status)
	}
	for _, e := range events.Items {
		written["Event "+e.Name] = e.Message
	}
	for where, what := range written {
		if at := strings.Index(what, text); at >= 0 {
			t.Errorf("%s holds %q: …%s…", where, text, what[max(0, at-100):min(len(what), at+100)])
		}
	}
}
