package clusterscaler

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// An instance that never registers is deleted only while the group stays at its minimum, unless the configuration forces it.
func TestCloudKeepsTheMinimumWithoutANode(t *testing.T) {
	for _, c := range []struct {
		name  string
		force bool
		min   int32
		want  string
	}{
		{"at the minimum", false, 2, "a=2 b=0"},
		{"forced", true, 2, "a=1 b=0"},
		{"above the minimum", false, 1, "a=1 b=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.part.policy.ForceDeleteUnregistered = c.force
			cloud.change(func(s *externalgrpctest.Fake) {
				s.Groups[0] = &protocol.NodeGroup{Id: "a", MinSize: c.min, MaxSize: 10}
				s.Sizes["a"] = 2
			})
			cloud.joins("a", "n1")
			cloud.change(func(s *externalgrpctest.Fake) {
				s.Instances["a"] = append(s.Instances["a"], instance("late", protocol.InstanceStatus_instanceRunning, ""))
			})
			cloud.pod("web", "n1") // it keeps n1
			cloud.loop(0)
			for range 20 {
				cloud.loop(time.Minute)
			}
			cloud.want(c.want, "after maxNodeProvisionTime")
			cloud.said("group a", "BackedOff", "its instance cloud://late has not registered for 15m0s")
		})
	}
}

// undead lets the nodes run on that the server has been asked to delete, with their instances in that state.
func (c *cloud) undead(state protocol.InstanceStatus_InstanceState, names ...string) {
	c.change(func(s *externalgrpctest.Fake) {
		for _, name := range names {
			s.Nodes[name] = "a"
			s.Instances["a"] = append(s.Instances["a"], instance(name, state, ""))
		}
	})
}

// asked checks how often the server was asked to delete nodes, and what is the size of the group a since.
func (c *cloud) asked(times int, size int32, when string) {
	c.t.Helper()
	c.change(func(s *externalgrpctest.Fake) {
		if len(s.Deleted) != times || s.Sizes["a"] != size {
			c.t.Errorf("%s: asked %d times to delete, want %d; size %d, want %d", when, len(s.Deleted), times, s.Sizes["a"], size)
		}
	})
}

// going checks whether the node has the taint.
func (c *cloud) going(node string, want bool, when string) {
	c.t.Helper()
	var n corev1.Node
	if err := c.api.Get(context.Background(), client.ObjectKey{Name: node}, &n); err != nil || kube.Going(&n) != want {
		c.t.Errorf("%s: node %s has the taints %v, %v", when, node, n.Spec.Taints, err)
	}
}

// A deletion that the server accepted and does not carry out is asked for again after its time, and said.
func TestCloudForgetsADeletion(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	c.loop(0)
	c.loop(10 * time.Minute)
	for times := 1; times < 4; times++ {
		c.undead(protocol.InstanceStatus_instanceRunning, "n1")
		c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
		c.loop(time.Second)
		c.loop(4 * time.Minute)
		c.asked(times, 1, "while it may still go")
		c.going("n1", true, "while it may still go")
		c.loop(time.Minute)
		c.asked(times+1, 0, "after its time")
	}
	c.loop(time.Second)
	c.said("node n1", "DeletionOverdue: asked 4")
	if removed, failed := counted(c.t, c.registry, "trimtab_clusterscaler_nodes_removed_total"), counted(c.t, c.registry, "trimtab_clusterscaler_scale_down_failures_total"); removed != 1 || failed != 3 {
		t.Errorf("counted %v removals and %v failures, want 1 and 3", removed, failed)
	}
	if all := drained(c.events); !strings.Contains(all, "Warning ScaleDownFailed the provider accepted to delete the node 5m1s ago, and it still stands: it is asked again") {
		t.Errorf("Events:\n%s", all)
	}
}

// A node that the server lists as one that it deletes is left to it, however long it takes.
func TestCloudDeletesSlowly(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 1 })
	c.loop(0)
	c.loop(10 * time.Minute)
	c.undead(protocol.InstanceStatus_instanceDeleting, "n1")
	c.pod("web", "")
	for range 48 {
		c.loop(30 * time.Minute)
		c.change(func(s *externalgrpctest.Fake) { s.Sizes["a"] = 0 }) // what was requested does not come
	}
	c.restart()
	for range 3 {
		c.loop(10 * time.Minute)
	}
	c.going("n1", true, "a day later")
	c.change(func(s *externalgrpctest.Fake) {
		if len(s.Deleted) != 1 {
			t.Errorf("asked %d times to delete", len(s.Deleted))
		}
	})
}

// A node that the server has dropped from the size and lets run on is given back where asking again would leave the group
// below its minimum.
func TestCloudForgetsADeletionAtTheMinimum(t *testing.T) {
	c := newCloud(t)
	c.joins("a", "n1")
	c.joins("a", "n2")
	c.change(func(s *externalgrpctest.Fake) {
		s.Groups[0] = &protocol.NodeGroup{Id: "a", MinSize: 1, MaxSize: 10}
		s.Sizes["a"] = 2
	})
	c.pod("web", "n2")
	c.loop(0)
	c.loop(10 * time.Minute)
	c.asked(1, 1, "at first")
	c.undead(protocol.InstanceStatus_instanceRunning, "n1")
	c.loop(time.Second)
	c.loop(5 * time.Minute)
	c.going("n1", false, "after its time")
	c.loop(time.Second)
	c.asked(1, 1, "after its time")
	c.said("node n1", "NodeGroupMinSizeReached")
}

// After a restart a node without pods may have been deleted already, where the server does not say: it is asked for again
// when its taint is old enough. One with pods to move goes on at once, and one of which the server says that it runs.
func TestCloudForgetsADeletionAndTrimtabRestarts(t *testing.T) {
	const running, silent = protocol.InstanceStatus_instanceRunning, protocol.InstanceStatus_unspecified
	for _, c := range []struct {
		name   string
		state  protocol.InstanceStatus_InstanceState
		pods   bool
		waited bool
	}{
		{"it may be on its way", silent, false, true},
		{"with pods", silent, true, false},
		{"it is said to run", running, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newCloud(t, &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}})
			w.joins("a", "n1")
			w.joins("b", "n2")
			w.change(func(s *externalgrpctest.Fake) { s.Sizes["a"], s.Sizes["b"] = 1, 1 })
			w.pod("stays", "n2")
			w.loop(0)
			w.loop(10 * time.Minute)
			w.asked(1, 0, "at first")
			w.undead(c.state, "n1")
			w.change(func(s *externalgrpctest.Fake) { s.Sizes["a"], s.Sizes["b"] = 1, 2 })
			w.joins("b", "n3")
			if c.pods {
				w.pod("moves", "n1")
			}
			w.restart()
			w.loop(4 * time.Minute)
			if c.waited {
				w.asked(1, 1, "while it may still go")
				w.loop(time.Minute)
			}
			w.asked(2, 0, "in the end")
		})
	}
}

// drained are the Events that have been written, one on each line.
func drained(r *events.FakeRecorder) string {
	var all []string
	for {
		select {
		case e := <-r.Events:
			all = append(all, e)
		default:
			return strings.Join(all, "\n")
		}
	}
}
