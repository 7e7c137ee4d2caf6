package externalgrpc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

type rig struct {
	t        *testing.T
	server   *externalgrpctest.Fake
	provider *Provider
	now      time.Time
	log      *strings.Builder
	// mayWrite is why nothing may be changed.
	mayWrite error
}

// newRig is a provider before a fake with the groups a and b of at most ten nodes and two each.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, server: externalgrpctest.Start(t, nil), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), log: &strings.Builder{}}
	r.server.Change(func(s *externalgrpctest.Fake) {
		for _, id := range []string{"a", "b"} {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: id, MinSize: 1, MaxSize: 10})
			s.Sizes[id] = 2
			s.Templates[id] = serialized(t, template(id))
		}
		for _, n := range nodes() {
			s.Nodes[n.Name] = n.Labels["group"]
		}
	})
	r.provider = r.connect(Config{Address: r.server.Address})
	return r
}

func (r *rig) connect(cfg Config) *Provider {
	r.t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = config.Duration(10 * time.Second)
	}
	p, err := New(cfg, Deps{
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: func() time.Time { return r.now }, Prices: true, MaxNodeDeletionTime: 5 * time.Minute,
		MayWrite: func() error { return r.mayWrite },
		Defaults: Options{
			UtilizationThreshold: 0.5, UnneededTime: 10 * time.Minute, UnreadyTime: 20 * time.Minute,
			MaxNodeProvisionTime: 15 * time.Minute, MaxNodeStartupTime: 15 * time.Minute,
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = p.conn.Close() })
	return p
}

func template(group string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "any", Labels: map[string]string{"group": group, corev1.LabelTopologyZone: "z"}}}
	n.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("58"),
	}
	n.Status.Allocatable = maps.Clone(n.Status.Capacity)
	n.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("3900m")
	return n
}

func serialized(t *testing.T, n *corev1.Node) []byte {
	t.Helper()
	data, err := n.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nodes are two of each group and one of none, all an hour old.
func nodes() []*corev1.Node {
	var all []*corev1.Node
	for _, group := range []string{"a", "b"} {
		for i := range 2 {
			n := template(group)
			n.Name = fmt.Sprintf("%s-%d", group, i)
			n.Spec.ProviderID = "cloud://" + n.Name
			all = append(all, n)
		}
	}
	stranger := template("")
	stranger.Name = "control-plane"
	all = append(all, stranger)
	for _, n := range all {
		n.CreationTimestamp = metav1.NewTime(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC))
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	}
	return all
}

func (r *rig) groups(nodes ...*corev1.Node) ([]plan.Group, map[string]string) {
	r.t.Helper()
	groups, member, err := r.provider.Groups(context.Background(), nodes)
	if err != nil {
		r.t.Fatal(err)
	}
	return groups, member
}

// troubles are those of the groups, by name.
func troubles(groups []plan.Group) map[string]string {
	out := map[string]string{}
	for _, g := range groups {
		if g.Trouble != "" {
			out[g.Name] = g.Trouble
		}
	}
	return out
}

// lastInstances are the instances of a group when it was last observed, and whether the server told them.
func (p *Provider) lastInstances(group string) ([]Instance, bool) {
	g, known := p.observation().groups[group]
	if !known {
		return nil, false
	}
	return g.instances, g.instancesTold
}

// lastOptions are the settings of a group when it was last observed, and whether it has its own.
func (p *Provider) lastOptions(group string) (Options, bool) {
	g, known := p.observation().groups[group]
	if !known || g.details.options == nil {
		return p.deps.Defaults, false
	}
	return *g.details.options, true
}

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
	ctx := context.Background()
	if err := r.provider.Increase(ctx, "a", 2, 1); err == nil || !strings.Contains(err.Error(), "has no group a") {
		t.Errorf("before the first observation: %v", err)
	}
	r.groups()
	if err := r.provider.Increase(ctx, "a", 2, 3); err != nil || size() != 5 {
		t.Errorf("size %d, %v", size(), err)
	}
	if err := r.provider.Increase(ctx, "a", 3, 3); err != nil || size() != 6 {
		t.Errorf("only what is missing is asked for: size %d, %v", size(), err)
	}
	if err := r.provider.Increase(ctx, "a", 2, 3); err != nil || size() != 6 {
		t.Errorf("a group that has grown meanwhile is large enough: size %d, %v", size(), err)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	if err := r.provider.Increase(ctx, "a", 2, 1); err != nil || size() != 2 {
		t.Errorf("a node that was removed meanwhile is not made again: size %d, %v", size(), err)
	}
	for _, c := range []struct {
		group    string
		from, by int
		want     string
	}{
		{"a", 8, 3, "group a: 11 nodes are more than its maximum of 10"},
		{"a", 8, 0, "group a: 0 nodes are no growth"},
		{"c", 0, 1, "has no group c"},
	} {
		if err := r.provider.Increase(ctx, c.group, c.from, c.by); err == nil || !strings.Contains(err.Error(), c.want) {
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
	ctx := context.Background()
	for _, c := range []struct{ group, node, want string }{
		{"a", "who", "node who is not known to be of any group"},
		{"a", "control-plane", "node control-plane is not known to be of any group"},
		{"a", "b-0", "node b-0 is of group b"},
	} {
		if err := r.provider.Delete(ctx, c.group, []string{"a-0", c.node}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.node, err, c.want)
		}
	}
	if n := r.server.Called("NodeGroupDeleteNodes"); n != 0 {
		t.Fatalf("%d calls for refused removals", n)
	}
	if err := r.provider.Delete(ctx, "a", []string{"a-1"}); err != nil {
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
	if err := r.provider.Delete(ctx, "a", []string{"a-1"}); err == nil {
		t.Error("a node without a group any more was deleted")
	}
}

func TestInstancesAreKept(t *testing.T) {
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
	if _, told := r.provider.lastInstances("a"); told {
		t.Error("told before the first observation")
	}
	r.groups()
	all, told := r.provider.lastInstances("a")
	got := fmt.Sprint(all, told)
	want := `[cloud://a-0 running cloud://a-9 creating: QUOTA (out of resources): "no more\nof them" cloud://a-8 unspecified cloud://a-7 deleting] true`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if _, told := r.provider.lastInstances("c"); told {
		t.Error("told of a group that does not exist")
	}
}

func TestOptions(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Options["a"] = &protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.7}
		s.Options["b"] = &protocol.NodeGroupAutoscalingOptions{ZeroOrMaxNodeScaling: true, MaxNodeStartupDuration: durationpb.New(time.Hour)}
	})
	groups, _ := r.groups()
	if o, own := r.provider.lastOptions("a"); !own || o.UtilizationThreshold != 0.7 || o.UnneededTime != 10*time.Minute || o.MaxNodeStartupTime != 15*time.Minute {
		t.Errorf("%+v %t: a duration that is not told is the program's own", o, own)
	}
	if o, own := r.provider.lastOptions("c"); own || o.UnneededTime != 10*time.Minute {
		t.Errorf("%+v %t", o, own)
	}
	if g := groups[1]; !g.Options.AllOrNothing || g.Trouble != "" || groups[0].Options.AllOrNothing {
		t.Errorf("a group of all or nothing: %+v", g)
	}
	if own := groups[1].Options.MaxNodeStartupTime; groups[0].Options.MaxNodeStartupTime != nil || own == nil || *own != time.Hour {
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
