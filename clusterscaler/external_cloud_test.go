package clusterscaler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// A group grows for a pod, its node comes, the pod goes, and the node after it. What stands of it is no place any more.
func TestCloudGrowsAndShrinks(t *testing.T) {
	c := newCloud(t)
	waiting := c.pod("web", "")
	c.loop(0)
	c.want("a=1 b=0", "for a pod")
	c.loop(10 * time.Second)
	c.want("a=1 b=0", "while its node is on its way")
	c.joins("a", "n1")
	c.remove(waiting)
	running := c.pod("web", "n1")
	c.loop(10 * time.Second)
	c.remove(running)
	c.loop(10 * time.Second)
	c.loop(10*time.Minute - time.Second)
	c.want("a=1 b=0", "before the node has been unneeded for long")
	c.loop(time.Second)
	c.want("a=0 b=0", "when it has")
	c.change(func(s *externalgrpctest.Fake) {
		if len(s.Deleted) != 1 || s.Deleted[0].GetProviderID() != "cloud://n1" || s.Deleted[0].GetAnnotations()["k8s.io/cluster-autoscaler/fake-node-reason"] != "" {
			t.Errorf("deleted %v", s.Deleted)
		}
		s.Nodes["n1"] = "a" // so some clouds say until the node is gone
	})
	c.pod("late", "")
	c.loop(10 * time.Second)
	c.want("a=1 b=0", "for a pod that comes while the deleted node stands")
	c.loop(10 * time.Second)
	c.want("a=1 b=0", "the deleted node is not the one that is on its way")
	c.said("pod default/late", "FitsUpcomingNode")
}

// Whatever is wrong with the best group, the next best grows for the pod, in the same loop or at once after it.
func TestCloudTakesTheNextBest(t *testing.T) {
	const size, increase = "NodeGroupTargetSize/a", "NodeGroupIncreaseSize/a"
	for _, k := range []struct {
		name   string
		change func(c *cloud, s *externalgrpctest.Fake)
		loops  int
		sizes  string
		said   []string
	}{
		{"growth is throttled", func(_ *cloud, s *externalgrpctest.Fake) { s.Fail[increase] = errThrottled }, 2, "a=0 b=1", []string{"BackedOff", "rate exceeded"}},
		{"growth is refused", func(_ *cloud, s *externalgrpctest.Fake) { s.Fail[increase] = errNotFound }, 2, "a=0 b=1", []string{"BackedOff", "no such group"}},
		{"the size is throttled", func(_ *cloud, s *externalgrpctest.Fake) { s.Fail[size] = errThrottled }, 1, "a=0 b=1", []string{"GroupInTrouble", "rate exceeded"}},
		{"the group was deleted", func(_ *cloud, s *externalgrpctest.Fake) { s.Fail[size] = errNotFound }, 1, "a=0 b=1", []string{"GroupInTrouble", "no such group"}},
		{"negative size", func(_ *cloud, s *externalgrpctest.Fake) { s.Sizes["a"] = -3 }, 1, "a=-3 b=1", []string{"GroupInTrouble", "-3 is no size"}},
		{"size beyond belief", func(_ *cloud, s *externalgrpctest.Fake) { s.Sizes["a"] = 2_000_000_000 }, 1, "a=2000000000 b=1", []string{"GroupInTrouble", "is no size"}},
		{"size beyond the maximum", func(_ *cloud, s *externalgrpctest.Fake) { s.Sizes["a"] = 50_000 }, 1, "a=50000 b=1",
			[]string{"GroupInTrouble", "says that it has 50000 nodes, more than its maximum of 10, and there are 0"}},
		{"template of nothing", func(_ *cloud, s *externalgrpctest.Fake) { s.Templates["a"] = []byte("\xff\xff not a node") }, 1, "a=0 b=1", []string{"GroupInTrouble"}},
		{"template without CPU", func(c *cloud, s *externalgrpctest.Fake) {
			s.Templates["a"] = c.template(func(n *corev1.Node) { delete(n.Status.Capacity, corev1.ResourceCPU) })
		}, 1, "a=0 b=1", []string{"GroupInTrouble", "no allocatable cpu"}},
		{"template of a million cores", func(c *cloud, s *externalgrpctest.Fake) {
			s.Templates["a"] = c.template(func(n *corev1.Node) { n.Status.Capacity[corev1.ResourceMemory] = resource.MustParse("9E") })
		}, 1, "a=0 b=1", []string{"GroupInTrouble", "cannot have 9E of memory"}},
		{"a template that never ends", func(_ *cloud, s *externalgrpctest.Fake) { s.Hang["NodeGroupTemplateNodeInfo/a"] = true }, 1, "a=0 b=1",
			[]string{"GroupInTrouble", "DeadlineExceeded"}},
		{"a launch failed", func(_ *cloud, s *externalgrpctest.Fake) {
			s.Sizes["a"], s.Instances["a"] = 1, []*protocol.Instance{instance("x", protocol.InstanceStatus_instanceCreating, "STOCKOUT")}
		}, 1, "a=0 b=1", []string{"BackedOff", "STOCKOUT (out of resources): no machines left"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.change(func(s *externalgrpctest.Fake) { k.change(c, s) })
			c.pod("web", "")
			wait := time.Duration(0)
			for range k.loops {
				wait = c.loop(min(wait, time.Second))
			}
			c.want(k.sizes, "the next best")
			c.said("group a", k.said...)
			c.change(func(s *externalgrpctest.Fake) { clear(s.Hang) })
			for range 3 {
				c.loop(10 * time.Second)
			}
			c.want(k.sizes, "half a minute later")
		})
	}
}

