package kube

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// rig is a Drainer on a fake API server.
type rig struct {
	t        *testing.T
	api      client.WithWatch
	events   *events.FakeRecorder
	drainer  *Drainer
	outcomes chan Outcome

	mu      sync.Mutex
	now     time.Time
	deleted []string
	verdict verdict.Code
	empty   bool
	// onEvict is asked before each eviction, onEviction told of those that are asked for and let through, and afterEvict of
	// those that are done.
	onEvict    func(pod string) error
	onEviction func(pod string, e *policyv1.Eviction)
	afterEvict func(pod string)
	// onGet is told of each look at a node, before it is taken.
	onGet func(node string)
}

func newRig(t *testing.T, objects ...client.Object) *rig {
	r := &rig{
		t: t, outcomes: make(chan Outcome, 10), verdict: plan.Unneeded,
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), events: events.NewFakeRecorder(50),
		onEvict: func(string) error { return nil }, onEviction: func(string, *policyv1.Eviction) {}, afterEvict: func(string) {},
		onGet: func(string) {},
	}
	r.api = fake.NewClientBuilder().WithObjects(objects...).
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }).
		WithInterceptorFuncs(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			r.onGet(key.Name)
			return c.Get(ctx, key, o, opts...)
		}, SubResourceCreate: func(ctx context.Context, c client.Client, sub string, o client.Object, body client.Object, opts ...client.SubResourceCreateOption) error {
			if err := r.onEvict(o.GetName()); err != nil {
				return err
			}
			if e, ok := body.(*policyv1.Eviction); ok {
				r.onEviction(o.GetName(), e)
			}
			err := c.SubResource(sub).Create(ctx, o, body, opts...)
			r.afterEvict(o.GetName())
			return err
		}}).Build()
	r.drainer = r.newDrainer()
	return r
}

func (r *rig) newDrainer() *Drainer {
	return NewDrainer(
		DrainConfig{MaxPodEvictionTime: 2 * time.Minute, MaxGracefulTermination: 10 * time.Minute, ExpendableBelow: -10, Poll: time.Millisecond},
		DrainDeps{
			Client: r.api, Live: r.api, Events: r.events, Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { // each look at the clock takes ten seconds
				r.mu.Lock()
				defer r.mu.Unlock()
				r.now = r.now.Add(10 * time.Second)
				return r.now
			},
			Recheck: func(context.Context, string) (plan.Removal, verdict.Verdict, error) {
				return plan.Removal{Empty: r.empty}, verdict.Because(verdict.On("node", "n1"), r.verdict), nil
			},
			Delete: func(_ context.Context, group, node string) error {
				r.deleted = append(r.deleted, group+"/"+node)
				return nil
			},
			Finished: func(o Outcome) { r.outcomes <- o },
		})
}

func (r *rig) add(o client.Object) {
	r.t.Helper()
	if err := r.api.Create(context.Background(), o); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) outcome() error {
	r.t.Helper()
	select {
	case o := <-r.outcomes:
		return o.Err
	case <-time.After(10 * time.Second):
		r.t.Fatal("the drain has no outcome")
		return nil
	}
}

func (r *rig) node() *corev1.Node {
	r.t.Helper()
	n := &corev1.Node{}
	if err := r.api.Get(context.Background(), client.ObjectKey{Name: "n1"}, n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *rig) podNames() string {
	r.t.Helper()
	pods, err := podsOn(context.Background(), r.api, "n1")
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for _, p := range pods {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func (r *rig) announced() string {
	var all []string
	for {
		select {
		case e := <-r.events.Events:
			all = append(all, e)
		default:
			return strings.Join(all, "\n")
		}
	}
}

func testNode() *corev1.Node {
	n := &corev1.Node{}
	n.Name = "n1"
	n.Spec.Taints = []corev1.Taint{{Key: "other", Effect: corev1.TaintEffectNoSchedule}}
	return n
}

func testPod(name, owner string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.Spec.NodeName, p.UID = "default", name, "n1", types.UID("uid-of-"+name)
	yes := true
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: owner, Name: "o", UID: "u", Controller: &yes}}
	return p
}

func mirrorPod() *corev1.Pod {
	p := testPod("mirror", "Node")
	p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	return p
}

func TestDrainEvictsThenDeletes(t *testing.T) {
	r := newRig(t, testNode(), testPod("web-1", "ReplicaSet"), testPod("web-2", "ReplicaSet"), testPod("agent", "DaemonSet"), mirrorPod())
	r.onEvict = func(pod string) error {
		if !Going(r.node()) {
			t.Errorf("%s is evicted from a node without the taint", pod)
		}
		return nil
	}
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Group: "g"})
	if err := r.outcome(); err != nil {
		t.Fatal(err)
	}
	if got := r.podNames(); got != "agent mirror" {
		t.Errorf("left on the node: %s", got)
	}
	if len(r.deleted) != 1 || r.deleted[0] != "g/n1" {
		t.Errorf("deleted %v", r.deleted)
	}
	if taints := r.node().Spec.Taints; len(taints) != 2 || taints[0].Key != "other" {
		t.Errorf("taints %v", taints)
	}
	if e := r.announced(); !strings.Contains(e, "Normal ScaleDown its pods move") || strings.Count(e, "Normal ScaleDown the pod is evicted: its node n1 goes") != 2 {
		t.Errorf("events: %s", e)
	}
}

