package kwok

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/group"
)

// Instances that never register are told once they are launched, cannot be given up any more, and are deleted by their names.
func TestInstancesThatDoNotRegister(t *testing.T) {
	g := testGroup()
	g.LaunchFailure, g.LaunchDelay = group.LaunchUnregistered, time.Minute
	r := newRig(t, g)
	ctx := context.Background()
	look := func(target int, instances ...string) {
		t.Helper()
		groups, _, err := r.provider.Groups(ctx, r.nodes())
		if err != nil || groups[0].Target != target || !slices.Equal(groups[0].Unregistered, instances) {
			t.Fatalf("%+v, %v; want the size %d and %v", groups, err, target, instances)
		}
	}
	if err := r.provider.Increase(ctx, "g", 0, 2); err != nil {
		t.Fatal(err)
	}
	look(2)
	if err := r.provider.Decrease(ctx, "g", 2, 1); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
	r.provider.launchDue(ctx)
	look(1, "g-1")
	if err := r.provider.Decrease(ctx, "g", 1, 1); err == nil {
		t.Error("an instance was given up that has been launched")
	}
	if err := r.provider.Delete(ctx, "g", []string{"g-1"}); err != nil {
		t.Fatal(err)
	}
	look(0)
	if len(r.nodes()) != 0 {
		t.Errorf("%d nodes", len(r.nodes()))
	}
}
