package scalers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/status"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// web is the object under test; its source is the harness.
const web = `
metadata: {name: web, namespace: shop, uid: u1, generation: 1}
spec:
  scaleTargetRef: {name: web}
  cooldownPeriod: 60
  triggers: [{type: queue, metadata: {key: a}}]
`

// harness runs the loop round by round, on a clock of its own.
type harness struct {
	t *testing.T
	*Scalers
	loop     *loop
	client   client.Client
	journal  *journal.Journal
	recorder *events.FakeRecorder
	registry *prometheus.Registry
	handlers *informertest.FakeInformers

	mu    sync.Mutex
	clock time.Time // zero is the time of the test's bubble
	// values and failures are what the source has under a key.
	values   map[string]float64
	failures map[string]error
	reads    int
	// asking is how many readings run now, by the source's key; most is how many ever did.
	asking, most map[string]int
	opened       []trigger.Definition
	// closed counts the triggers that were closed; clients are what they are read by.
	closed  int
	clients trigger.Pool[int, *queueClient]
	// during, if it is not nil, is called within each reading.
	during func()
	// replicas are of Deployments in the namespace shop; writes are what was done to the API server. cached
	// is where the cache has another number.
	replicas map[string]int32
	cached   map[string]int32
	// stale says that a write over what the cache has is refused once, and that the cache then knows better.
	stale  bool
	writes []string
	refuse error
	// conflicts is how often another writes the target's replicas, as 5, before we do.
	conflicts int
	// hangs, if it is not nil, is true for objects whose status writes hang until the request ends.
	hangs func(client.Object) bool
	// slow is how long it takes to write a status. behind, if it is not nil, is web as the cache has it.
	slow   time.Duration
	behind *keda.ScaledObject
	// got, if it is not nil, is called after each look at a ScaledObject.
	got func(*keda.ScaledObject)
	// outage, if it is not nil, is what becomes of the calls to the API server.
	outage *outage
	// silent is the name of a Secret of which a read lasts until the request ends.
	silent string
	// copied counts the lists of ScaledObjects for which the cache copies all of them.
	copied int
}

func newHarness(t *testing.T, objects ...client.Object) *harness {
	t.Helper()
	mapper := meta.NewDefaultRESTMapper(nil)
	addKinds(mapper)
	return newHarnessOn(t, mapper, objects...)
}

