package clusterscaler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/status"
)

// unregistering is a provider with an instance in group a that never becomes a node.
type unregistering struct {
	*stub
	instances []string
	refuses   bool
}

func (u *unregistering) Groups(ctx context.Context, nodes []*corev1.Node) ([]plan.Group, map[string]string, error) {
	groups, member, err := u.stub.Groups(ctx, nodes)
	groups[0].Unregistered, groups[0].Target = u.instances, len(u.instances)
	return groups, member, err
}

func (u *unregistering) Delete(_ context.Context, group string, nodes []string) error {
	u.ask("%s -%s", group, strings.Join(nodes, ","))
	if u.refuses {
		return errors.New("not now")
	}
	u.instances = nil
	return nil
}

// An instance that does not register is deleted after its time, again as long as that fails, and the next best group grows.
func TestLoopDeletesWhatDoesNotRegister(t *testing.T) {
	r := newRig(t, pendingPod())
	u := &unregistering{stub: r.provider, instances: []string{"i-1"}, refuses: true}
	r.scaler.provider = u
	now := startTime()
	r.scaler.deps.Now = func() time.Time { return now }
	r.loop()
	counts := func(want string) {
		t.Helper()
		text, _, err := new(status.Book).Text(&r.scaler.look.plan, now)
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
	if n := len(u.grown); n != 1+11 {
		t.Errorf("asked of the provider %d times: %v, want one deletion and what group b grows by", n, u.grown)
	}
	now, u.refuses = now.Add(actMinPause), false
	r.loop()
	told("DeleteUnregistered")
	r.loop()
	if got := strings.Join(u.grown, ", "); strings.Count(got, "a -i-1") != 2 || strings.Count(got, "b 0+1") != len(u.grown)-2 { // the stub does not remember its sizes
		t.Errorf("asked of the provider: %s", got)
	}
}
