package tenants

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

const (
	// neighbour is the namespace of somebody who did nothing, attacker that of somebody who does.
	neighbour, attacker = "neighbour", "attacker"
	// memoryLimit is that of deploy/deployment.yaml.
	memoryLimit = 512 << 20
)

// world is a trimtab in a real cluster, a neighbour whose queue is real, and a hostile server.
type world struct {
	*lab.Lab
	trimtab *lab.Trimtab
	redis   *lab.Redis
	queue   *redis.Client
	fake    *fakeServer
	// pid is the process that must outlive all attacks.
	pid int
	// usual is how long it takes until the neighbour is scaled.
	usual time.Duration
}

func newWorld(ctx context.Context, t *testing.T) *world {
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Lab: l, fake: startFake(t)}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
			if w.trimtab != nil {
				t.Logf("trimtab said:\n%s", cut(w.trimtab.Process.Tail(40), 8000))
			}
		}
		l.Stop()
	})
	ports, err := l.Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if w.redis, err = l.StartRedis(ctx); err != nil {
		t.Fatal(err)
	}
	w.queue = redis.NewClient(&redis.Options{Addr: w.redis.Address, Password: w.redis.Password})
	t.Cleanup(func() { _ = w.queue.Close() })
	if w.trimtab, err = l.StartTrimtab(ctx, ports, fmt.Sprintf(`
log: {format: json}
server: {address: "127.0.0.1:%d", decisions: 5000}
adapter: {bindAddress: 127.0.0.1, securePort: %d}
scalers: {sources: {allowedNetworks: [127.0.0.0/8]}} # where the test's servers are
`, ports.HTTP, ports.MetricsAPI)); err != nil {
		t.Fatal(err)
	}
	w.pid = w.trimtab.Process.PID()
	w.moveIn(ctx, t)
	return w
}

// moveIn makes the neighbour, and learns its usual reaction.
func (w *world) moveIn(ctx context.Context, t *testing.T) {
	err := w.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: neighbour}
---
apiVersion: v1
kind: Secret
metadata: {name: redis, namespace: neighbour}
stringData: {password: %q}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: redis, namespace: neighbour}
spec: {secretTargetRef: [{parameter: password, name: redis, key: password}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: neighbour}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: c}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: neighbour}
spec:
  scaleTargetRef: {name: web}
  pollingInterval: 1
  cooldownPeriod: 0
  maxReplicaCount: 1
  triggers:
  - type: redis
    authenticationRef: {name: redis}
    metadata: {address: %q, listName: jobs}
