package kwok

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

type rig struct {
	t        *testing.T
	api      client.Client
	provider *Provider
	now      time.Time
	fail     error
}

func newRig(t *testing.T, groups ...Group) *rig {
	r := &rig{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.api = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if r.fail != nil {
				return r.fail
			}
			return c.Create(ctx, o, opts...)
		},
	}).Build()
	n := 0
	r.provider = New(Config{Groups: groups}, Deps{
		Client: r.api, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now },
		Suffix: func() string { n++; return fmt.Sprint(n) }, MaxNodeDeletionTime: 5 * time.Minute,
	})
	return r
}

func (r *rig) nodes() []*corev1.Node {
	r.t.Helper()
	var list corev1.NodeList
	if err := r.api.List(context.Background(), &list); err != nil {
		r.t.Fatal(err)
	}
	var out []*corev1.Node
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	return out
}

// size is the group's size as told when the cache shows these nodes.
func (r *rig) size(shown []*corev1.Node) int {
	r.t.Helper()
	return *r.observe(shown).Target
}

// observe is the first group.
func (r *rig) observe(shown []*corev1.Node) fleet.Group {
	r.t.Helper()
	groups, err := r.provider.Observe(context.Background(), shown)
	if err != nil {
		r.t.Fatal(err)
	}
	return groups[0]
}

// resize asks for another size.
func (r *rig) resize(name string, from, to int) error {
	_, err := r.provider.SetTarget(context.Background(), fleet.Resize{Group: name, From: from, To: to})
	return err
}

// terminate has nodes and instances deleted.
func (r *rig) terminate(names ...string) error {
	t := fleet.Termination{Group: "g"}
	for _, name := range names {
		t.Victims = append(t.Victims, fleet.Victim{ID: name, Node: name})
	}
	_, err := r.provider.Terminate(context.Background(), t)
	return err
}

func testGroup() Group {
	return Group{Group: group.Group{Name: "g", Max: 5}, Template: group.Template{Labels: map[string]string{"zone": "a"}, Capacity: map[string]string{"cpu": "4", "memory": "16Gi"}}}
}

func TestNodesCarryWhatIdentifiesThem(t *testing.T) {
	r := newRig(t, testGroup())
	if err := r.resize("g", 0, 2); err != nil {
		t.Fatal(err)
	}
	if r.size(nil) != 2 {
		t.Error("a launch must count from the request on")
	}
	r.provider.launchDue(context.Background())
	if r.size(nil) != 2 {
		t.Error("a created node must count before the cache shows it")
	}
	nodes := r.nodes()
	if r.size(nodes) != 2 || len(nodes) != 2 {
		t.Fatalf("%d nodes, size %d", len(nodes), r.size(nodes))
	}
	n := nodes[0]
	if n.Name != "g-1" || n.Labels[GroupLabel] != "g" || n.Labels["zone"] != "a" || n.Labels[corev1.LabelHostname] != "g-1" || n.Labels["beta.kubernetes.io/os"] != "linux" ||
		n.Annotations[fakeAnnotation] != "fake" || n.Status.Allocatable.Cpu().Value() != 4 {
		t.Errorf("node %+v", n)
	}
	if got, want := fmt.Sprint(r.observe(append(nodes, &corev1.Node{})).Instances), "[g-1 running g-2 running]"; got != want {
		t.Errorf("instances %s, want %s", got, want)
	}
}

func TestLaunchDelay(t *testing.T) {
	g := testGroup()
	g.LaunchDelay = config.Duration(time.Minute)
	r := newRig(t, g)
	if err := r.resize("g", 0, 1); err != nil {
		t.Fatal(err)
	}
	if next, waiting := r.provider.launchDue(context.Background()); !waiting || next != time.Minute || len(r.nodes()) != 0 {
		t.Errorf("next %s, waiting %t, nodes %d", next, waiting, len(r.nodes()))
	}
	r.now = r.now.Add(time.Minute)
	if _, waiting := r.provider.launchDue(context.Background()); waiting || len(r.nodes()) != 1 {
		t.Errorf("waiting %t, nodes %d", waiting, len(r.nodes()))
	}
}

func TestDeletedNodesDoNotCount(t *testing.T) {
	r := newRig(t, testGroup())
	if err := r.resize("g", 0, 2); err != nil {
		t.Fatal(err)
	}
	r.provider.launchDue(context.Background())
	before := r.nodes()
	if err := r.terminate("g-1", "long-gone"); err != nil {
		t.Fatal(err)
	}
	if got := r.size(before); got != 1 {
		t.Errorf("size %d while the cache still shows the deleted node, want 1", got)
	}
	again := before[0].DeepCopy()
	again.CreationTimestamp.Time = r.now.Add(time.Second)
	if got := r.size([]*corev1.Node{again, before[1]}); again.Name != "g-1" || got != 2 {
		t.Errorf("size %d with another node %s, want 2", got, again.Name)
	}
	if names := r.nodes(); len(names) != 1 || r.size(names) != 1 {
		t.Errorf("%d nodes left", len(names))
	}
}

func TestIncreaseIsBounded(t *testing.T) {
	r := newRig(t, testGroup())
	for group, want := range map[string]string{"g": "more than its maximum of 5", "other": "not configured"} {
		if err := r.resize(group, 3, 6); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", group, err, want)
		}
	}
	if r.size(nil) != 0 {
		t.Error("a refused request must launch nothing")
	}
}

