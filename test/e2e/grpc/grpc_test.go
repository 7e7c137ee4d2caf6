package grpc

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
)

// rateExceeded are the words of a cloud that throttles.
const rateExceeded = "rate exceeded, try again later"

// Each fault has groups of its own.
func TestFaultsOfAnExternalCloud(t *testing.T) {
	w := newWorld(t.Context(), t)
	fault := cluster.Named[*world]
	cluster.SideBySide(t, w,
		fault("nothing is wrong", nothingIsWrong), fault("growth is throttled", growthIsThrottled), fault("removal is throttled", removalIsThrottled),
		fault("a size of nodes that are not there", tooLargeASize), fault("a size below the nodes that stand", tooSmallASize),
		fault("an instance is lost", instanceIsLost), fault("an instance is lost and still counted", lostInstanceIsCounted),
		fault("a group vanishes during a drain", groupVanishesDuringDrain), fault("a group vanishes while a pod waits for it", groupVanishesWhileAPodWaits),
		fault("an instance of the minimum does not register", minimumDoesNotRegister),
	)
	cluster.InTurn(t, w, fault("everything is throttled", everythingIsThrottled))
}

// nothingIsWrong: the group grows for pods, node by node; when the load is gone a node is drained, the pod that was still
// on it runs on the other, and trimtab asks the cloud to delete the instance.
func nothingIsWrong(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "both", "", nil)
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "both", g.Second)
	if on := w.RunsOn(ctx, t, "both-guest"); on != g.Second {
		t.Errorf("the guest runs on %s, not on %s", on, g.Second)
	}
	w.holds(ctx, t, w.cloud.everLaunched("both-a", 2))
	w.cloud.Change(func(s *externalgrpctest.Fake) {
		if !slices.ContainsFunc(s.Deleted, func(n *protocol.ExternalGrpcNode) bool { return n.GetProviderID() == providerID(g.First) }) {
			t.Errorf("the cloud was not asked to delete %s but %v", g.First, s.Deleted)
		}
		if len(s.Instances["both-a"]) != 1 || s.Sizes["both-a"] != 1 {
			t.Errorf("the cloud has %v, and a size of %d", s.Instances["both-a"], s.Sizes["both-a"])
		}
	})
}

// growthIsThrottled: the group is left alone for a while, the pod and people are told what the cloud said, and when the
// cloud has recovered the pod has its node, and only one.
func growthIsThrottled(ctx context.Context, t *testing.T, w *world) {
	w.fails("NodeGroupIncreaseSize/throttled-a")
	w.Deploy(ctx, t, "throttled", "throttled", 1, "1")
	w.Wait(ctx, t, "the group is left alone", w.Decided("throttled-a", "BackedOff", rateExceeded))
	w.Wait(ctx, t, "an Event says why", w.Told(statusConfigMap, "FailedToScaleUpGroup", "throttled-a", rateExceeded))
	pods, err := w.Pods(ctx, "throttled")
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	w.Wait(ctx, t, "the pod's explanation says why", w.Explained("pod", cluster.Namespace+"/"+pods[0].Name, "throttled-a", "BackedOff", rateExceeded))
	w.Wait(ctx, t, "the pod's Event says why", w.Told(pods[0].Name, "NotTriggerScaleUp"))
	w.recovers("NodeGroupIncreaseSize/throttled-a")
	if on := w.RunsOn(ctx, t, "throttled"); on != "throttled-a-1" {
		t.Errorf("the pod runs on %s", on)
	}
	cluster.Stays(ctx, t, 2*time.Second, w.both(w.Has("throttled-a", 1), w.cloud.everLaunched("throttled-a", 1)))
}

