package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Those who look again at a node that is going see what the last loop saw of the cloud, which is asked once a loop; what it has
// accepted to delete since counts. When the loop could see nothing, no node goes.
func TestSecondLooksUseTheLoopsGroups(t *testing.T) {
	r := newRig(t, named("n", idle()), named("m", idle()))
	r.provider.member = map[string]string{"n": "a", "m": "a"}
	ctx := context.Background()
	look := func(node string, want string) {
		t.Helper()
		if _, v, err := r.scaler.judge(ctx, node); err != nil || !strings.HasPrefix(v.Message(), want) {
			t.Errorf("node %s: %v, %v; want %s", node, v, err, want)
		}
	}
	if _, _, err := r.scaler.judge(ctx, "n"); !errors.Is(err, errCloudNotSeen) {
		t.Errorf("before the first loop: %v", err)
	}
	r.scaler.loop(ctx)
	for range 3 {
		look("n", string(plan.Unneeded))
	}
	if r.provider.looks != 1 {
		t.Errorf("the cloud was asked %d times, want 1", r.provider.looks)
	}
	r.scaler.cloud.groups[0].Min = 1
	look("n", string(plan.Unneeded))
	if refused := r.scaler.remove(ctx, "a", []string{"m"}); len(refused) > 0 {
		t.Fatal(refused)
	}
	look("n", "NodeGroupMinSizeReached: size 1, min 1")
	r.provider.broken = errors.New("the cloud is down")
	r.scaler.loop(ctx)
	if _, _, err := r.scaler.judge(ctx, "n"); err == nil || err.Error() != "node groups: the cloud is down" {
		t.Errorf("the cloud is down: %v", err)
	}
}
