package externalgrpc

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/internal/config"
)

// A group about which all reads hang costs a time-out now and then, and not in each observation. The others are as ever, and
// so is the group when its reads are answered again.
func TestGroupThatHangs(t *testing.T) {
	r := newRig(t)
	r.provider = r.connect(Config{Address: r.server.Address, Timeout: config.Duration(100 * time.Millisecond)})
	r.groups(nodes()...)
	hangs := func(hang bool) {
		r.server.Change(func(s *externalgrpctest.Fake) {
			for _, method := range []string{"NodeGroupTargetSize", "NodeGroupNodes", "NodeGroupTemplateNodeInfo", "NodeGroupGetOptions"} {
				s.Hang[method+"/a"] = hang
			}
		})
	}
	hangs(true)
	called, before := 0, 0
	const loops = 60 // ten minutes
	for range loops {
		before = r.server.Called("NodeGroupTargetSize")
		r.now = r.now.Add(10 * time.Second)
		groups, _ := r.groups(nodes()...)
		if a, b := groups[0].Trouble, groups[1].Trouble; !strings.Contains(a, "NodeGroupTargetSize of group a: DeadlineExceeded") || b != "" {
			t.Fatalf("a: %q, b: %q", a, b)
		}
		called += r.server.Called("NodeGroupTargetSize") - before - 1 // one for b
	}
	if called < 4 || called > 15 {
		t.Errorf("the size of a was asked for %d times in %d loops, want that it becomes rare", called, loops)
	}
	if n := strings.Count(r.log.String(), "in trouble with group a\""); n > 2 {
		t.Errorf("said %d times:\n%s", n, r.log)
	}
	hangs(false)
	r.now = r.now.Add(maxSilence)
	if groups, _ := r.groups(nodes()...); groups[0].Trouble != "" || groups[0].Target != 2 || len(r.provider.silences) > 0 {
		t.Errorf("answered again: %+v, silences %v", groups[0], r.provider.silences)
	}
}

// A request to grow that hangs holds up none of another group.
func TestGroupsGrowSideBySide(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Hang["NodeGroupIncreaseSize/a"] = true })
	ctx, cancel := context.WithCancel(t.Context())
	hung := make(chan error, 1)
	grow := func(ctx context.Context, group string) error {
		_, err := r.provider.SetTarget(ctx, fleet.Resize{Group: group, From: 2, To: 3})
		return err
	}
	go func() { hung <- grow(ctx, "a") }()
	for r.server.Called("NodeGroupIncreaseSize") == 0 {
		runtime.Gosched()
	}
	if err := grow(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-hung; status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}