// An answer that got lost does not make a second group grow: the next loop sees the size.
func TestCloudLosesAnAnswer(t *testing.T) {
	c := newCloud(t)
	c.change(func(s *externalgrpctest.Fake) { s.Lose["NodeGroupIncreaseSize"] = true })
	c.pod("web", "")
	if wait := c.loop(0); wait > time.Second {
		t.Errorf("the next loop is %s away", wait)
	}
	c.loop(time.Second)
	c.want("a=1 b=0", "the growth that was not answered")
	c.said("pod default/web", "FitsUpcomingNode")
}

// A server that throttles everything changes nothing, is not asked more for it, and is used again when it recovers.
func TestCloudThrottlesAll(t *testing.T) {
	for _, method := range []string{"Refresh", "NodeGroups", "NodeGroupForNode"} {
		c := newCloud(t)
		c.joins("a", "n1")
		c.pod("one", "n1")
		c.pod("two", "")
		c.change(func(s *externalgrpctest.Fake) {
			s.Sizes["a"] = 1
			s.Fail[method] = errThrottled
		})
		for range 10 { // pods come one after another
			c.loop(minimalPause)
		}
		if n := c.server.Called(method); n > 2 && method != "NodeGroupForNode" || n == 0 {
			t.Errorf("%s was called %d times in five seconds", method, n)
		}
		c.want("a=1 b=0", method)
		if err := c.part.Ready(); err == nil || !strings.Contains(err.Error(), "rate exceeded") {
			t.Errorf("%s: ready: %v", method, err)
		}
		c.change(func(s *externalgrpctest.Fake) { clear(s.Fail) })
		c.loop(10 * time.Second)
		c.want("a=2 b=0", method+" recovered")
	}
}

// A size below the nodes that stand is a lie that nothing is done upon: nothing is given up, nothing goes below the
// minimum, and growth asks for what is needed and no more.
func TestCloudTellsTooSmallASize(t *testing.T) {
	c := newCloud(t)
	for _, n := range []string{"n1", "n2", "n3"} {
		c.joins("a", n)
	}
	c.change(func(s *externalgrpctest.Fake) {
		s.Groups = []*protocol.NodeGroup{{Id: "a", MinSize: 1, MaxSize: 10}}
		s.Sizes["a"] = 1
	})
	c.loop(0)
	c.loop(time.Hour)
	c.want("a=1 b=0", "idle nodes")
	c.said("node n1", "NodeGroupMinSizeReached")
	for i, n := range []string{"n1", "n2", "n3", ""} {
		c.pod(fmt.Sprint("web-", i), n)
	}
	c.loop(10 * time.Second)
	c.want("a=2 b=0", "one more pod than nodes")
	for range 6 {
		c.loop(10 * time.Second)
		c.want("a=2 b=0", "while its node is on its way")
	}
	c.said("pod default/web-3", "FitsUpcomingNode")
	c.joins("a", "n4")
	c.remove(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-3"}})
	c.pod("web-3", "n4")
	c.pod("web-4", "")
	c.loop(10 * time.Second)
	c.want("a=3 b=0", "yet one more pod")
	if n := c.server.Called("NodeGroupDecreaseTargetSize") + c.server.Called("NodeGroupDeleteNodes"); n != 0 {
		t.Errorf("%d calls that make it smaller", n)
	}
}

// The node of an instance that is lost stands for a while, and is not taken for one that is on its way.
func TestCloudLosesAnInstanceWhoseNodeStands(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.joins("a", "n2")
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 2 })
	c.pod("one", "n1")
	running := c.pod("two", "n2")
	c.loop(0)
	c.loop(20 * time.Minute)
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"], s.Instances["a"] = 1, s.Instances["a"][:1] })
	var lost corev1.Node
	if err := c.api.Get(context.Background(), client.ObjectKey{Name: "n2"}, &lost); err != nil {
		t.Fatal(err)
	}
	lost.Status.Conditions[0].Status = corev1.ConditionUnknown
	if err := c.api.Status().Update(context.Background(), &lost); err != nil {
		t.Fatal(err)
	}
	c.remove(running)
	c.pod("again", "")
	for range 6 {
		c.loop(10 * time.Second)
		c.want("a=2 b=0", "a pod of the lost node")
	}
	c.said("pod default/again", "FitsUpcomingNode")
}

