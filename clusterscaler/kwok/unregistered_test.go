package kwok

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// Instances that never register are told once they are launched, cannot be given up any more, and are deleted by their names.
func TestInstancesThatDoNotRegister(t *testing.T) {
	g := testGroup()
	g.LaunchFailure, g.LaunchDelay = LaunchUnregistered, config.Duration(time.Minute)
	r := newRig(t, g)
	look := func(target int, instances string) {
		t.Helper()
		if g := r.observe(r.nodes()); *g.Target != target || fmt.Sprint(g.Instances) != instances {
			t.Fatalf("%+v; want the size %d and %s", g, target, instances)
		}
	}
	if err := r.resize("g", 0, 2); err != nil {
		t.Fatal(err)
	}
	look(2, "[]")
	if err := r.resize("g", 2, 1); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
	r.provider.launchDue(context.Background())
	look(1, "[g-1 running]")
	if err := r.resize("g", 1, 0); err == nil {
		t.Error("an instance was given up that has been launched")
	}
	if err := r.terminate("g-1"); err != nil {
		t.Fatal(err)
	}
	look(0, "[]")
	if len(r.nodes()) != 0 {
		t.Errorf("%d nodes", len(r.nodes()))
	}
}
