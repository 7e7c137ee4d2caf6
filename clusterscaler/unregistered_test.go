package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/status"
)

// unregistering is a provider with an instance in group a that never becomes a node.
type unregistering struct {
	*stub
	instances []string
	refuses   bool
}

func (u *unregistering) Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	groups, err := u.stub.Observe(ctx, nodes)
	for _, id := range u.instances {
		groups[0].Instances = append(groups[0].Instances, fleet.Instance{ID: id, State: fleet.Running})
	}
	groups[0].Target = new(len(u.instances))
	return groups, err
}

func (u *unregistering) Terminate(ctx context.Context, t fleet.Termination) ([]fleet.Victim, error) {
	n, err := u.stub.Terminate(ctx, t)
	if u.refuses {
		return nil, errors.New("not now")
	}
	u.instances = nil
	return n, err
}

// An instance that does not register is deleted after its time, again as long as that fails, and the next best group grows.
func TestLoopDeletesWhatDoesNotRegister(t *testing.T) {
	r := newRig(t, pendingPod())
	u := &unregistering{stub: r.provider, instances: []string{"i-1"}, refuses: true}
	r.scaler.provider = u
	now := startTime()
	r.now = func() time.Time { return now }
	r.loop()
	counts := func(want string) {
		t.Helper()
		text, _, err := new(status.Book).Text(&r.scaler.last.plan, now)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v: the status lacks %q:\n%s", err, want, text)
		}
	}
	counts("longUnregistered: 0\n            unregistered: 1")
	if len(u.grown) != 0 {
		t.Fatalf("asked of the provider: %v", u.grown)
	}
	now = now.Add(15 * time.Minute)
	r.loop()
	counts("longUnregistered: 1\n            unregistered: 0")
	told := func(reason string) {
		t.Helper()
		if got := strings.Join(r.told(), "\n"); !strings.Contains(got, reason+" instance i-1 of group a has not registered") {
			t.Errorf("told %s, not of %s", got, reason)
		}
	}
	told("DeleteUnregisteredFailed")
	for range 10 {
		r.loop()
	}
	if got := strings.Join(u.grown, ", "); strings.Count(got, "a -i-1") != 1 || strings.Count(got, "b 0+1") != 1 || len(u.grown) != 2 {
		t.Errorf("asked of the provider: %s, want one deletion and what group b grows by", got)
	}
	now, u.refuses = now.Add(actMinPause), false
	r.loop()
	told("DeleteUnregistered")
	r.loop()
	if got := strings.Join(u.grown, ", "); strings.Count(got, "a -i-1") != 2 || len(u.grown) != 3 {
		t.Errorf("asked of the provider: %s", got)
	}
}