// A server that accepts growth and does not tell it is not asked again and again.
func TestCloudForgetsWhatItAccepted(t *testing.T) {
	c := newCloud(t)
	c.pod("web", "")
	for range 5 {
		c.loop(10 * time.Second)
		c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 0 })
	}
	if n := c.server.Called("NodeGroupIncreaseSize"); n != 1 {
		t.Errorf("%d requests to grow in 50 seconds", n)
	}
	c.loop(time.Minute)
	c.want("a=0 b=1", "a server that is found to have forgotten")
	c.said("group a", "GroupInTrouble", "accepted to let it grow to 1 nodes")
}

// An instance that is lost is waited for as long as the server says that another will come, and then given up.
func TestCloudLosesAnInstance(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	running := c.pod("web", "n1")
	c.loop(0)
	c.remove(running)
	c.remove(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}})
	c.change(func(s *externalgrpctest.Fake) { s.Instances["a"] = nil })
	c.pod("again", "")
	c.loop(10 * time.Second)
	c.loop(10 * time.Minute)
	c.want("a=1 b=0", "while another may come")
	c.said("pod default/again", "FitsUpcomingNode")
	c.loop(5 * time.Minute)
	c.want("a=0 b=1", "when none has come")
	c.said("group a", "BackedOff", "its nodes have not come for 15m0s")
}

// An instance that runs and never registers is deleted by its name, when it has had its time.
func TestCloudRunsAnInstanceThatIsNoNode(t *testing.T) {
	c := newCloud(t)
	c.pod("web", "")
	c.loop(0)
	c.loop(10 * time.Second)
	c.change(func(s *externalgrpctest.Fake) {
		s.Instances["a"] = append(s.Instances["a"], instance("dumb", protocol.InstanceStatus_instanceRunning, ""))
	})
	c.loop(10 * time.Second)
	c.loop(15 * time.Minute)
	c.want("a=0 b=1", "an instance that has not registered")
	c.change(func(s *externalgrpctest.Fake) {
		if len(s.Deleted) != 1 || s.Deleted[0].GetProviderID() != "cloud://dumb" || s.Deleted[0].GetAnnotations()["k8s.io/cluster-autoscaler/fake-node-reason"] != "unregistered" {
			t.Errorf("deleted %v", s.Deleted)
		}
	})
}

// The nodes of a group that the server no longer lists belong to none, and pods go elsewhere.
func TestCloudDeletesAGroup(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	c.loop(0)
	c.change(func(s *externalgrpctest.Fake) { s.Groups = s.Groups[1:] })
	c.pod("one", "n1")
	c.pod("two", "")
	c.loop(10 * time.Second)
	c.want("a=1 b=1", "a group that is gone")
	c.said("node n1", "NotAutoscaled")
}

// A node whose removal the server refuses is given back, and the group is not shrunk.
func TestCloudRefusesARemoval(t *testing.T) {
	for _, err := range []error{errThrottled, errNotFound} {
		c := newCloud(t)
		c.joins("a", "n1")
		c.change(func(s *externalgrpctest.Fake) {
			s.Sizes["a"] = 1
			s.Fail["NodeGroupDeleteNodes"] = err
		})
		c.loop(0)
		c.loop(10 * time.Minute)
		c.loop(10 * time.Second)
		c.want("a=1 b=0", "a refused removal")
		if n := c.server.Called("NodeGroupDeleteNodes"); n != 1 {
			t.Errorf("%d calls", n)
		}
		var n corev1.Node
		if err := c.api.Get(context.Background(), client.ObjectKey{Name: "n1"}, &n); err != nil || kube.Going(&n) {
			t.Errorf("taints %v, %v", n.Spec.Taints, err)
		}
		c.change(func(s *externalgrpctest.Fake) { clear(s.Fail) })
		c.loop(time.Minute)
		c.loop(10 * time.Minute)
		c.want("a=0 b=0", "when it is allowed")
	}
}

// The settings that the server gives a group hold for that one.
func TestCloudHasSettingsForAGroup(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.joins("b", "n2")
	c.change(func(s *externalgrpctest.Fake) {
		s.Sizes["a"], s.Sizes["b"] = 1, 1
		s.Options["a"] = &protocol.NodeGroupAutoscalingOptions{ScaleDownUtilizationThreshold: 0.5, ScaleDownUnneededDuration: durationpb.New(time.Hour)}
	})
	c.loop(0)
	c.loop(10 * time.Minute)
	c.want("a=1 b=0", "after the configuration's time")
	c.loop(50 * time.Minute)
	c.want("a=0 b=0", "after the group's own")
}
