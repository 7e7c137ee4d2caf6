package externalgrpc

import (
	"context"
	"fmt"
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

// A size above the maximum is believed as far as there are nodes or instances: a limit may have been lowered.
func TestSizeAboveTheMaximum(t *testing.T) {
	for _, c := range []struct {
		size, want int
		instances  []string
	}{
		{50_000, 2, nil},
		{11, 3, []string{"a-0", "a-1", "a-2?"}},
		{11, 11, strings.Fields("a-0 a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8 a-9 a-10?")},
		{12, 11, strings.Fields("a-0 a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8 a-9 a-10? a-11-")},
		{10, 10, nil},
	} {
		r := newRig(t)
		r.told(int32(c.size), c.instances...)
		groups, _ := r.groups(nodes()...)
		if g := groups[0]; g.Target != c.want || strings.Contains(g.Trouble, "more than its maximum of 10") != (c.size > c.want) || g.Min != 1 || g.Max != 10 {
			t.Errorf("size %d with %v: %+v, want %d", c.size, c.instances, g, c.want)
		}
	}
}

// A server that accepts growth and goes on telling the old size is believed what it accepted for a while. Then the group
// does not grow until the size is told, or requested nodes would be given up.
func TestAcceptedAndNotTold(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	if err := r.increase("a", 2, 3); err != nil {
		t.Fatal(err)
	}
	r.told(2) // it forgets
	for _, c := range []struct {
		after   time.Duration
		size    int
		trouble string
	}{
		{0, 5, ""},
		{59 * time.Second, 5, ""},
		{time.Second, 2, "accepted to let it grow to 5 nodes 1m0s ago, and says 2"},
		{10 * time.Minute, 2, "accepted to let it grow to 5 nodes 11m0s ago"},
		{4 * time.Minute, 2, ""},
	} {
		r.now = r.now.Add(c.after)
		groups, _ := r.groups(nodes()...)
		if g := groups[0]; g.Target != c.size || !strings.Contains(g.Trouble, c.trouble) || (g.Trouble == "") != (c.trouble == "") || g.Min != 1 || g.Max != 10 {
			t.Errorf("%s later: %+v, want %d and %q", c.after, g, c.size, c.trouble)
		}
	}
}

// A size that counts fewer nodes than stand does not hide those that were asked for beside them, until they have come or
// would be given up.
func TestAcceptedBesideNodesThatAreNotCounted(t *testing.T) {
	r := newRig(t)
	standing := nodes()
	want := func(when string, size int) {
		t.Helper()
		if groups, _ := r.groups(standing...); groups[0].Target != size || groups[0].Trouble != "" {
			t.Errorf("%s: size %d, trouble %q; want %d", when, groups[0].Target, groups[0].Trouble, size)
		}
	}
	joins := func(name string) {
		n := nodes()[0]
		n.Name, n.Spec.ProviderID = name, "cloud://"+name
		standing = append(standing, n)
		r.server.Change(func(s *externalgrpctest.Fake) { s.Nodes[name] = "a" })
	}
	grow := func(from, by int) {
		t.Helper()
		if err := r.increase("a", from, by); err != nil {
			t.Fatal(err)
		}
	}
	r.told(1)
	want("one of two is counted", 1)
	grow(1, 1) // the server tells 2
	want("one is on its way", 3)
	grow(3, 2) // and 4, though it was to be 5
	r.told(4)
	want("three are on their way", 5)
	joins("a-2")
	want("two are on their way", 5)
	joins("a-3")
	want("one is on its way", 5)
	if err := r.remove("a", "a-3"); err != nil {
		t.Fatal(err)
	}
	standing = standing[:len(standing)-1]
	want("one that has come is deleted", 4)
	if err := r.remove("a", "a-0"); err != nil {
		t.Fatal(err)
	}
	standing = standing[1:]
	want("one that stood is deleted", 3)
	r.now = r.now.Add(15*time.Minute - time.Second)
	want("the last may still come", 3)
	r.now = r.now.Add(time.Second)
	want("the last would be given up", int(r.size()))
}

// Once all promised nodes have come, the size that the server told is a doubt no more, however low it is.
func TestAcceptedAndComeAndNotTold(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	if err := r.increase("a", 2, 1); err != nil {
		t.Fatal(err)
	}
	r.told(2)
	third := nodes()[0]
	third.Name, third.Spec.ProviderID = "a-2", "cloud://a-2"
	r.server.Change(func(s *externalgrpctest.Fake) { s.Nodes["a-2"] = "a" })
	r.now = r.now.Add(2 * time.Minute)
	if groups, _ := r.groups(append(nodes(), third)...); groups[0].Target != 2 || groups[0].Trouble != "" {
		t.Errorf("size %d, trouble %q", groups[0].Target, groups[0].Trouble)
	}
}

// What stands and comes beside the size does not make a group too large: the server bounds it.
func TestAcceptedUpToTheMaximum(t *testing.T) {
	r := newRig(t)
	r.told(9)
	standing := nodes()
	for i := 2; i < 10; i++ {
		n := nodes()[0]
		n.Name = fmt.Sprint("a-", i)
		n.Spec.ProviderID = "cloud://" + n.Name
		standing = append(standing, n)
		r.server.Change(func(s *externalgrpctest.Fake) { s.Nodes[n.Name] = "a" })
	}
	r.groups(standing...)
	if err := r.increase("a", 9, 1); err != nil {
		t.Fatal(err)
	}
	if groups, _ := r.groups(standing...); groups[0].Target != 10 || groups[0].Trouble != "" {
		t.Errorf("size %d, trouble %q", groups[0].Target, groups[0].Trouble)
	}
}

// Once the size has been told it may fall again: that is no lie.
func TestAcceptedAndTold(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	if err := r.increase("a", 2, 3); err != nil {
		t.Fatal(err)
	}
	r.groups(nodes()...)
	r.told(2)
	if groups, _ := r.groups(nodes()...); groups[0].Target != 2 || groups[0].Trouble != "" {
		t.Errorf("%+v", groups[0])
	}
}

// What is deleted or given up meanwhile is not promised any more.
func TestAcceptedAndShrunk(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	if err := r.increase("a", 2, 3); err != nil {
		t.Fatal(err)
	}
	if err := r.remove("a", "a-0"); err != nil {
		t.Fatal(err)
	}
	if groups, _ := r.groups(nodes()...); groups[0].Target != 4 {
		t.Errorf("size %d after a removal", groups[0].Target)
	}
	if err := r.increase("a", 4, 2); err != nil {
		t.Fatal(err)
	}
	if err := r.decrease("a", 6, 2); err != nil {
		t.Fatal(err)
	}
	if groups, _ := r.groups(nodes()...); groups[0].Target != 4 || groups[0].Trouble != "" {
		t.Errorf("%+v after nodes were given up", groups[0])
	}
}

// What is given up beyond what was promised is not owed to the next promise.
func TestShrunkBelowWhatWasAccepted(t *testing.T) {
	r := newRig(t)
	r.told(5) // three are on their way for another
	r.groups(nodes()...)
	if err := r.increase("a", 5, 1); err != nil {
		t.Fatal(err)
	}
	if err := r.decrease("a", 6, 4); err != nil {
		t.Fatal(err)
	}
	if err := r.increase("a", 2, 2); err != nil {
		t.Fatal(err)
	}
	r.told(2) // it forgets
	if groups, _ := r.groups(nodes()...); groups[0].Target != 4 || groups[0].Trouble != "" {
		t.Errorf("size %d, trouble %q", groups[0].Target, groups[0].Trouble)
	}
}

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
