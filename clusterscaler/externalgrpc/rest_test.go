package externalgrpc

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// A removal that was planned on an older size does not take a group below its minimum.
func TestDeleteKeepsTheMinimum(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	r.told(1)
	err := r.remove("a", "a-1")
	if want := "group a: its size is 1 by now; without 1 of them it would be below its minimum of 1"; err == nil || err.Error() != want || r.size() != 1 {
		t.Errorf("%v, size %d; want %s", err, r.size(), want)
	}
}

// A server that fails as a whole is left alone for a moment, however many ask.
func TestFailingServerRests(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["Refresh"] = errFake })
	ask := func() error {
		_, err := r.provider.Observe(context.Background(), nodes())
		return err
	}
	for range 5 {
		if err := ask(); status.Code(err) != codes.ResourceExhausted {
			t.Fatal(err)
		}
	}
	if n := r.server.Called("Refresh"); n != 1 {
		t.Errorf("%d calls within a moment", n)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { clear(s.Fail) })
	r.now = r.now.Add(refreshPause - time.Millisecond)
	if err := ask(); err == nil || !strings.Contains(err.Error(), "rate exceeded\\nfor you\" (4.999s ago; it is asked again 5s after a failure)") {
		t.Error(err)
	}
	r.now = r.now.Add(time.Millisecond)
	if err := ask(); err != nil {
		t.Error(err)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroups"] = errFake })
	if err := ask(); err == nil {
		t.Error("no error")
	}
	r.now = r.now.Add(-time.Hour) // the clock was set
	if before := r.server.Called("NodeGroups"); ask() == nil || r.server.Called("NodeGroups") == before {
		t.Error("a clock that was set back silences it")
	}
}

// What ends an observation and is not the server's doing keeps nobody from the next.
func TestOwnFailuresDoNotRest(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.provider.Observe(ctx, nil); err == nil {
		t.Fatal("no error")
	}
	r.groups(nodes()...)
}

// A group whose own settings are not known does not shrink by those of others; it may grow.
func TestOptionsThatAreNotTold(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupGetOptions/a"] = errFake })
	for range 2 {
		groups, _ := r.groups(nodes()...)
		if g := groups[0]; g.Min != 2 || g.Max != 10 || g.Trouble != "" || groups[1].Min != 1 {
			t.Errorf("%+v", groups)
		}
	}
	if got := strings.Count(r.log.String(), "the options of group a"); got != 1 {
		t.Errorf("said %d times:\n%s", got, r.log)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { clear(s.Fail) })
	if groups, _ := r.groups(nodes()...); groups[0].Min != 1 {
		t.Errorf("%+v", groups[0])
	}
}

// The server's settings come before the configuration's, and what equals those is no setting of the group.
func TestOptionsOfAGroup(t *testing.T) {
	r := newRig(t)
	own := toWire(&r.provider.deps.Defaults)
	own.ScaleDownUtilizationThreshold, own.ScaleDownUnneededDuration, own.IgnoreDaemonSetsUtilization = 0.7, durationpb.New(time.Hour), true
	r.server.Change(func(s *externalgrpctest.Fake) { s.Options["a"] = own })
	groups, _ := r.groups(nodes()...)
	o := groups[0].Options
	if o.UtilizationThreshold == nil || *o.UtilizationThreshold != 0.7 || o.UnneededTime == nil || o.UnneededTime.Std() != time.Hour ||
		o.IgnoreDaemonSets == nil || !*o.IgnoreDaemonSets || o.UnreadyTime != nil || o.MaxNodeProvisionTime != nil {
		t.Errorf("%+v", o)
	}
	if o := groups[1].Options; o.UtilizationThreshold != nil || o.UnneededTime != nil {
		t.Errorf("a group without its own: %+v", o)
	}
}

// Settings that make no sense are the program's own, and that is said.
func TestHostileOptions(t *testing.T) {
	for _, c := range []struct {
		own  *protocol.NodeGroupAutoscalingOptions
		want string
	}{
		{&protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: math.NaN()}, "scaleDownUtilizationThreshold of NaN is none; 0.5 is taken"},
		{&protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: -1}, "scaleDownUtilizationThreshold of -1 is none"},
		{&protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.5, ScaleDownUnneededDuration: durationpb.New(-time.Minute)},
			"scaleDownUnneededDuration of -60 seconds is none; 10m0s is taken"},
		{&protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.5, ScaleDownUnreadyDuration: &durationpb.Duration{Seconds: math.MaxInt64}},
			"scaleDownUnreadyDuration of 9223372036854775807 seconds is none"},
		{&protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.5, MaxNodeProvisionDuration: durationpb.New(0)},
			"MaxNodeProvisionDuration of 0 seconds is none; 15m0s is taken"},
	} {
		r := newRig(t)
		r.server.Change(func(s *externalgrpctest.Fake) { s.Options["a"] = c.own })
		groups, _ := r.groups(nodes()...)
		if o := groups[0].Options; o.UtilizationThreshold != nil || o.UnneededTime != nil || o.UnreadyTime != nil || o.MaxNodeProvisionTime != nil {
			t.Errorf("%v: %+v", c.own, o)
		}
		if !strings.Contains(r.log.String(), c.want) {
			t.Errorf("log:\n%s\nwant %s", r.log, c.want)
		}
	}
}