// removalIsThrottled: the node is given back with the cloud's words, the pod that was moved runs, and the node goes when
// the cloud has recovered.
func removalIsThrottled(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "held", "", func() { w.fails("NodeGroupDeleteNodes/held-a") })
	w.Wait(ctx, t, "people are told why the node stays", w.Told(g.First, "ScaleDownFailed", rateExceeded))
	w.Wait(ctx, t, "the node is given back", w.Has("held-a", 2))
	if on := w.RunsOn(ctx, t, "held-guest"); on != g.Second {
		t.Errorf("the guest runs on %s, not on %s", on, g.Second)
	}
	w.recovers("NodeGroupDeleteNodes/held-a")
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "held", g.Second)
	w.holds(ctx, t, w.cloud.everLaunched("held-a", 2))
}

// tooLargeASize: the cloud says three where there is one. The two are waited for, as they might come, and given up; the
// next best group grows for the pod, once. The node that stands and its pod are not touched, and when the cloud tells the
// truth its group grows again.
func tooLargeASize(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "phantom-one", "phantom", 1, "1200m")
	first := w.RunsOn(ctx, t, "phantom-one")
	w.Wait(ctx, t, "trimtab has seen the node", w.Knows(first))
	w.cloud.Change(func(s *externalgrpctest.Fake) { s.Lies["phantom-a"] = 3 })
	w.Deploy(ctx, t, "phantom-two", "phantom", 1, "1200m")
	w.Wait(ctx, t, "the pod is said to have its node on the way", w.Decided("phantom-two-", "FitsUpcomingNode", "phantom-a"))
	if on := w.RunsOn(ctx, t, "phantom-two"); on != "phantom-b-1" {
		t.Errorf("the pod runs on %s", on)
	}
	w.Wait(ctx, t, "the group is left alone", w.Decided("phantom-a", "BackedOff", "its nodes have not come for 8s"))
	w.Wait(ctx, t, "people are told what the cloud says", w.Told(statusConfigMap, "FailedToRevertScaleUp", "group phantom-a still works towards 3 nodes instead of 1"))
	cluster.Stays(ctx, t, 8*time.Second, w.both(
		w.Has("phantom-a", 1), w.Has("phantom-b", 1), w.cloud.everLaunched("phantom-a", 1), w.cloud.everLaunched("phantom-b", 1)))
	w.cloud.Change(func(s *externalgrpctest.Fake) { delete(s.Lies, "phantom-a") })
	w.Deploy(ctx, t, "phantom-three", "phantom", 1, "1200m")
	if on := w.RunsOn(ctx, t, "phantom-three"); on != "phantom-a-2" {
		t.Errorf("the third pod runs on %s", on)
	}
	if on := w.RunsOn(ctx, t, "phantom-one"); on != first {
		t.Errorf("phantom-one moved from %s to %s", first, on)
	}
	cluster.Stays(ctx, t, 2*time.Second, w.both(w.cloud.everLaunched("phantom-a", 2), w.cloud.everLaunched("phantom-b", 1)))
}

// tooSmallASize: the cloud says none where there are two. An idle node stays, since the group would be below its minimum
// by what the cloud says; growth asks for the one that is needed and no more; and when the cloud tells the truth, idle
// nodes go.
func tooSmallASize(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "few-one", "few", 1, "1200m")
	w.Deploy(ctx, t, "few-two", "few", 1, "1200m")
	first, second := w.RunsOn(ctx, t, "few-one"), w.RunsOn(ctx, t, "few-two")
	w.Wait(ctx, t, "trimtab has seen both nodes", w.both(w.Knows(first), w.Knows(second)))
	w.cloud.Change(func(s *externalgrpctest.Fake) { s.Lies["few-a"] = 0 })
	w.undeploy(ctx, t, "few-one")
	w.Wait(ctx, t, "the idle node is said to be needed", w.Explained("node", first, "NodeGroupMinSizeReached", "size 0"))
	cluster.Stays(ctx, t, 5*time.Second, w.Has("few-a", 2))
	w.Deploy(ctx, t, "few-three", "few", 1, "1200m")
	w.Deploy(ctx, t, "few-four", "few", 1, "1200m")
	third, fourth := w.RunsOn(ctx, t, "few-three"), w.RunsOn(ctx, t, "few-four")
	cluster.Stays(ctx, t, 5*time.Second, w.both(w.Has("few-a", 3), w.cloud.everLaunched("few-a", 3)))
	w.cloud.Change(func(s *externalgrpctest.Fake) { delete(s.Lies, "few-a") })
	w.undeploy(ctx, t, "few-three")
	w.Wait(ctx, t, "the idle node goes", w.IsGone(cluster.Node(third)))
	cluster.Stays(ctx, t, 2*time.Second, w.Has("few-a", 2))
	for app, on := range map[string]string{"few-two": second, "few-four": fourth} {
		if now := w.RunsOn(ctx, t, app); now != on {
			t.Errorf("%s moved from %s to %s", app, on, now)
		}
	}
}