// addKinds makes mapper that of an API server with all kinds that the part works with.
func addKinds(mapper *meta.DefaultRESTMapper) {
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	mapper.Add(autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"), meta.RESTScopeNamespace)
	for _, kind := range []string{"ScaledObject", "TriggerAuthentication"} {
		mapper.Add(keda.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
}

func newHarnessOn(t *testing.T, mapper meta.RESTMapper, objects ...client.Object) *harness {
	t.Helper()
	// Only the kinds at hand: the fake API server goes through the whole scheme at each write.
	scheme := runtime.NewScheme()
	err := errors.Join(corev1.AddToScheme(scheme), appsv1.AddToScheme(scheme), autoscalingv2.AddToScheme(scheme), keda.AddToScheme(scheme))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{
		t: t, clock: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), values: map[string]float64{}, failures: map[string]error{},
		asking: map[string]int{}, most: map[string]int{},
		replicas: map[string]int32{"web": 0}, recorder: events.NewFakeRecorder(100), handlers: &informertest.FakeInformers{Scheme: scheme},
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&keda.ScaledObject{}).WithInterceptorFuncs(h.noteWrites())
	for _, i := range indexes() {
		builder = builder.WithIndex(i.kind, i.name, i.values)
	}
	h.client = builder.Build()
	registry := prometheus.NewRegistry()
	h.registry = registry
	h.journal = journal.New(100, slog.New(slog.DiscardHandler), registry, h.time)
	var cfg Config
	cfg.SetDefaults()
	own := &kube.Kube{
		Client: h.client, Live: h.client, Cache: h.handlers, Events: h.recorder, Mapper: mapper, Scale: h.scales(),
	}
	h.Scalers, err = New(cfg, Deps{
		Kube: own, Answers: own,
		Journal: h.journal, Log: slog.New(slog.DiscardHandler), Registry: registry, Now: h.time,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.triggers.sources["queue"] = h
	h.clients.Close = h.closes
	h.loop = newLoop(t.Context(), h.Scalers)
	return h
}

// About and New make the harness a source: the trigger reads the value under its metadata's key. One that begins with
// never does not answer.
func (h *harness) About() string { return "A value of the test." }

func (h *harness) New() trigger.Spec { return &queue{h: h} }

// queue is a trigger that the harness answers.
type queue struct {
	h       *harness
	key     string
	target  float64
	timeout time.Duration
}

// queueClient is what one opening of a queue is read by.
type queueClient struct {
	readers int
	closed  bool
}

func (q *queue) Table() param.Table {
	return param.Table{
		{Name: "key", To: &q.key, Required: true}, {Name: "target", To: &q.target, Default: "5", Range: param.AtLeast(0.001)},
		{Name: "timeout", To: &q.timeout, Default: "1s"},
	}
}

func (q *queue) Check(*param.Parsed) trigger.Metric {
	return trigger.Metric{Name: "queue-" + q.key, Target: q.target, Timeout: q.timeout}
}

// Open counts, and gives a client that no other trigger has.
func (q *queue) Open(d trigger.Definition) trigger.Opened {
	h := q.h
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = append(h.opened, d)
	lease := h.clients.Lease(len(h.opened), func(context.Context) (*queueClient, error) { return &queueClient{}, nil })
	return trigger.Opened{
		Read: func(ctx context.Context, _ time.Time) (trigger.Sample, error) {
			client, done, err := lease.Use(ctx)
			if err != nil {
				return trigger.Sample{}, err
			}
			defer done()
			return h.read(ctx, q.key, client)
		},
		Close: func() {
			lease.Close()
			h.mu.Lock()
			defer h.mu.Unlock()
			h.closed++
		},
	}
}

func (h *harness) read(ctx context.Context, key string, client *queueClient) (trigger.Sample, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(key, "never") {
		h.asking[key]++
		h.most[key] = max(h.most[key], h.asking[key])
		h.mu.Unlock()
		<-ctx.Done()
		h.mu.Lock()
		h.asking[key]--
		return trigger.Sample{}, ctx.Err()
	}
	if client.closed {
		h.t.Error("a closed client is read")
	}
	h.reads++
	if during := h.during; during != nil {
		client.readers++
		h.mu.Unlock()
		during()
		h.mu.Lock()
		client.readers--
	}
	return trigger.Sample{Value: h.values[key]}, h.failures[key]
}

// closes is called for each client that was opened.
func (h *harness) closes(client *queueClient) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if client.closed || client.readers > 0 {
		h.t.Errorf("a client is closed while %d read by it (closed before: %v)", client.readers, client.closed)
	}
	client.closed = true
}

func (h *harness) noteWrites() interceptor.Funcs {
	note := func(verb string, o client.Object) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.writes = append(h.writes, verb+" "+o.GetName())
	}
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if d, ok := o.(*appsv1.Deployment); ok { // from the cache: no call
				return h.cachedDeployment(key, d)
			}
			if so, ok := o.(*keda.ScaledObject); ok && h.isBehind(so) {
				return nil
			}
			if _, ok := o.(*corev1.Secret); ok && h.isSilent(key.Name) {
				<-ctx.Done()
				return ctx.Err()
			}
			err := h.outage.call("get "+key.Name, func() error { return c.Get(ctx, key, o, opts...) })
			if so, ok := o.(*keda.ScaledObject); ok && err == nil && h.got != nil {
				h.got(so)
			}
			return err
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			asked := (&client.ListOptions{}).ApplyOptions(opts)
			if _, ok := l.(*keda.ScaledObjectList); ok && asked.UnsafeDisableDeepCopy == nil {
				h.copied++
			}
			return h.outage.call("list", func() error { return c.List(ctx, l, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			note("create", o)
			return h.outage.call("create "+o.GetName(), func() error { return c.Create(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			note("patch", o)
			return h.outage.call("patch "+o.GetName(), func() error { return c.Patch(ctx, o, p, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			note("delete", o)
			return h.outage.call("delete "+o.GetName(), func() error { return c.Delete(ctx, o, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			note(sub, o)
			if h.hangs != nil && h.hangs(o) {
				<-ctx.Done()
				return ctx.Err()
			}
			time.Sleep(h.slow)
			return h.outage.call(sub+" "+o.GetName(), func() error { return c.SubResource(sub).Patch(ctx, o, p, opts...) })
		},
	}
}

func (h *harness) isSilent(secret string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.silent == secret
}

// silence makes reads of that Secret last until the request ends.
func (h *harness) silence(secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = secret
}

// isBehind makes so what the cache has, if that is behind.
func (h *harness) isBehind(so *keda.ScaledObject) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.behind != nil {
		h.behind.DeepCopyInto(so)
	}
	return h.behind != nil
}

func (h *harness) cachedDeployment(key client.ObjectKey, d *appsv1.Deployment) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, ok := h.cached[key.Name]
	if !ok {
		n, ok = h.replicas[key.Name]
	}
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Group: "apps", Resource: "deployments"}, key.Name)
	}
	d.Namespace, d.Name, d.Spec.Replicas = key.Namespace, key.Name, &n
	return nil
}

// scales is the /scale subresource of h.replicas.
func (h *harness) scales() *scalefake.FakeScaleClient {
	s := &scalefake.FakeScaleClient{}
	s.AddReactor("get", "*", func(a clienttesting.Action) (_ bool, scale runtime.Object, err error) {
		err = h.outage.call("get scale", func() error {
			scale, err = h.getScale(a.GetNamespace(), a.(clienttesting.GetAction).GetName())
			return err
		})
		return true, scale, err
	})
	s.AddReactor("update", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		scale := a.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
		return true, scale, h.outage.call("update scale", func() error { return h.updateScale(scale) })
	})
	return s
}

func (h *harness) getScale(namespace, name string) (runtime.Object, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, ok := h.replicas[name]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: "apps", Resource: "deployments"}, name)
	}
	return &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: n}}, nil
}

func (h *harness) updateScale(scale *autoscalingv1.Scale) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	if h.stale {
		h.stale, h.cached = false, nil
		return apierrors.NewConflict(schema.GroupResource{Group: "apps", Resource: "deployments"}, scale.Name, errors.New("changed"))
	}
	if h.conflicts > 0 {
		h.conflicts--
		h.replicas["web"] = 5
		return apierrors.NewConflict(schema.GroupResource{Group: "apps", Resource: "deployments"}, "web", errors.New("changed"))
	}
	h.writes = append(h.writes, fmt.Sprintf("scale %s %d", scale.Name, scale.Spec.Replicas))
	h.replicas[scale.Name] = scale.Spec.Replicas
	return nil
}

