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

// partial is a provider that lets group a grow by one node, and then refuses.
type partial struct {
	*stub
	size int
}

func (p *partial) Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	groups, err := p.stub.Observe(ctx, nodes)
	groups[0].Target, groups[0].Instances = new(p.size), nil
	return groups, err
}

func (p *partial) SetTarget(context.Context, fleet.Resize) (int, error) {
	p.size++
	return 1, errors.New("no more")
}

// Of a growth that failed after a part of it, only that part is counted and waited for.
func TestPartOfAGrowthIsPromised(t *testing.T) {
	r := newRig(t)
	p := &partial{stub: r.provider}
	r.scaler.provider = p
	now := startTime()
	r.now = func() time.Time { return now }
	target := func(when string, want int) {
		t.Helper()
		seen, err := r.scaler.observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := seen.Groups[0]; got.Target != want || got.Trouble != "" {
			t.Errorf("%s: target %d, trouble %q; want %d", when, got.Target, got.Trouble, want)
		}
	}
	target("before", 0)
	if failed := r.scaler.request(t.Context(), &plan.Plan{ScaleUp: []plan.Increase{{Group: "a", To: 3, Max: 3}}}, &fleet.View{}); !failed["a"] {
		t.Error("group a is not among those that could not grow")
	}
	target("at once", 1)
	now = now.Add(2 * time.Minute)
	target("later", 1)
	if got := counted(t, r.registry, "trimtab_clusterscaler_nodes_added_total"); got != 1 {
		t.Errorf("%v nodes were counted as added, want 1", got)
	}
}

// vanished is a provider whose instance is gone by the time that it is to be deleted.
type vanished struct{ *unregistering }

func (v *vanished) Terminate(context.Context, fleet.Termination) ([]fleet.Victim, error) {
	v.instances = nil
	return nil, nil
}

// An instance that there is no more when it is to be deleted is not told as deleted.
func TestWhatIsGoneIsNotToldAsDeleted(t *testing.T) {
	r := newRig(t)
	r.scaler.provider = &vanished{&unregistering{stub: r.provider, instances: []string{"i-1"}}}
	now := startTime()
	r.now = func() time.Time { return now }
	r.loop()
	now = now.Add(15 * time.Minute)
	r.loop()
	if got := strings.Join(r.told(), "\n"); strings.Contains(got, "DeleteUnregistered") {
		t.Errorf("told %s", got)
	}
	if got := counted(t, r.registry, "cluster_autoscaler_old_unregistered_nodes_removed_count"); got != 0 {
		t.Errorf("%v instances were counted as deleted, want none", got)
	}
}