// instanceIsLost: the pod that was on it gets a new node.
func instanceIsLost(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "gone", "gone", 1, "1")
	w.loses(ctx, t, "gone", "gone-a", true)
	if on := w.RunsOn(ctx, t, "gone"); on != "gone-a-2" {
		t.Errorf("the pod runs on %s", on)
	}
	cluster.Stays(ctx, t, 2*time.Second, w.both(w.Has("gone-a", 1), w.cloud.everLaunched("gone-a", 2)))
}

// lostInstanceIsCounted: the cloud goes on counting an instance that is lost, as if another were to come. That is waited
// for and then given up, and the cloud agrees; the pod gets a new node when the group is no longer left alone.
func lostInstanceIsCounted(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "kept", "kept", 1, "1")
	w.loses(ctx, t, "kept", "kept-a", false)
	w.Wait(ctx, t, "the pod is said to have its node on the way", w.Decided("kept-", "FitsUpcomingNode", ""))
	w.Wait(ctx, t, "the group is left alone", w.Decided("kept-a", "BackedOff", "its nodes have not come for 8s"))
	w.Wait(ctx, t, "people are told", w.Told(statusConfigMap, "ScaleUpTimedOut", "1 nodes of group kept-a"))
	if on := w.RunsOn(ctx, t, "kept"); on != "kept-a-2" {
		t.Errorf("the pod runs on %s", on)
	}
	cluster.Stays(ctx, t, 2*time.Second, w.both(w.Has("kept-a", 1), w.cloud.everLaunched("kept-a", 2)))
}

// groupVanishesDuringDrain: the cloud is asked nothing about a group that it does not list, and the node stays. When the
// group is listed again, the node goes.
func groupVanishesDuringDrain(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "orphan", ", finalizers: [trimtab.dev/slow]", nil)
	w.Wait(ctx, t, "the pod is evicted", func(ctx context.Context) error {
		if err := w.Client.Get(ctx, client.ObjectKeyFromObject(g.Pod), g.Pod); err != nil {
			return lab.Stop(err)
		}
		return lab.Want(g.Pod.DeletionTimestamp != nil, true)
	})
	back := w.cloud.forgets(t, "orphan-a")
	w.Wait(ctx, t, "trimtab has asked twice more for the groups", w.cloud.asked("NodeGroups", 2))
	w.Let(ctx, t, g)
	w.Wait(ctx, t, "people are told why the node stays", w.Told(g.First, "ScaleDownFailed", "not known to be of any group"))
	cluster.Stays(ctx, t, 3*time.Second, w.Has("orphan-a", 2))
	back()
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "orphan", g.Second)
	w.holds(ctx, t, w.cloud.everLaunched("orphan-a", 2))
}

// groupVanishesWhileAPodWaits: another group grows for the pod. When the first is listed again with the instance that
// nobody waits for any more, that is removed.
func groupVanishesWhileAPodWaits(ctx context.Context, t *testing.T, w *world) {
	w.cloud.Change(func(*externalgrpctest.Fake) { w.cloud.stuck["forgotten-a"] = true })
	w.Deploy(ctx, t, "forgotten", "forgotten", 1, "1")
	w.Wait(ctx, t, "the pod is said to have its node on the way", w.Decided("forgotten-", "FitsUpcomingNode", "forgotten-a"))
	back := w.cloud.forgets(t, "forgotten-a")
	if on := w.RunsOn(ctx, t, "forgotten"); on != "forgotten-b-1" {
		t.Errorf("the pod runs on %s", on)
	}
	back()
	w.Wait(ctx, t, "the instance is removed", func(context.Context) (err error) {
		w.cloud.Change(func(s *externalgrpctest.Fake) {
			err = errors.Join(lab.Want(len(s.Instances["forgotten-a"]), 0), lab.Want(s.Sizes["forgotten-a"], 0))
		})
		return err
	})
	cluster.Stays(ctx, t, 2*time.Second, w.both(
		w.Has("forgotten-b", 1), w.cloud.everLaunched("forgotten-a", 1), w.cloud.everLaunched("forgotten-b", 1)))
}

