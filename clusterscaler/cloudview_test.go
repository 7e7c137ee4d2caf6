package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// A recheck knows of the cloud what the last loop observed, and what it has accepted to delete since. Each loop asks the cloud
// once. When a loop could observe nothing, no node goes.
func TestRechecksUseTheLoopsGroups(t *testing.T) {
	r := newRig(t, named("n", idle()), named("m", idle()))
	r.provider.member = map[string]string{"n": "a", "m": "a"}
	ctx := context.Background()
	recheck := func(node string, want string) {
		t.Helper()
		if _, v, err := r.scaler.recheckNode(ctx, node); err != nil || !strings.HasPrefix(v.Message(), want) {
			t.Errorf("node %s: %v, %v; want %s", node, v, err, want)
		}
	}
	if _, _, err := r.scaler.recheckNode(ctx, "n"); !errors.Is(err, errCloudNotSeen) {
		t.Errorf("before the first loop: %v", err)
	}
	r.scaler.loop(ctx)
	for range 3 {
		recheck("n", string(plan.Unneeded))
	}
	if r.provider.looks != 1 {
		t.Errorf("the cloud was asked %d times, want 1", r.provider.looks)
	}
	r.scaler.recheck.cloud.groups[0].Min = 1
	recheck("n", string(plan.Unneeded))
	if refused := r.scaler.remove(ctx, "a", []string{"m"}); len(refused) > 0 {
		t.Fatal(refused)
	}
	recheck("n", "NodeGroupMinSizeReached: size 1, min 1")
	r.provider.broken = errors.New("the cloud is down")
	r.scaler.loop(ctx)
	if _, _, err := r.scaler.recheckNode(ctx, "n"); err == nil || err.Error() != "node groups: the cloud is down" {
		t.Errorf("the cloud is down: %v", err)
	}
}

// No node goes upon a view that is older than a loop may take: the loop may hang, and the cloud be another by now.
func TestRechecksRefuseAnOldView(t *testing.T) {
	r := newRig(t, named("n", idle()))
	r.provider.member = map[string]string{"n": "a"}
	now := startTime()
	r.now = func() time.Time { return now }
	r.scaler.loop(t.Context())
	now = now.Add(10*time.Second + observeTimeout)
	if _, v, err := r.scaler.recheckNode(t.Context(), "n"); err != nil || v.Code != plan.Unneeded {
		t.Errorf("at the bound: %v, %v", v, err)
	}
	now = now.Add(time.Second)
	if _, _, err := r.scaler.recheckNode(t.Context(), "n"); err == nil || !strings.Contains(err.Error(), "2m11s ago") {
		t.Errorf("past the bound: %v", err)
	}
}

// meanwhile is a provider that does something between its answer and the loop that takes it.
type meanwhile struct {
	*stub
	do func()
}

func (m *meanwhile) Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	groups, err := m.stub.Observe(ctx, nodes)
	for i := range groups {
		if groups[i].Name == "a" {
			groups[i].Min = 1
		}
	}
	m.do()
	return groups, err
}

// The answer of a cloud does not hide a deletion that it accepted while it was asked. The next answer counts it itself.
func TestDeletionWhileTheCloudIsAsked(t *testing.T) {
	r := newRig(t, named("n", idle()), named("m", idle()))
	r.provider.member = map[string]string{"n": "a", "m": "a"}
	now := startTime()
	r.now = func() time.Time { return now }
	m := &meanwhile{r.provider, func() {}}
	r.scaler.provider = m
	r.scaler.loop(t.Context())
	m.do = func() {
		now = now.Add(time.Second)
		if refused := r.scaler.remove(t.Context(), "a", []string{"m"}); len(refused) > 0 {
			t.Error(refused)
		}
	}
	now = now.Add(10 * time.Second)
	r.scaler.loop(t.Context())
	cloud := &r.scaler.recheck.cloud
	if times := cloud.memory.Deletions["m"].Times; times != 1 || len(cloud.accepted) != 1 {
		t.Errorf("remembered %d times, %d kept; want 1 and 1", times, len(cloud.accepted))
	}
	if _, v, err := r.scaler.recheckNode(t.Context(), "n"); err != nil || !strings.HasPrefix(v.Message(), "NodeGroupMinSizeReached: size 1, min 1") {
		t.Errorf("%v, %v", v, err)
	}
	m.do = func() {}
	now = now.Add(10 * time.Second)
	r.scaler.loop(t.Context())
	if target := *cloud.groups[0].Target; target != 2 || len(cloud.accepted) != 0 { // as the stub still counts both
		t.Errorf("size %d, %d kept; want the cloud's and none", target, len(cloud.accepted))
	}
}

// A node that registers between two looks at a cloud that names the nodes itself is not awaited beside itself.
func TestANewNodeCountsOnceInARecheck(t *testing.T) {
	var cloud cloudView
	g := fleet.Group{Name: "a", Max: 3, Target: new(1), Nodes: []string{}, Instances: []fleet.Instance{{ID: "i-1", State: fleet.Creating}}}
	cloud.seen([]fleet.Group{g}, fleet.View{}, fleet.Memory{}, startTime())
	view, _, err := cloud.now([]fleet.Node{{Name: "n", ProviderID: "i-1"}}, fleet.Policy{}, startTime(), time.Minute)
	if err != nil || view.Member["n"] != "a" || view.Groups[0].Target != 1 {
		t.Errorf("%+v, %v", view, err)
	}
}
