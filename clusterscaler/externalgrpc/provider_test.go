package externalgrpc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

func TestGroupsAreTheServers(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Prices["a"] = 0.25 })
	groups, member := r.groups(nodes()...)
	if len(groups) != 2 || len(member) != 4 || member["a-0"] != "a" || member["b-1"] != "b" {
		t.Fatalf("groups %+v, members %v", groups, member)
	}
	g := groups[0]
	if g.Name != "a" || g.Min != 1 || g.Max != 10 || g.Target != 2 || g.Price != 0.25 || g.Trouble != "" {
		t.Errorf("group %+v", g)
	}
	if g.Template.Allocatable.MilliCPU != 3900 || g.Capacity.MilliCPU != 4000 || g.Template.Labels["group"] != "a" ||
		g.Template.Labels[corev1.LabelHostname] != "template-of-a" || g.Template.Labels[corev1.LabelFailureDomainBetaZone] != "z" {
		t.Errorf("template %+v, capacity %+v", g.Template, g.Capacity)
	}
	if groups[1].Price != 0 {
		t.Error("a server without a price is one whose price is unknown")
	}
}

// A server that was written for cluster-autoscaler before 1.35 tells the same under another number.
func TestTemplatesOfOldServers(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.OldTemplates = true })
	groups, _ := r.groups()
	if groups[0].Template.Allocatable.MilliCPU != 3900 || groups[0].Trouble != "" {
		t.Errorf("group %+v", groups[0])
	}
}

// The server is asked of a node once, and again when the node is another or the answer may be.
func TestNodesAreAskedOfOnce(t *testing.T) {
	r := newRig(t)
	all := nodes()
	asked := func(want int, why string) {
		t.Helper()
		before := r.server.Called("NodeGroupForNode")
		r.groups(all...)
		if got := r.server.Called("NodeGroupForNode") - before; got != want {
			t.Errorf("%s: %d calls, want %d", why, got, want)
		}
	}
	asked(5, "all are new")
	asked(0, "nothing has changed")
	all[0] = all[0].DeepCopy()
	all[0].ResourceVersion = "2"
	asked(0, "a kubelet has reported")
	asked(0, "nothing has changed, in that version")
	all[0] = all[0].DeepCopy()
	all[0].ResourceVersion = "3"
	all[0].Annotations = map[string]string{"cloud": "x"}
	asked(1, "the server would be told something else")
	all[0] = all[0].DeepCopy()
	all[0].ResourceVersion = "4"
	all[0].Annotations[corev1.LastAppliedConfigAnnotation] = "{}"
	asked(0, "what a cached node has lost is not told")
	r.now = r.now.Add(strangerAge)
	asked(1, "a node without a group may have got one")
	r.now = r.now.Add(unconfirmedAge)
	asked(5, "answers are renewed at times")
	r.server.Change(func(s *externalgrpctest.Fake) {
		for name, group := range s.Nodes {
			s.Instances[group] = append(s.Instances[group], &protocol.Instance{Id: "cloud://" + name})
		}
	})
	r.now = r.now.Add(unconfirmedAge)
	asked(1, "the lists of instances say the same of all but the node without a group")
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Nodes["a-0"] = "b"
		s.Instances["b"] = append(s.Instances["b"], s.Instances["a"]...)
		s.Instances["a"] = nil
	})
	asked(2, "the lists say that both nodes of a are of b now")
	if _, member := r.groups(all...); member["a-0"] != "b" || member["a-1"] != "a" {
		t.Errorf("NodeGroupForNode decides: %v", member)
	}
	all[4].CreationTimestamp = metav1.NewTime(r.now)
	asked(2, "a young node may not have been shown to the cloud yet; the lists still contradict a-1")
}

// Judging several nodes within a loop does not make the server look at the whole cloud for each.
func TestRefreshOnceALoop(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {time.Second, 1}, {refreshPause, 2}, {-time.Hour, 3}} {
		r.now = r.now.Add(c.after)
		if r.groups(); r.server.Called("Refresh") != c.want {
			t.Errorf("after %s: %d calls, want %d", c.after, r.server.Called("Refresh"), c.want)
		}
	}
}

