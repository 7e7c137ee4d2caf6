package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"

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