// A node that cannot be emptied or may no longer go is given back: no taint, an Event, not deleted.
func TestDrainGivesBack(t *testing.T) {
	tooMany := apierrors.NewTooManyRequests("budget", 0)
	for _, c := range []struct {
		name    string
		set     func(*rig)
		removal plan.Removal
		want    string
	}{
		{"refused for two minutes", func(r *rig) { r.onEvict = func(string) error { return tooMany } }, plan.Removal{}, "pod default/web-1 could not be evicted for 2m0s"},
		{"judged anew", func(r *rig) { r.verdict = plan.BlockedByPod }, plan.Removal{}, "it may no longer go: BlockedByPod"},
		{"no longer empty", func(*rig) {}, plan.Removal{Empty: true}, "it was empty and has got pods"},
	} {
		r := newRig(t, testNode(), testPod("web-1", "ReplicaSet"))
		c.set(r)
		c.removal.Node, c.removal.Group = "n1", "g"
		r.drainer.Begin(context.Background(), c.removal)
		if err := r.outcome(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if Going(r.node()) || len(r.node().Spec.Taints) != 1 {
			t.Errorf("%s: taints %v", c.name, r.node().Spec.Taints)
		}
		if len(r.deleted) > 0 || r.podNames() != "web-1" {
			t.Errorf("%s: deleted %v, pods %s", c.name, r.deleted, r.podNames())
		}
		if e := r.announced(); !strings.Contains(e, "Warning ScaleDownFailed the node is kept: ") {
			t.Errorf("%s: events %s", c.name, e)
		} else if refused := strings.HasPrefix(c.name, "refused"); strings.Contains(e, "Warning ScaleDownFailed the pod could not be evicted for 2m0s") != refused {
			t.Errorf("%s: events %s", c.name, e)
		}
	}
}

// A refusal that ends in time does not undo the drain.
func TestDrainTriesAgain(t *testing.T) {
	r := newRig(t, testNode(), testPod("web-1", "ReplicaSet"))
	refusals := 3
	r.onEvict = func(string) error {
		if refusals--; refusals >= 0 {
			return apierrors.NewTooManyRequests("budget", 0)
		}
		return nil
	}
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Group: "g"})
	if err := r.outcome(); err != nil || len(r.deleted) != 1 {
		t.Errorf("outcome %v, deleted %v", err, r.deleted)
	}
	if e := r.announced(); strings.Count(e, "the pod is evicted") != 1 {
		t.Errorf("each try is told: %s", e)
	}
}

