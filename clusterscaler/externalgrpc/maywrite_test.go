package externalgrpc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
)

// Who may not write asks the server, and changes nothing: not even Cleanup is called, since the server is another's by now.
func TestNothingIsChangedWhileAnotherMayLead(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 3 })
	r.groups(nodes()...)
	r.mayWrite = errors.New("not written: another replica may lead")
	for name, do := range map[string]func() error{
		"increase": func() error { return r.increase("a", 3, 1) },
		"decrease": func() error { return r.decrease("a", 3, 1) },
		"delete":   func() error { return r.remove("a", "a-1") },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), r.mayWrite.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if groups, _ := r.groups(nodes()...); groups[0].Target != 3 {
		t.Errorf("size %d", groups[0].Target)
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := r.provider.Run(ctx); err != nil {
		t.Error(err)
	}
	for _, method := range []string{"NodeGroupIncreaseSize", "NodeGroupDecreaseTargetSize", "NodeGroupDeleteNodes", "Cleanup"} {
		if n := r.server.Called(method); n > 0 {
			t.Errorf("%s was called", method)
		}
	}
}
