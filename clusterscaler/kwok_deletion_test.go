package clusterscaler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/kwok"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// kwokWorld is the part with the provider kwok and idle nodes of the group g, before a fake API server.
type kwokWorld struct {
	t       *testing.T
	part    *ClusterScaler
	clock   time.Time
	deleted []string
}

// newKwokWorld makes it. keeps says that a node stays as it is when it is deleted, though the API server accepts that.
func newKwokWorld(t *testing.T, keeps func(*corev1.Node) bool, nodes ...*corev1.Node) *kwokWorld {
	t.Helper()
	w := &kwokWorld{t: t, clock: startTime()}
	cfg, err := decode("{provider: kwok, nodeDeleteDelayAfterTaint: 0s, maxScaleDownParallelism: 1, kwok: {groups: [{name: g, max: 5, template: {capacity: {cpu: '4', memory: 16Gi}}}]}}")
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]client.Object, len(nodes))
	for i, n := range nodes {
		n.Labels = map[string]string{kwok.GroupLabel: "g", corev1.LabelHostname: n.Name}
		objects[i] = n
	}
	api := fake.NewClientBuilder().WithObjects(objects...).
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }).
		WithInterceptorFuncs(interceptor.Funcs{Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			w.deleted = append(w.deleted, o.GetName())
			if n, is := o.(*corev1.Node); is && keeps(n) {
				return nil
			}
			return c.Delete(ctx, o, opts...)
		}}).Build()
	reg, log, now := prometheus.NewRegistry(), slog.New(slog.DiscardHandler), func() time.Time { return w.clock }
	w.part, err = New(cfg, Deps{
		Kube:    &sharedkube.Kube{Client: usedUp(api), Live: usedUp(api), Events: events.NewFakeRecorder(1000)},
		Drain:   &sharedkube.Kube{Client: api, Live: api},
		Journal: journal.New(1000, log, reg, now), Log: log, Registry: reg, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// usedUp is the API server to a part without any budget left: only its cache, which all parts share, answers.
func usedUp(api client.WithWatch) client.Client {
	bad := errors.New("client rate limiter Wait returned an error: the budget is used up")
	return interceptor.NewClient(api, interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return bad
		},
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return bad },
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return bad
		},
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error { return bad },
		Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error { return bad },
		Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
			return bad
		},
	})
}

// Nothing that the part does beside holds up a drain: it works while the budget of the loop is used up.
func TestDrainHasItsOwnBudget(t *testing.T) {
	w := newKwokWorld(t, func(*corev1.Node) bool { return false }, named("a", idle()))
	w.loop(0)
	w.loop(10 * time.Minute)
	if !slices.Equal(w.deleted, []string{"a"}) {
		t.Errorf("deleted %v, want a", w.deleted)
	}
}

func (w *kwokWorld) loop(after time.Duration) {
	w.clock = w.clock.Add(after)
	w.part.loop(context.Background())
	w.part.drainer.Wait()
}

// said is the last verdict on a node.
func (w *kwokWorld) said(node string) string {
	return fmt.Sprint(w.part.deps.Journal.Recent(journal.Filter{Subject: "node " + node})[0])
}

func named(name string, n *corev1.Node) *corev1.Node {
	n.Name = name
	return n
}

// A node whose deletion has no effect is deleted again after its time, and one after another has its turn meanwhile.
func TestKwokForgetsADeletion(t *testing.T) {
	w := newKwokWorld(t, func(n *corev1.Node) bool { return n.Name == "a" }, named("a", idle()), named("b", idle()))
	w.loop(0)
	w.loop(10 * time.Minute)
	for range 3 {
		w.loop(time.Second)
	}
	if got := strings.Join(w.deleted, " "); got != "a b" {
		t.Fatalf("deleted %s, want a b", got)
	}
	w.loop(4 * time.Minute)
	w.loop(2 * time.Minute)
	w.loop(5 * time.Minute)
	if got := strings.Join(w.deleted, " "); got != "a b a a" {
		t.Errorf("deleted %s, want a b a a", got)
	}
	w.loop(time.Second)
	if got := w.said("a"); !strings.Contains(got, "DeletionOverdue: asked 3") {
		t.Errorf("said %s", got)
	}
}

// A node that something keeps from going is the API server's affair once it is deleted: nothing is asked again, the group no
// longer counts it, and other removals go on.
func TestKwokDeletesSlowly(t *testing.T) {
	held := named("a", idle())
	held.Finalizers = []string{"example.com/slow"}
	w := newKwokWorld(t, func(*corev1.Node) bool { return false }, held, named("b", idle()))
	w.loop(0)
	w.loop(10 * time.Minute)
	for range 48 {
		w.loop(30 * time.Minute)
	}
	if !slices.Equal(w.deleted, []string{"a", "b"}) {
		t.Errorf("deleted %v, want a and b", w.deleted)
	}
	if got := w.said("a"); !strings.Contains(got, "DeletionOverdue: asked 1") {
		t.Errorf("said %s", got)
	}
	if g := w.part.last.plan.States[0]; g.Target != 0 || g.Coming != 0 {
		t.Errorf("the group %+v", g)
	}
}