func TestIncrease(t *testing.T) {
	r := newRig(t)
	size := func() int32 {
		var n int32
		r.server.Change(func(s *externalgrpctest.Fake) { n = s.Sizes["a"] })
		return n
	}
	grow := func(group string, from, by int) error {
		_, err := r.provider.SetTarget(t.Context(), fleet.Resize{Group: group, From: from, To: from + by})
		return err
	}
	if err := grow("a", 2, 3); err != nil || size() != 5 {
		t.Errorf("size %d, %v", size(), err)
	}
	if err := grow("a", 3, 3); err != nil || size() != 6 {
		t.Errorf("only what is missing is asked for: size %d, %v", size(), err)
	}
	if err := grow("a", 2, 3); err != nil || size() != 6 {
		t.Errorf("a group that has grown meanwhile is large enough: size %d, %v", size(), err)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	if err := grow("a", 2, 1); err != nil || size() != 2 {
		t.Errorf("a node that was removed meanwhile is not made again: size %d, %v", size(), err)
	}
	for _, c := range []struct {
		group    string
		from, by int
		want     string
	}{
		{"a", 2, 9, "the group cannot have 11 nodes"},
		{"c", 0, 1, "NodeGroupTargetSize of group c: NotFound"},
	} {
		if err := grow(c.group, c.from, c.by); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %d+%d: %v, want %s", c.group, c.from, c.by, err, c.want)
		}
	}
	if size() != 2 {
		t.Errorf("size %d after refusals", size())
	}
}

func TestDeleteTellsTheNodes(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	for _, c := range []struct{ group, node, want string }{
		{"a", "who", "node who is not known to be of any group"},
		{"a", "control-plane", "node control-plane is not known to be of any group"},
		{"a", "b-0", "node b-0 is of group b"},
	} {
		if err := r.remove(c.group, "a-0", c.node); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.node, err, c.want)
		}
	}
	if n := r.server.Called("NodeGroupDeleteNodes"); n != 0 {
		t.Fatalf("%d calls for refused removals", n)
	}
	if err := r.remove("a", "a-1"); err != nil {
		t.Fatal(err)
	}
	r.server.Change(func(s *externalgrpctest.Fake) {
		if len(s.Deleted) != 1 || s.Deleted[0].GetProviderID() != "cloud://a-1" || s.Deleted[0].GetLabels()["group"] != "a" {
			t.Errorf("deleted %v", s.Deleted)
		}
	})
	groups, _ := r.groups(nodes()...)
	if groups[0].Target != 1 {
		t.Errorf("size %d", groups[0].Target)
	}
}

func TestInstances(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Instances["a"] = []*protocol.Instance{
			{Id: "cloud://a-0", Status: &protocol.InstanceStatus{InstanceState: protocol.InstanceStatus_instanceRunning}},
			{Id: "cloud://a-9", Status: &protocol.InstanceStatus{
				InstanceState: protocol.InstanceStatus_instanceCreating,
				ErrorInfo:     &protocol.InstanceErrorInfo{ErrorCode: "QUOTA", ErrorMessage: "no more\nof them", InstanceErrorClass: 1},
			}},
			{Id: "cloud://a-8", Status: &protocol.InstanceStatus{ErrorInfo: &protocol.InstanceErrorInfo{ErrorCode: "X"}}},
			{Id: ""},
			{Id: "cloud://a-7", Status: &protocol.InstanceStatus{InstanceState: 3, ErrorInfo: &protocol.InstanceErrorInfo{ErrorMessage: "no code, no error"}}},
		}
	})
	groups, err := r.provider.Observe(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(groups[0].Instances, groups[0].Instances[1].Failure.Class)
	want := `[cloud://a-0 running cloud://a-9 creating: QUOTA (out of resources): "no more\nof them" cloud://a-8 unspecified cloud://a-7 deleting] capacity`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestOptions(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Options["a"] = &protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.7}
		s.Options["b"] = &protocol.NodeGroupAutoscalingOptions{ZeroOrMaxNodeScaling: true, MaxNodeStartupDuration: durationpb.New(time.Hour)}
	})
	groups, _ := r.groups()
	if o := groups[0].Options; *o.UtilizationThreshold != 0.7 || o.UnneededTime != nil || o.MaxNodeStartupTime != nil {
		t.Errorf("%+v: a duration that is not told is the program's own", o)
	}
	if g := groups[1]; !g.Options.AllOrNothing || g.Trouble != "" || groups[0].Options.AllOrNothing {
		t.Errorf("a group of all or nothing: %+v", g)
	}
	if own := groups[1].Options.MaxNodeStartupTime; groups[0].Options.MaxNodeStartupTime != nil || own == nil || own.Std() != time.Hour {
		t.Errorf("the time of a start: %v", own)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupGetOptions"] = errFake })
	r.now = r.now.Add(detailsAge)
	if groups, _ := r.groups(); !groups[1].Options.AllOrNothing || *groups[0].Options.UtilizationThreshold != 0.7 {
		t.Errorf("the last options hold: %+v", groups)
	}
}

func TestRunTellsTheServerOfTheEnd(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.provider.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r.server.Called("Cleanup") != 1 {
		t.Error("Cleanup was not called")
	}
	if err := r.provider.Run(ctx); err != nil {
		t.Error(err)
	}
}
