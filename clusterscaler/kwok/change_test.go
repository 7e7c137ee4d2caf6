package kwok

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// A request that comes a second time adds only what is missing, so that no group exceeds its maximum.
func TestGrowthAddsWhatIsMissing(t *testing.T) {
	r := newRig(t, testGroup())
	for _, c := range []struct{ from, to, moved, size int }{{0, 3, 3, 3}, {0, 3, 0, 3}, {2, 5, 2, 5}, {3, 5, 0, 5}} {
		moved, err := r.provider.SetTarget(context.Background(), fleet.Resize{Group: "g", From: c.from, To: c.to})
		if size := r.size(nil); err != nil || moved != c.moved || size != c.size {
			t.Errorf("from %d to %d: moved %d to size %d, %v; want %d to %d", c.from, c.to, moved, size, err, c.moved, c.size)
		}
	}
}

// Nodes that stand are not given up, whatever the request says, and neither is more than is there to reach its size.
func TestLoweringKeepsWhatStands(t *testing.T) {
	for _, c := range []struct {
		r           fleet.Resize
		moved, size int
		refused     bool
	}{
		{fleet.Resize{From: 4, To: 2}, 2, 2, false},
		{fleet.Resize{From: 6, To: 3}, 1, 3, false}, // it has shrunk meanwhile
		{fleet.Resize{From: 4, To: 2, Floor: 3}, 1, 3, true},
		{fleet.Resize{From: 4, To: 0}, 3, 1, true}, // one stands
	} {
		r := newRig(t, testGroup())
		if err := r.resize("g", 0, 1); err != nil {
			t.Fatal(err)
		}
		r.provider.launchDue(context.Background())
		nodes := r.nodes()
		r.size(nodes)
		if err := r.resize("g", 1, 4); err != nil {
			t.Fatal(err)
		}
		c.r.Group = "g"
		moved, err := r.provider.SetTarget(context.Background(), c.r)
		if size := r.size(nodes); (err != nil) != c.refused || moved != c.moved || size != c.size {
			t.Errorf("%+v: moved %d to size %d, %v; want %d to %d", c.r, moved, size, err, c.moved, c.size)
		}
	}
}

// deletions answers the deletion of nodes.
type deletions struct {
	client.Client
	answer func(name string) error
}

func (d deletions) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	if err := d.answer(o.GetName()); err != nil {
		return err
	}
	return d.Client.Delete(ctx, o, opts...)
}

// No deletion takes a group below its floor: neither after another, nor beside one that is under way. What could not be deleted
// counts again.
func TestDeletionKeepsTheFloor(t *testing.T) {
	r := newRig(t, testGroup())
	if err := r.resize("g", 0, 3); err != nil {
		t.Fatal(err)
	}
	r.provider.launchDue(context.Background())
	nodes := r.nodes()
	r.size(nodes)
	drained := func(names ...string) error {
		d := fleet.Termination{Group: "g", Floor: 2}
		for _, name := range names {
			d.Victims = append(d.Victims, fleet.Victim{ID: name, Node: name})
		}
		_, err := r.provider.Terminate(context.Background(), d)
		return err
	}
	const below = "group g: its size is 2 by now; without 1 of them it would be below its minimum of 2"
	down := errors.New("the API server is down")
	var asked []string
	r.provider.deps.Client = deletions{r.api, func(name string) error {
		if asked = append(asked, name); name != "g-1" {
			return nil
		}
		if err := drained("g-2"); err == nil || err.Error() != below {
			t.Errorf("beside the deletion of %s: %v, want %s", name, err, below)
		}
		return down
	}}
	if err := drained("g-1"); !errors.Is(err, down) || r.size(nodes) != 3 {
		t.Errorf("refused: %v, size %d", err, r.size(nodes))
	}
	r.provider.deps.Client = r.api
	if err := drained("g-3"); err != nil {
		t.Error(err)
	}
	if err := drained("g-2"); err == nil || err.Error() != below {
		t.Errorf("afterwards: %v, want %s", err, below)
	}
	if err := drained("g-3"); err != nil {
		t.Errorf("to delete again what is being deleted makes no group smaller: %v", err)
	}
	names := func(nodes []*corev1.Node) (out []string) {
		for _, n := range nodes {
			out = append(out, n.Name)
		}
		return out
	}
	if left := names(r.nodes()); !slices.Equal(left, []string{"g-1", "g-2"}) || fmt.Sprint(asked) != "[g-1]" {
		t.Errorf("left %v, asked for %v", left, asked)
	}
	if got := fmt.Sprint(r.observe(nodes).Instances); got != "[g-1 running g-2 running g-3 running]" {
		t.Errorf("the deleted node stays its group's until it is seen no more: %s", got)
	}
}