// minimumDoesNotRegister: another group grows for the pod. The instance stays, since the group would be below its minimum
// without it, until the cloud lowers that.
func minimumDoesNotRegister(ctx context.Context, t *testing.T, w *world) {
	least := func(n int32) {
		w.cloud.Change(func(s *externalgrpctest.Fake) {
			s.Groups = slices.Clone(s.Groups)
			at := slices.IndexFunc(s.Groups, func(g *protocol.NodeGroup) bool { return g.GetId() == "least-a" })
			s.Groups[at] = &protocol.NodeGroup{Id: "least-a", MinSize: n, MaxSize: s.Groups[at].GetMaxSize()}
		})
	}
	w.cloud.Change(func(*externalgrpctest.Fake) { w.cloud.stuck["least-a"] = true })
	w.Deploy(ctx, t, "least", "least", 1, "1")
	w.Wait(ctx, t, "the group is left alone", w.Decided("least-a", "BackedOff", "its instance fakecloud://least-a-1 has not registered for 8s"))
	if on := w.RunsOn(ctx, t, "least"); on != "least-b-1" {
		t.Errorf("the pod runs on %s", on)
	}
	has := func(n int) func(context.Context) error {
		return func(context.Context) (err error) {
			w.cloud.Change(func(s *externalgrpctest.Fake) {
				err = errors.Join(lab.Want(len(s.Instances["least-a"]), n), lab.Want(int(s.Sizes["least-a"]), n))
			})
			return err
		}
	}
	cluster.Stays(ctx, t, 5*time.Second, has(1))
	least(0)
	w.Wait(ctx, t, "the instance is removed", has(0))
}

// everythingIsThrottled: nothing is changed while the cloud says nothing, neither for a pod that waits nor with a node
// that is idle, and all goes on when it does.
func everythingIsThrottled(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "all-one", "all", 1, "1200m")
	w.Deploy(ctx, t, "all-two", "all", 1, "1200m")
	first, second := w.RunsOn(ctx, t, "all-one"), w.RunsOn(ctx, t, "all-two")
	w.fails("NodeGroups")
	w.undeploy(ctx, t, "all-one")
	w.Wait(ctx, t, "loops fail", w.Metric(`cluster_autoscaler_errors_total{type="transientError"}`))
	w.Deploy(ctx, t, "all-three", "all", 1, "1200m")
	if on := w.RunsOn(ctx, t, "all-three"); on != first {
		t.Errorf("all-three runs on %s", on)
	}
	w.Deploy(ctx, t, "all-four", "all", 1, "1200m")
	w.Wait(ctx, t, "the cloud is asked twice more", w.cloud.asked("NodeGroups", 2))
	w.holds(ctx, t, w.both(w.Has("all-a", 2), w.cloud.everLaunched("all-a", 2)))
	w.recovers("NodeGroups")
	if on := w.RunsOn(ctx, t, "all-four"); on != "all-a-3" {
		t.Errorf("all-four runs on %s", on)
	}
	w.undeploy(ctx, t, "all-three")
	w.Wait(ctx, t, "the idle node goes", w.IsGone(cluster.Node(first)))
	w.holds(ctx, t, w.both(w.Has("all-a", 2), w.cloud.everLaunched("all-a", 3)))
	if on := w.RunsOn(ctx, t, "all-two"); on != second {
		t.Errorf("all-two moved from %s to %s", second, on)
	}
}
