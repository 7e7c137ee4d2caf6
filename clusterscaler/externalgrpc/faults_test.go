package externalgrpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

var errFake = status.Error(codes.ResourceExhausted, "rate exceeded\nfor you")

// What is wrong with one group holds that one: it is reported, it does not grow, and the other goes on.
func TestOneGroupInTrouble(t *testing.T) {
	const still, noGrowth = true, false
	for _, c := range []struct {
		name   string
		change func(t *testing.T, s *externalgrpctest.Fake)
		want   string
		holds  bool
	}{
		{"throttled size", func(_ *testing.T, s *externalgrpctest.Fake) { s.Fail["NodeGroupTargetSize/a"] = errFake },
			`NodeGroupTargetSize of group a: ResourceExhausted: "rate exceeded\nfor you"`, still},
		{"group deleted meanwhile", func(_ *testing.T, s *externalgrpctest.Fake) {
			s.Fail["NodeGroupTargetSize/a"] = status.Error(codes.NotFound, "gone")
		}, "NodeGroupTargetSize of group a: NotFound: gone", still},
		{"negative size", func(_ *testing.T, s *externalgrpctest.Fake) { s.Sizes["a"] = -1 }, "-1 is no size of a group", still},
		{"size beyond belief", func(_ *testing.T, s *externalgrpctest.Fake) { s.Sizes["a"] = 2_000_000_000 }, "2000000000 is no size of a group", still},
		{"impossible bounds", func(_ *testing.T, s *externalgrpctest.Fake) {
			s.Groups = []*protocol.NodeGroup{{Id: "a", MinSize: 5, MaxSize: 3}, s.Groups[1]}
		}, "min 5 and max 3: 0 <= min <= max must hold", still},
		{"one id twice", func(_ *testing.T, s *externalgrpctest.Fake) {
			s.Groups = append(s.Groups[:2:2], &protocol.NodeGroup{Id: "a", MaxSize: 3})
		}, "the server lists it twice, with different bounds", still},
		{"template is no node", func(_ *testing.T, s *externalgrpctest.Fake) { s.Templates["a"] = []byte("not a node") },
			"NodeGroupTemplateNodeInfo of group a: the node is not in the form of the Kubernetes API", noGrowth},
		{"template without CPU", func(t *testing.T, s *externalgrpctest.Fake) {
			n := template("a")
			delete(n.Status.Allocatable, corev1.ResourceCPU)
			s.Templates["a"] = serialized(t, n)
		}, "the node has no allocatable cpu", noGrowth},
		{"template beyond belief", func(t *testing.T, s *externalgrpctest.Fake) {
			n := template("a")
			n.Status.Allocatable[corev1.ResourceMemory] = resource.MustParse("8E")
			s.Templates["a"] = serialized(t, n)
		}, "the node cannot have 8E of memory", noGrowth},
		{"label with a control character", func(t *testing.T, s *externalgrpctest.Fake) {
			n := template("a")
			n.Labels["zone"] = "x\x1b[31m"
			s.Templates["a"] = serialized(t, n)
		}, `the label "zone"="x\x1b[31m" of the node`, noGrowth},
		{"failing template", func(_ *testing.T, s *externalgrpctest.Fake) { s.Fail["NodeGroupTemplateNodeInfo/a"] = errFake },
			"NodeGroupTemplateNodeInfo of group a: ResourceExhausted", noGrowth},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.server.Change(func(s *externalgrpctest.Fake) { c.change(t, s) })
			groups, member := r.groups(nodes()...)
			if len(groups) != 2 || len(member) != 4 || groups[1].Trouble != "" || groups[1].Target != 2 {
				t.Fatalf("the other group suffers: %+v, %v", groups, member)
			}
			g := groups[0]
			if !strings.Contains(g.Trouble, c.want) {
				t.Errorf("trouble %q, want %q", g.Trouble, c.want)
			}
			if stands := g.Min == g.Target && g.Max == g.Target; stands != c.holds || g.Target != 2 {
				t.Errorf("min %d, max %d, size %d; stands still: want %t", g.Min, g.Max, g.Target, c.holds)
			}
			lines := strings.Count(r.log.String(), "group a")
			if r.groups(nodes()...); lines == 0 || strings.Count(r.log.String(), "group a") != lines {
				t.Errorf("said not once but:\n%s", r.log)
			}
		})
	}
}

// The last size and template of a group in trouble still hold, so that nodes on their way are counted.
func TestTroubleAfterGoodTimes(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 4 })
	r.groups()
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Fail["NodeGroupTargetSize/a"], s.Fail["NodeGroupTemplateNodeInfo/a"] = errFake, errFake
	})
	r.now = r.now.Add(detailsAge)
	for range 2 {
		if groups, _ := r.groups(); groups[0].Target != 4 || groups[0].Template.Allocatable.MilliCPU != 3900 || groups[0].Trouble == "" {
			t.Errorf("group %+v", groups[0])
		}
	}
	r.server.Change(func(s *externalgrpctest.Fake) { clear(s.Fail) })
	if groups, _ := r.groups(); groups[0].Trouble != "" || !strings.Contains(r.log.String(), "no longer in trouble with group a") {
		t.Errorf("the trouble does not end: %+v\n%s", groups[0], r.log)
	}
}

