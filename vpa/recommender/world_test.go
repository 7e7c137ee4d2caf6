package recommender

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
)

// world is a cluster and a Prometheus of a test's own, with a clock that the test moves.
type world struct {
	t       *testing.T
	client  client.Client
	cfg     Config
	clock   time.Time
	journal *journal.Journal
	events  *events.FakeRecorder

	// cores and bytes are the usage of each container "pod/container" of namespace shop.
	cores, bytes map[string]float64
	queryFails   error
	patchFails   error
	onQuery      func() error
	warnings     []string
	listFails    func(client.ObjectList) error
	getFails     func(client.Object) error
	patched      atomic.Int64 // statuses of VPAs, which are written side by side
	// held, if it is not nil, says that the write of an object is not answered before its context ends.
	held    func(client.Object) bool
	queries int
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme, err := kube.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, clock: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), events: events.NewFakeRecorder(100),
		cores: map[string]float64{}, bytes: map[string]float64{},
	}
	w.cfg.SetDefaults()
	w.journal = journal.New(1000, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), w.now)
	// The plain tracker: the one that keeps managed fields cannot hold maps with numbers as keys.
	tracker := clienttesting.NewObjectTracker(scheme, serializer.NewCodecFactory(scheme).UniversalDecoder())
	w.client = fake.NewClientBuilder().WithScheme(scheme).WithObjectTracker(tracker).WithObjects(objects...).
		WithStatusSubresource(&vpav1.VerticalPodAutoscaler{}).
		WithInterceptorFuncs(interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if w.listFails != nil {
					if err := w.listFails(list); err != nil {
						return err
					}
				}
				return c.List(ctx, list, opts...)
			},
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
				if w.getFails != nil {
					if err := w.getFails(o); err != nil {
						return err
					}
				}
				return c.Get(ctx, key, o, opts...)
			},
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
				if w.held != nil && w.held(o) {
					<-ctx.Done()
					return ctx.Err()
				}
				return c.Create(ctx, o, opts...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
				if w.held != nil && w.held(o) {
					<-ctx.Done()
					return ctx.Err()
				}
				if w.patchFails != nil {
					return w.patchFails
				}
				w.patched.Add(1)
				return c.SubResource(sub).Patch(ctx, o, p, opts...)
			},
		}).Build()
	return w
}

// now is the time of the test, or that of its bubble.
func (w *world) now() time.Time {
	if w.clock.IsZero() {
		return time.Now()
	}
	return w.clock
}

// QueryVector answers for the two queries of the configuration.
func (w *world) QueryVector(_ context.Context, promql string, at time.Time) (prom.Vector, error) {
	w.queries++
	if w.onQuery != nil {
		if err := w.onQuery(); err != nil {
			return prom.Vector{}, err
		}
	}
	if w.queryFails != nil {
		return prom.Vector{}, w.queryFails
	}
	values := w.cores
	if promql == w.cfg.MemoryQuery {
		values = w.bytes
	}
	vector := prom.Vector{Warnings: w.warnings}
	for key, v := range values {
		pod, container, _ := cut(key)
		vector.Rows = append(vector.Rows, prom.Row{
			Labels: []prom.Label{{Name: "container", Value: container}, {Name: "namespace", Value: "shop"}, {Name: "pod", Value: pod}},
			Value:  v, TimestampMillis: at.UnixMilli(),
		})
	}
	return vector, nil
}

func cut(key string) (pod, container string, ok bool) {
	for i := range key {
		if key[i] == '/' {
			return key[:i], key[i+1:], true
		}
	}
	return key, "", false
}

// start is a new process in this world.
func (w *world) start() *Recommender {
	w.t.Helper()
	r, err := newRecommender(w.cfg, Deps{
		Kube:    &kube.Kube{Client: w.client, Live: w.client, Events: w.events},
		Journal: w.journal, Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Now: w.now,
	}, w)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// rounds lets r work for a number of minutes, and write what each round wants.
func (w *world) rounds(r *Recommender, n int) {
	for range n {
		r.round(w.t.Context())
		r.writers.statuses.Finish(w.t.Context())
		r.writers.checkpoints.Finish(w.t.Context())
		r.writers.leftovers.Finish(w.t.Context())
		w.clock = w.clock.Add(time.Minute)
	}
}

func (w *world) vpa(name string) *vpav1.VerticalPodAutoscaler {
	w.t.Helper()
	var v vpav1.VerticalPodAutoscaler
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: "shop", Name: name}, &v); err != nil {
		w.t.Fatal(err)
	}
	return &v
}

// target is what the only container is recommended, "none" for nothing.
func (w *world) target(name string) string {
	w.t.Helper()
	r := w.vpa(name).Status.Recommendation
	if r == nil || len(r.ContainerRecommendations) == 0 {
		return "none"
	}
	c := r.ContainerRecommendations[0]
	return c.ContainerName + " " + c.Target.Cpu().String() + " " + c.Target.Memory().String()
}

func (w *world) checkpoints() map[string]vpav1.VerticalPodAutoscalerCheckpoint {
	w.t.Helper()
	var list vpav1.VerticalPodAutoscalerCheckpointList
	if err := w.client.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]vpav1.VerticalPodAutoscalerCheckpoint{}
	for _, c := range list.Items {
		all[c.Name] = c
	}
	return all
}

// said returns the facts of the last verdict of that code on that subject.
func (w *world) said(subject string, code verdict.Code) (string, bool) {
	for _, e := range w.journal.Recent(journal.Filter{Subject: subject, Code: string(code)}) {
		return e.Message, true
	}
	return "", false
}

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}},
	}
}

func pod(app, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"memory": resource.MustParse("512Mi")},
		}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func autoscaler(name, kind, target string) *vpav1.VerticalPodAutoscaler {
	return &vpav1.VerticalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1},
		Spec: vpav1.VerticalPodAutoscalerSpec{
			TargetRef: &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: kind, Name: target},
		},
	}
}

// web is a world with a Deployment of two pods and a VPA, which use 100m and 300Mi each.
func web(t *testing.T, more ...client.Object) *world {
	w := newWorld(t, append(more, deployment("web"), pod("web", "web-1"), pod("web", "web-2"), autoscaler("web", "Deployment", "web"))...)
	for _, p := range []string{"web-1/app", "web-2/app"} {
		w.cores[p], w.bytes[p] = 0.1, 300<<20
	}
	return w
}