`, w.redis.Password, w.redis.Address))
	if err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "the neighbour is ready", func(ctx context.Context) error {
		return w.ready(ctx, neighbour, "web", metav1.ConditionTrue, "")
	})
	w.usual = w.reaction(ctx, t)
	t.Logf("the neighbour's usual reaction: %s", w.usual)
}

// reaction is the mean of eight. The jobs come at times spread evenly over the second between two polls, so that it
// does not matter when in the second the polls are.
func (w *world) reaction(ctx context.Context, t *testing.T) time.Duration {
	t.Helper()
	const n = 8
	var sum time.Duration
	for i := range n {
		w.empty(ctx, t)
		now := time.Duration(time.Now().UnixNano()) % time.Second
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After((time.Duration(i)*time.Second/n - now + time.Second) % time.Second):
		}
		sum += w.react(ctx, t)
	}
	return sum / n
}

// react puts a job into the queue, and measures until the neighbour has a replica.
func (w *world) react(ctx context.Context, t *testing.T) time.Duration {
	t.Helper()
	if err := w.queue.RPush(ctx, "jobs", "a").Err(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.replicas(ctx, t, 1)
	return time.Since(began)
}

// empty takes all jobs away, and waits until the neighbour rests.
func (w *world) empty(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := w.queue.Del(ctx, "jobs").Err(); err != nil {
		t.Fatal(err)
	}
	w.replicas(ctx, t, 0)
}

func (w *world) replicas(ctx context.Context, t *testing.T, want int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := lab.Poll(ctx, 10*time.Millisecond, func(ctx context.Context) error {
		var d appsv1.Deployment
		if err := w.Client.Get(ctx, client.ObjectKey{Namespace: neighbour, Name: "web"}, &d); err != nil {
			return err
		}
		return lab.Want(*d.Spec.Replicas, want)
	})
	if err != nil {
		w.Keep()
		t.Fatalf("the neighbour's replicas: %v", err)
	}
}

// unharmed fails where the neighbour reacts late, the memory has come near its limit, or the process is another.
func (w *world) unharmed(ctx context.Context, t *testing.T) {
	t.Helper()
	if took := w.reaction(ctx, t); took >= 2*w.usual {
		t.Errorf("the neighbour's reaction took %s, usual is %s", took, w.usual)
	} else {
		t.Logf("the neighbour's reaction took %s, usual is %s", took, w.usual)
	}
	if err := w.trimtab.Process.Err(); err != nil {
		t.Fatalf("trimtab ended: %v", err)
	}
	if peak := w.peak(t); peak > memoryLimit {
		t.Errorf("trimtab had %d MiB, the limit is %d", peak>>20, memoryLimit>>20)
	} else {
		t.Logf("trimtab had at most %d MiB", peak>>20)
	}
	if status, body := w.get(ctx, t, "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
}

// peak is the most memory that the process ever had.
func (w *world) peak(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("the kernel does not tell VmHWM")
	return 0
}

// get asks trimtab's plain port, or the one of the debug pages.
func (w *world) get(ctx context.Context, t *testing.T, path string) (int, string) {
	t.Helper()
	url := w.trimtab.URL
	if strings.HasPrefix(path, "/debug/") {
		url = w.trimtab.Debug
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// ready is whether an object's condition Ready has that status and a message with that text.
func (w *world) ready(ctx context.Context, namespace, name string, status metav1.ConditionStatus, text string) error {
	var so keda.ScaledObject
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &so); err != nil {
		return err
	}
	c := so.Status.Conditions.GetReadyCondition()
	if c.Status != status || !strings.Contains(c.Message, text) {
		return fmt.Errorf("ScaledObject %s/%s is Ready %s: %s", namespace, name, c.Status, cut(c.Message, 500))
	}
	return nil
}

// attack runs the attack in its own namespace, which is deleted afterwards.
func (w *world) attack(ctx context.Context, t *testing.T, name string, run func(context.Context, *testing.T)) {
	t.Run(name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: attacker}}
		w.Wait(ctx, t, "the attacker has a namespace", func(ctx context.Context) error {
			namespace.ResourceVersion = ""
			return w.Client.Create(ctx, namespace)
		})
		defer func() {
			if t.Failed() {
				w.Keep()
			}
			w.clear(context.WithoutCancel(ctx), t, attacker)
		}()
		run(ctx, t)
	})
}

// clear takes namespaces of the attacker's away.
func (w *world) clear(ctx context.Context, t *testing.T, namespaces ...string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, namespace := range namespaces {
		if err := w.Client.DeleteAllOf(ctx, &keda.ScaledObject{}, client.InNamespace(namespace)); err != nil {
			t.Error(err)
		}
		if err := w.Client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
			t.Error(err)
		}
	}
	for _, namespace := range namespaces {
		w.Wait(ctx, t, "namespace "+namespace+" is gone", func(ctx context.Context) error {
			err := w.Client.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
			if client.IgnoreNotFound(err) == nil && err != nil {
				return nil
			}
			return fmt.Errorf("it is still there (%v)", err)
		})
	}
}

// create makes ScaledObjects of the attacker.
func (w *world) create(ctx context.Context, t *testing.T, n int, each func(i int, so *keda.ScaledObject)) {
	t.Helper()
	for i := range n {
		so := &keda.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: attacker, Name: fmt.Sprintf("a-%d", i)}}
		so.Spec.ScaleTargetRef = &keda.ScaleTarget{Name: "victim"}
		each(i, so)
		if err := w.Client.Create(ctx, so); err != nil {
			t.Fatal(err)
		}
	}
}

// deployment makes what the attacker's objects scale.
func (w *world) deployment(ctx context.Context, t *testing.T) {
	t.Helper()
	err := w.Apply(ctx, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: victim, namespace: attacker}
spec:
  replicas: 0
  selector: {matchLabels: {app: victim}}
  template:
    metadata: {labels: {app: victim}}
    spec: {containers: [{name: c, image: c}]}
`)
	if err != nil {
		t.Fatal(err)
	}
}

// prometheus is a trigger that asks the fake.
func (w *world) prometheus(fault string, more ...string) keda.ScaleTriggers {
	m := map[string]string{"serverAddress": w.fake.url(fault), "query": "x", "threshold": "5"}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return keda.ScaleTriggers{Type: "prometheus", Metadata: m}
}

func cut(s string, most int) string { return s[:min(len(s), most)] }