// failures are those that the group is told to have.
func (r *rig) failures(shown []*corev1.Node) (size int, messages []string) {
	r.t.Helper()
	g := r.observe(shown)
	for _, i := range g.Instances {
		if i.Failure != nil {
			messages = append(messages, i.ID+": "+i.Failure.Message)
		}
	}
	return *g.Target, messages
}

// A launch that failed counts, and is told with its reason, until it is given up.
func TestFailedLaunchesAreToldUntilTheyAreGivenUp(t *testing.T) {
	r := newRig(t, testGroup())
	r.fail = errors.New("the API server is down")
	if err := r.resize("g", 0, 2); err != nil {
		t.Fatal(err)
	}
	r.provider.launchDue(context.Background())
	if size, failed := r.failures(nil); size != 2 || !slices.Equal(failed, []string{"g-1: the API server is down", "g-2: the API server is down"}) {
		t.Errorf("size %d, failed %q", size, failed)
	}
	r.fail = nil
	if _, waiting := r.provider.launchDue(context.Background()); waiting || len(r.nodes()) != 0 {
		t.Error("what has failed is launched again")
	}
	if err := r.terminate("g-1", "g-2"); err != nil {
		t.Error(err)
	}
	if size, failed := r.failures(nil); size != 0 || len(failed) != 0 {
		t.Errorf("given up: size %d, failed %q", size, failed)
	}
}

// A node that is gone before anybody has seen it is not waited for for ever.
func TestNodesThatWereNeverSeenAreGivenUp(t *testing.T) {
	r := newRig(t, testGroup())
	if err := r.resize("g", 0, 2); err != nil {
		t.Fatal(err)
	}
	r.provider.launchDue(context.Background())
	lost := r.nodes()[0]
	if err := r.api.Delete(context.Background(), lost); err != nil {
		t.Fatal(err)
	}
	if got := r.size(r.nodes()); got != 2 {
		t.Errorf("size %d while the lost node may still be seen, want 2", got)
	}
	if err := r.resize("g", 2, 1); err != nil {
		t.Error(err)
	}
	if got := r.size(r.nodes()); got != 1 {
		t.Errorf("size %d afterwards, want 1", got)
	}
	if err := r.resize("g", 1, 0); err == nil {
		t.Error("a node that stands is given up")
	}
}

// Where a group has no capacity left, launches above it fail; once a node has gone there is room for another.
func TestAvailableBoundsLaunches(t *testing.T) {
	g := testGroup()
	g.Available = new(2)
	r := newRig(t, g)
	if err := r.resize("g", 0, 3); err != nil {
		t.Fatal(err)
	}
	r.provider.launchDue(context.Background())
	size, failed := r.failures(r.nodes())
	if size != 3 || len(r.nodes()) != 2 || !slices.Equal(failed, []string{"g-3: out of capacity: there can be 2 nodes"}) {
		t.Errorf("size %d, nodes %d, failed %q", size, len(r.nodes()), failed)
	}
	if err := r.terminate("g-1", "g-3"); err != nil {
		t.Error(err)
	}
	r.size(r.nodes())
	if err := r.resize("g", 1, 2); err != nil {
		t.Error(err)
	}
	r.provider.launchDue(context.Background())
	if size, failed := r.failures(r.nodes()); size != 2 || len(failed) != 0 {
		t.Errorf("afterwards: size %d, failed %q", size, failed)
	}
}

func TestLaunchFailures(t *testing.T) {
	for failure, nodes := range map[string]int{"": 1, LaunchNever: 0, LaunchUnready: 1} {
		g := testGroup()
		g.LaunchFailure = failure
		r := newRig(t, g)
		if err := r.resize("g", 0, 1); err != nil {
			t.Fatal(err)
		}
		_, waiting := r.provider.launchDue(context.Background())
		if waiting || len(r.nodes()) != nodes || r.size(r.nodes()) != 1 {
			t.Errorf("%q: waiting %t, %d nodes", failure, waiting, len(r.nodes()))
		}
		for _, n := range r.nodes() {
			if _, played := n.Annotations[fakeAnnotation]; played != (failure == "") {
				t.Errorf("%q: played by kwok: %t", failure, played)
			}
		}
		if failure == LaunchNever {
			continue
		}
		if err := r.resize("g", 1, 0); err == nil || !strings.Contains(err.Error(), "1 of the nodes to give up stand") {
			t.Errorf("%q: a node that stands is given up: %v", failure, err)
		}
	}
}

// Run creates what is requested while it runs, and ends with its context.
func TestRun(t *testing.T) {
	r := newRig(t, testGroup())
	created := make(chan struct{})
	r.provider.deps.Client = creates{r.api, created}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.provider.Run(ctx) }()
	if err := r.resize("g", 0, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-created:
	case <-time.After(10 * time.Second):
		t.Error("no node was created")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(r.nodes(), func(n *corev1.Node) bool { return n.Name == "g-1" }) {
		t.Error("the node is missing")
	}
}

type creates struct {
	client.Client
	created chan struct{}
}

func (c creates) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	defer close(c.created)
	return c.Client.Create(ctx, o, opts...)
}