func (h *harness) time() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clock.IsZero() {
		return time.Now()
	}
	return h.clock
}

// poll lets time pass, runs one round of web, and returns what was written meanwhile.
func (h *harness) poll(after time.Duration) string {
	h.t.Helper()
	h.mu.Lock()
	h.clock = h.clock.Add(after)
	h.writes = nil
	h.mu.Unlock()
	h.round("web")
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.writes, ", ")
}

// round runs one round of an object, as the polling loop does, and waits for its status. It returns when the object is
// due again.
func (h *harness) round(name string) time.Duration {
	h.t.Helper()
	key := types.NamespacedName{Namespace: "shop", Name: name}
	r, read := h.loop.Begin(h.t.Context(), key)
	if read {
		h.loop.Read(h.t.Context(), key, r)
	}
	defer h.loop.writes.Wait()
	return h.loop.End(h.t.Context(), key, r)
}

// set gives the source a number under a key; fail gives it an error instead.
func (h *harness) set(key string, value float64) { h.values[key], h.failures[key] = value, nil }
func (h *harness) fail(key string)               { h.failures[key] = errors.New("connection refused") }

func (h *harness) object() *keda.ScaledObject {
	h.t.Helper()
	var so keda.ScaledObject
	if err := h.client.Get(h.t.Context(), types.NamespacedName{Namespace: "shop", Name: "web"}, &so); err != nil {
		h.t.Fatal(err)
	}
	return &so
}

// edit changes web as a user would: its generation counts up.
func (h *harness) edit(change func(*keda.ScaledObject)) {
	h.t.Helper()
	so := h.object()
	before := so.DeepCopy()
	change(so)
	so.Generation++
	if err := h.client.Update(h.t.Context(), so); err != nil {
		h.t.Fatal(err)
	}
	h.loop.changed(before, so)
}

func (h *harness) condition(t keda.ConditionType) string {
	c := status.Condition(&h.object().Status, t)
	return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
}

func (h *harness) hpa(name string) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	var found autoscalingv2.HorizontalPodAutoscaler
	err := h.client.Get(h.t.Context(), types.NamespacedName{Namespace: "shop", Name: name}, &found)
	return &found, err
}

// events are those sent since the last call, as "Type Reason".
func (h *harness) events() string {
	var out []string
	for len(h.recorder.Events) > 0 {
		words := strings.SplitN(<-h.recorder.Events, " ", 3)
		out = append(out, words[0]+" "+words[1])
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// metric asks as an HPA of web does.
func (h *harness) metric(name string) (string, error) {
	list, ours, err := h.ExternalMetric(h.t.Context(), "shop", name, labels.SelectorFromSet(labels.Set{hpa.OwnerLabel: "web"}))
	if !ours {
		h.t.Error("a metric of a ScaledObject is not taken for one")
	}
	if err != nil {
		return "", err
	}
	return list.Items[0].MetricName + "=" + list.Items[0].Value.String(), nil
}

func scaledObject(t *testing.T, doc string) *keda.ScaledObject {
	t.Helper()
	so := &keda.ScaledObject{}
	if err := yaml.UnmarshalStrict([]byte(doc), so); err != nil {
		t.Fatal(err)
	}
	return so
}