// A server without templates is no trouble of its own: nodes of the group tell what the next one is.
func TestServerWithoutTemplates(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) { clear(s.Templates) })
	groups, err := r.provider.Observe(t.Context(), nodes())
	if err != nil || groups[0].Template != nil || groups[0].Trouble != "" || strings.Contains(r.log.String(), "in trouble") {
		t.Errorf("group %+v, %v\n%s", groups[0], err, r.log)
	}
	if groups, _ := r.groups(nodes()...); groups[0].Trouble != plan.NoTemplate {
		t.Errorf("trouble %q", groups[0].Trouble)
	}
}

// Ids that cannot be names are left out and said; the others go on.
func TestGroupsWithoutAName(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Groups = append(s.Groups, &protocol.NodeGroup{Id: ""}, &protocol.NodeGroup{Id: "x\ny"}, &protocol.NodeGroup{Id: "x\ny"},
			&protocol.NodeGroup{Id: strings.Repeat("z", 2000)}, s.Groups[0])
		s.Nodes["a-0"], s.Nodes["a-1"] = "x\ny", "unheard-of"
	})
	groups, member := r.groups(nodes()...)
	if len(groups) != 2 || len(troubles(groups)) != 0 {
		t.Errorf("groups %+v", groups)
	}
	if len(member) != 2 || member["b-0"] != "b" {
		t.Errorf("members %v", member)
	}
	for _, line := range strings.Split(strings.TrimSpace(r.log.String()), "\n") {
		if !strings.HasPrefix(line, "time=") || len(line) > 1000 {
			t.Errorf("a line of the log is broken or long: %q", line)
		}
	}
	if !strings.Contains(r.log.String(), "a group that it does not list") {
		t.Errorf("log:\n%s", r.log)
	}
}

// What the server cannot tell of one node concerns that one.
func TestUnknownNode(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Fail["NodeGroupForNode/a-0"] = status.Error(codes.Internal, "no such instance")
	})
	_, member := r.groups(nodes()...)
	if _, ours := member["a-0"]; ours || len(member) != 3 {
		t.Errorf("members %v", member)
	}
	if want := "NodeGroupForNode of node a-0: Internal: no such instance (nodes: 1)"; !strings.Contains(r.log.String(), want) {
		t.Errorf("log:\n%s\nwant %s", r.log, want)
	}
}

// A server that fails while answers are renewed is believed what it said before, and is asked no more in that loop.
func TestRenewalsThatFail(t *testing.T) {
	r := newRig(t)
	var all []*corev1.Node
	for i := range 3 * parallel {
		n := template("a")
		n.Name = fmt.Sprintf("a-%d", i)
		all = append(all, n)
	}
	r.server.Change(func(s *externalgrpctest.Fake) {
		for _, n := range all {
			s.Nodes[n.Name] = "a"
		}
	})
	r.groups(all...)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupForNode"] = errFake })
	r.now = r.now.Add(unconfirmedAge)
	before := r.server.Called("NodeGroupForNode")
	if _, member := r.groups(all...); len(member) != len(all) {
		t.Errorf("%d members, want %d", len(member), len(all))
	}
	if n := r.server.Called("NodeGroupForNode") - before; n == 0 || n > parallel {
		t.Errorf("%d calls, want no more than are made at a time", n)
	}
	if !strings.Contains(r.log.String(), "rate exceeded") {
		t.Errorf("log:\n%s", r.log)
	}
}

// The loop observes and acts while drains remove.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Groups = []*protocol.NodeGroup{{Id: "a", MaxSize: 10}, {Id: "b", MaxSize: 10}}
	})
	r.groups(nodes()...)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for range 40 {
			if _, err := r.provider.Observe(context.Background(), nodes()); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 4 {
		tasks.Go(func() {
			name := fmt.Sprintf("%s-%d", []string{"a", "b"}[i/2], i%2)
			drained, err := r.view.Drained(name[:1], []string{name})
			if err != nil {
				t.Error(err)
			}
			if _, err := r.provider.Terminate(context.Background(), drained); err != nil {
				t.Error(err)
			}
			if _, err := r.provider.SetTarget(context.Background(), fleet.Resize{Group: "a", From: 2, To: 3}); err != nil {
				t.Error(err)
			}
		})
	}
	tasks.Wait()
	groups, _ := r.groups(nodes()...)
	if groups[0].Target < 1 || groups[0].Target > 3 || groups[1].Target != 0 {
		t.Errorf("groups %+v", groups)
	}
}