// Whatever a process was at when it ended, the next one finds the taint and finishes or undoes the drain.
func TestInterruptedDrainIsResumed(t *testing.T) {
	for _, mayGo := range []bool{true, false} {
		r := newRig(t, testNode(), testPod("web-1", "ReplicaSet"))
		ctx, cancel := context.WithCancel(context.Background())
		r.onEvict = func(string) error {
			cancel()
			return apierrors.NewTooManyRequests("budget", 0)
		}
		r.drainer.Begin(ctx, plan.Removal{Node: "n1", Group: "g"})
		r.drainer.Wait()
		if !Going(r.node()) || len(r.outcomes) > 0 {
			t.Fatalf("an interrupted drain must leave the taint and tell no outcome: %v", r.node().Spec.Taints)
		}
		next := r.newDrainer()
		deleting, orphans := next.Observe([]*corev1.Node{r.node()})
		if !deleting["n1"] || len(orphans) != 1 {
			t.Fatalf("deleting %v, orphans %v", deleting, orphans)
		}
		r.onEvict = func(string) error { return nil }
		if !mayGo {
			r.verdict = plan.NoPlaceToMovePods
		}
		next.Resume(context.Background(), "n1", "g")
		err := r.outcome()
		if mayGo && (err != nil || len(r.deleted) != 1) {
			t.Errorf("not finished: %v, deleted %v", err, r.deleted)
		}
		if !mayGo && (err == nil || Going(r.node()) || len(r.deleted) != 0 || r.podNames() != "web-1") {
			t.Errorf("not undone: %v, taints %v, deleted %v", err, r.node().Spec.Taints, r.deleted)
		}
	}
}

// What the cache shows late does not start a drain twice.
func TestLookBridgesTheCache(t *testing.T) {
	r := newRig(t, testNode())
	r.empty = true
	clean := testNode()
	marked := testNode()
	marked.Spec.Taints = append(marked.Spec.Taints, corev1.Taint{Key: group.GoingTaint, Effect: corev1.TaintEffectNoSchedule})
	look := func(what string, n *corev1.Node, going bool, orphans int) {
		t.Helper()
		var nodes []*corev1.Node
		if n != nil {
			nodes = append(nodes, n)
		}
		deleting, found := r.drainer.Observe(nodes)
		if deleting["n1"] != going || len(found) != orphans {
			t.Errorf("%s: going %v, orphans %v", what, deleting, found)
		}
	}
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Empty: true})
	if err := r.outcome(); err != nil {
		t.Fatal(err)
	}
	r.drainer.Deleting(nil) // by a recheck, newer than what the loop observed
	look("deleted, still seen without the taint", clean, true, 0)
	look("deleted, still seen with the taint", marked, true, 0)
	look("deleted and no longer seen", nil, false, 0)
	look("another node of that name", clean, false, 0)

	r.verdict = plan.BlockedByPod
	r.drainer.Begin(context.Background(), plan.Removal{Node: "n1", Empty: true})
	if err := r.outcome(); err == nil {
		t.Fatal("no error")
	}
	r.drainer.Deleting([]*corev1.Node{clean}) // by a recheck, newer than what the loop observed
	r.drainer.Deleting(nil)
	look("given back, still seen with the taint", marked, false, 0)
	look("given back and seen without", clean, false, 0)
	look("marked by another process since", marked, true, 1)
}

// A node that stands though it was deleted is taken up again on request, with its taint, and that is said. Another node of
// its name is not taken for it.
func TestDeletedNodesAreTakenUpAgain(t *testing.T) {
	r := newRig(t, testNode())
	ctx := context.Background()
	r.empty = true
	r.drainer.Begin(ctx, plan.Removal{Node: "n1", Group: "g", Empty: true})
	if err := r.outcome(); err != nil {
		t.Fatal(err)
	}
	r.drainer.Begin(ctx, plan.Removal{Node: "n1", Group: "g"})
	r.drainer.Wait()
	if len(r.deleted) != 1 {
		t.Errorf("deleted %v, though nobody asked again", r.deleted)
	}
	lost := r.node()
	lost.Spec.Taints = nil
	if err := r.api.Update(ctx, lost); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(5 * time.Minute)
	if !r.drainer.Resume(ctx, "n1", "g") {
		t.Fatal("it is not taken up again")
	}
	if err := r.outcome(); err != nil || len(r.deleted) != 2 || !Going(r.node()) {
		t.Errorf("%v, deleted %v, taints %v", err, r.deleted, r.node().Spec.Taints)
	}
	said := ""
	for len(r.events.Events) > 0 {
		said = <-r.events.Events
	}
	if want := "Warning ScaleDownFailed the provider accepted to delete the node 5m"; !strings.HasPrefix(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	another := testNode()
	another.CreationTimestamp.Time = r.now.Add(time.Second)
	if deleting, orphans := r.drainer.Observe([]*corev1.Node{another}); deleting["n1"] || len(orphans) > 0 {
		t.Errorf("another node of that name: deleting %v, orphans %v", deleting, orphans)
	}
}