// A server in trouble is an error of the whole observation: nothing is decided on half of the truth.
func TestServerInTrouble(t *testing.T) {
	for _, c := range []struct{ method, want string }{
		{"Refresh", "Refresh: ResourceExhausted"},
		{"NodeGroups", "NodeGroups: ResourceExhausted"},
		{"NodeGroupForNode", "NodeGroupForNode of node "},
	} {
		r := newRig(t)
		r.server.Change(func(s *externalgrpctest.Fake) { s.Fail[c.method] = errFake })
		_, err := r.provider.Observe(context.Background(), nodes())
		if err == nil || !strings.HasPrefix(err.Error(), "server "+r.server.Address+": "+c.want) || status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: %v", c.method, err)
		}
	}
}

// A server that hangs costs no more than the time limit of a call, wherever it hangs.
func TestServerThatHangs(t *testing.T) {
	for _, method := range []string{"Refresh", "NodeGroups", "NodeGroupForNode", "NodeGroupTargetSize", "NodeGroupTemplateNodeInfo"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.provider = r.connect(Config{Address: r.server.Address, Timeout: config.Duration(time.Second)})
			r.server.Change(func(s *externalgrpctest.Fake) { s.Hang[method] = true })
			groups, err := r.provider.Observe(context.Background(), nodes())
			if err == nil && len(groups) == 2 {
				err = errors.New(groups[0].Trouble + groups[0].Unknown)
			}
			if err == nil || !strings.Contains(err.Error(), method) || !strings.Contains(err.Error(), "DeadlineExceeded") {
				t.Errorf("groups %+v, %v", groups, err)
			}
		})
	}
}

func TestHugeAnswers(t *testing.T) {
	r := newRig(t)
	r.server.Change(func(s *externalgrpctest.Fake) {
		s.Instances["a"] = []*protocol.Instance{{Id: strings.Repeat("x", maxAnswer)}}
	})
	groups, _ := r.groups(nodes()...)
	if len(troubles(groups)) != 0 {
		t.Errorf("a list of instances is not needed for a size: %v", troubles(groups))
	}
	if all, err := r.provider.Observe(t.Context(), nodes()); err != nil || all[0].Instances != nil || !strings.Contains(r.log.String(), "NodeGroupNodes of group a: ResourceExhausted") {
		t.Errorf("told %v, %v\n%s", all, err, r.log)
	}
	r.server.Change(func(s *externalgrpctest.Fake) {
		clear(s.Instances)
		s.Groups = nil
		for i := range maxGroups + 1 {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: fmt.Sprint(i)})
		}
	})
	if _, err := r.provider.Observe(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "10001 groups are more than 10000") {
		t.Error(err)
	}
}

// Calls that change something are made once whatever happens; the others are made again when the connection breaks.
func TestOnlyHarmlessCallsAreRepeated(t *testing.T) {
	r := newRig(t)
	r.groups(nodes()...)
	r.server.Change(func(s *externalgrpctest.Fake) {
		clear(s.Calls)
		for _, method := range []string{"NodeGroupIncreaseSize", "NodeGroupDeleteNodes", "NodeGroups"} {
			s.Fail[method] = status.Error(codes.Unavailable, "try again")
		}
	})
	ctx := context.Background()
	for method, err := range map[string]error{
		"NodeGroupIncreaseSize of group a":            r.increase("a", 2, 1),
		"NodeGroupDeleteNodes of group a of node a-0": r.remove("a", "a-0"),
	} {
		if want := "server " + r.server.Address + ": " + method + ": Unavailable: try again"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := r.provider.Observe(ctx, nil); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	for method, want := range map[string]int{"NodeGroupIncreaseSize": 1, "NodeGroupDeleteNodes": 1, "NodeGroups": 3} {
		if got := r.server.Called(method); got != want {
			t.Errorf("%s was called %d times, want %d", method, got, want)
		}
	}
}

// A server that is not there is an error at once, and when it comes it is found without a restart.
func TestServerThatComesLater(t *testing.T) {
	relay := externalgrpctest.NewRelay(t)
	r := newRig(t)
	r.provider = r.connect(Config{Address: relay.Address})
	if _, err := r.provider.Observe(context.Background(), nil); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), relay.Address) {
		t.Fatal(err)
	}
	relay.To(r.server.Address)
	r.eventually(func() error {
		_, err := r.provider.Observe(context.Background(), nil)
		return err
	})
}

// eventually tries until there is no error, for as long as a connection may need to be made again. Each try takes its time
// by itself: a call that finds no connection is made again after a pause.
func (r *rig) eventually(f func() error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*reconnectDelay)
	defer cancel()
	for {
		r.now = r.now.Add(refreshPause) // else the server is left alone
		r.provider.conn.ResetConnectBackoff()
		err := f()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			r.t.Fatal(err)
		}
	}
}
