package nodes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
)

// Each fault has groups of its own.
func TestFaultsOfNodes(t *testing.T) {
	w := newWorld(t.Context(), t)
	fault := cluster.Named[*world]
	cluster.SideBySide(t, w,
		fault("a launch never comes", launchNeverComes), fault("a launch comes late", launchComesLate), fault("a launch fails", launchFails),
		fault("a node is never ready", nodeIsNeverReady), fault("an instance is lost", instanceIsLost),
		fault("a budget never allows", budgetNeverAllows), fault("a pod ignores SIGTERM", podIgnoresSigterm),
		fault("a node of a group of all or none cannot go", oneOfAllStays),
		fault("a snapshot is decided again", snapshotIsDecidedAgain),
	)
	cluster.InTurn(t, w,
		fault("the API server restarts during a drain", apiServerRestarts), fault("trimtab is killed at each step of a drain", killedAtEachStep),
		fault("a group goes away during a drain", groupGoesAway), fault("there are two leaders for a moment", twoLeaders),
	)
}

// launchNeverComes: the launch is given up after its time, its group left alone, and the next best one grows.
func launchNeverComes(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "never", "never", 1, "1")
	w.Wait(ctx, t, "the first choice grows", w.Decided("never-a", "ScaledUpGroup", ""))
	if on := w.RunsOn(ctx, t, "never"); !strings.HasPrefix(on, "never-b-") {
		t.Errorf("the pod runs on %s", on)
	}
	w.Wait(ctx, t, "it is counted", w.Metric(`cluster_autoscaler_failed_scale_ups_total{reason="timeout"}`))
	w.Wait(ctx, t, "the group is left alone", w.Decided("never-a", "BackedOff", ""))
	cluster.Stays(ctx, t, 2*time.Second, w.Has("never-b", 1))
}

// launchComesLate: as long as the launch is on its way, no other is asked for.
func launchComesLate(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "late", "late", 1, "1")
	w.Wait(ctx, t, "the pod is said to have its node on the way", w.Decided("late-", "FitsUpcomingNode", ""))
	w.RunsOn(ctx, t, "late")
	cluster.Stays(ctx, t, 3*time.Second, w.Has("late-a", 1))
}

// launchFails: the cloud says that it has no such node, and the next best group grows in the same loop.
func launchFails(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "full", "full", 1, "1")
	if on := w.RunsOn(ctx, t, "full"); !strings.HasPrefix(on, "full-b-") {
		t.Errorf("the pod runs on %s", on)
	}
	w.Wait(ctx, t, "the reason is named", w.Decided("full-a", "BackedOff", "out of capacity"))
	cluster.Stays(ctx, t, 2*time.Second, w.Has("full-a", 0))
}

// nodeIsNeverReady: the pods get another node, and the useless one is removed.
func nodeIsNeverReady(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "unready", "unready", 1, "1")
	w.Wait(ctx, t, "the node registers", w.Has("unready-a", 1))
	if on := w.RunsOn(ctx, t, "unready"); !strings.HasPrefix(on, "unready-b-") {
		t.Errorf("the pod runs on %s", on)
	}
	w.Wait(ctx, t, "the unready node is removed", w.Has("unready-a", 0))
	cluster.Stays(ctx, t, 2*time.Second, func(ctx context.Context) error {
		return errors.Join(w.Has("unready-a", 0)(ctx), w.Has("unready-b", 1)(ctx))
	})
}

// instanceIsLost: its pods get a new node.
func instanceIsLost(ctx context.Context, t *testing.T, w *world) {
	w.Deploy(ctx, t, "lost", "lost", 1, "1")
	first := w.RunsOn(ctx, t, "lost")
	w.Wait(ctx, t, "trimtab has seen the node", w.Knows(first))
	pods, err := w.Pods(ctx, "lost")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Client.Delete(ctx, cluster.Node(first)); err != nil {
		t.Fatal(err)
	}
	// What the garbage collector does after a minute.
	if err := w.Client.Delete(ctx, &pods[0], client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "the pod runs on another node", func(ctx context.Context) error {
		pods, err := w.Pods(ctx, "lost")
		if err != nil {
			return err
		}
		if len(pods) != 1 || pods[0].Status.Phase != corev1.PodRunning || pods[0].Spec.NodeName == first {
			return errors.New(w.Why(ctx, "lost"))
		}
		return nil
	})
	cluster.Stays(ctx, t, 2*time.Second, w.Has("lost-a", 1))
}

// budgetNeverAllows: the node stays, without a taint, and the budget is named; without the budget the node goes.
func budgetNeverAllows(ctx context.Context, t *testing.T, w *world) {
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Namespace, Name: "never-allows"}, Spec: policyv1.PodDisruptionBudgetSpec{
		MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "budget-guest"}},
	}}
	g := w.Visit(ctx, t, "budget", "", func() {
		if err := w.Client.Create(ctx, budget); err != nil {
			t.Fatal(err)
		}
	})
	w.Wait(ctx, t, "the budget is named", w.Decided(g.First, "BlockedByPod", "never-allows"))
	cluster.Stays(ctx, t, 5*time.Second, w.Has("budget-a", 2))
	if err := w.Client.Delete(ctx, budget); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	cluster.Stays(ctx, t, time.Second, w.Has("budget-a", 1))
}

// podIgnoresSigterm: the node is given back when the pod has not ended in its time, and goes later, since a pod that is
// ending for so long keeps no node.
func podIgnoresSigterm(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "deaf", ", finalizers: [trimtab.dev/deaf]", nil)
	w.Wait(ctx, t, "the node is drained", w.IsGoing(g.First))
	w.Wait(ctx, t, "the node is given back, and the pod named", w.Told(g.First, "ScaleDownFailed", "deaf-guest"))
	w.Wait(ctx, t, "the node goes all the same", w.IsGone(cluster.Node(g.First)))
	w.Let(ctx, t, g)
	cluster.Stays(ctx, t, time.Second, w.Has("deaf-a", 1))
}

// oneOfAllStays: a group that has all of its nodes or none comes as a whole, and as one of its nodes cannot be emptied the other,
// which is empty long before, stays with it. When both can be emptied they go.
func oneOfAllStays(ctx context.Context, t *testing.T, w *world) {
	w.DeployOn(ctx, t, "whole-busy", cluster.GroupLabel+": whole-b", 1, "1200m")
	w.RunsOn(ctx, t, "whole-busy")
	w.DeployOn(ctx, t, "whole-opener", cluster.GroupLabel+": whole-a", 1, "1200m")
	w.RunsOn(ctx, t, "whole-opener")
	w.Wait(ctx, t, "all of its nodes come", w.Has("whole-a", 2))
	nodes, err := w.NodesOf(ctx, "whole-a")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(nodes))
	deaf := w.PlaceGuest(ctx, t, "whole-deaf", "whole", ", finalizers: [trimtab.dev/slow]", names[0])
	w.PlaceGuest(ctx, t, "whole-guest", "whole", "", names[1])
	if _, err := w.Kubectl(ctx, "", "delete", "deployment", "-n", cluster.Namespace, "whole-opener"); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "one is drained", w.IsGoing(names[0]))
	w.Wait(ctx, t, "the other is drained", w.IsGoing(names[1]))
	w.Wait(ctx, t, "neither goes", func(ctx context.Context) error {
		nodes, err := w.NodesOf(ctx, "whole-a")
		if err != nil {
			return err
		}
		if len(nodes) < 2 {
			return lab.Stop(fmt.Errorf("%d nodes are left, want both or none", len(nodes)))
		}
		return w.Has("whole-a", 2)(ctx)
	})
	w.Let(ctx, t, cluster.Guest{Pod: deaf})
	w.Wait(ctx, t, "both go", w.Has("whole-a", 0))
	w.Wait(ctx, t, "the pods run on the other group's node", func(ctx context.Context) error {
		for _, app := range []string{"whole-deaf", "whole-guest"} {
			pods, err := w.Pods(ctx, app)
			if err != nil {
				return err
			}
			if len(pods) != 1 || pods[0].Status.Phase != corev1.PodRunning || !strings.HasPrefix(pods[0].Spec.NodeName, "whole-b-") {
				return errors.New(w.Why(ctx, app))
			}
		}
		return nil
	})
}

// apiServerRestarts: the drain goes on when it is back. A trimtab that could not renew its Lease has ended, and is
// started again as the kubelet does.
func apiServerRestarts(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "api", "", nil)
	w.Wait(ctx, t, "the node is drained", w.IsGoing(g.First))
	w.StopAPIServer()
	if err := w.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	w.restartIfEnded(ctx, t)
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "api", g.Second)
}

func (w *world) restartIfEnded(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-w.Trimtab.Process.Done():
		w.restart(ctx, t)
	default:
	}
}

func (w *world) restart(ctx context.Context, t *testing.T) {
	t.Helper()
	w.Trimtab.Process.Kill()
	if err := w.Trimtab.Start(); err != nil {
		t.Fatal(err)
	}
	if err := w.Trimtab.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

// killedAtEachStep: after the taint, and while the evicted pod is ending. Nothing is asked of the process's memory.
func killedAtEachStep(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "killed", ", finalizers: [trimtab.dev/slow]", nil)
	w.Wait(ctx, t, "the node is tainted", w.IsGoing(g.First))
	w.restart(ctx, t)
	w.Wait(ctx, t, "the pod is evicted", func(ctx context.Context) error {
		if err := w.Client.Get(ctx, client.ObjectKeyFromObject(g.Pod), g.Pod); err != nil {
			return lab.Stop(err)
		}
		return lab.Want(g.Pod.DeletionTimestamp != nil, true)
	})
	w.restart(ctx, t)
	w.Wait(ctx, t, "the node is still going", w.IsGoing(g.First))
	w.Let(ctx, t, g)
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "killed", g.Second)
}

// groupGoesAway: a node whose group trimtab does not know any more is none of its business, as for cluster-autoscaler:
// it is neither deleted nor given back. When the group is there again, the drain goes on.
func groupGoesAway(ctx context.Context, t *testing.T, w *world) {
	g := w.Visit(ctx, t, "orphan", ", finalizers: [trimtab.dev/slow]", nil)
	w.Wait(ctx, t, "the node is tainted", w.IsGoing(g.First))
	w.configure(t, "orphan-a")
	w.restart(ctx, t)
	w.Let(ctx, t, g)
	cluster.Stays(ctx, t, 3*time.Second, w.IsGoing(g.First))
	w.configure(t)
	w.restart(ctx, t)
	w.Wait(ctx, t, "the node goes", w.IsGone(cluster.Node(g.First)))
	w.RestIsWell(ctx, t, "orphan", g.Second)
}

func (w *world) configure(t *testing.T, without ...string) {
	t.Helper()
	if err := w.Trimtab.Configure(configuration(w.Ports.HTTP, without...)); err != nil {
		t.Fatal(err)
	}
}

// twoLeaders: the leader is stopped in the middle of a drain, another replica takes over, finishes the drain and grows a
// group; then the first goes on for a moment where it was. It ends, and nothing was done twice.
func twoLeaders(ctx context.Context, t *testing.T, w *world) {
	ports := w.Ports
	var err error
	if ports.HTTP, err = lab.FreePort(); err != nil {
		t.Fatal(err)
	}
	second := *w.Cluster
	if second.Trimtab, err = w.StartTrimtab(ctx, ports, configuration(ports.HTTP)); err != nil {
		t.Fatal(err)
	}
	g := w.Visit(ctx, t, "leaders", "", nil)
	w.Wait(ctx, t, "the node is tainted", w.IsGoing(g.First))
	if err := w.Trimtab.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.Deploy(ctx, t, "leaders-three", "leaders", 1, "1200m")
	second.Wait(ctx, t, "the other finishes the drain", second.IsGone(cluster.Node(g.First)))
	second.RunsOn(ctx, t, "leaders-three")
	if err := w.Trimtab.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	second.Wait(ctx, t, "the first ends", func(context.Context) error {
		select {
		case <-w.Trimtab.Process.Done():
			return nil
		default:
			return errors.New("it runs")
		}
	})
	if said := w.Trimtab.Process.Tail(3); !strings.Contains(said, "leadership lost") {
		t.Errorf("it ended with:\n%s", said)
	}
	cluster.Stays(ctx, t, 3*time.Second, second.Has("leaders-a", 2))
	if on := second.RunsOn(ctx, t, "leaders-two"); on != g.Second {
		t.Errorf("leaders-two moved from %s to %s", g.Second, on)
	}
	w.Trimtab = second.Trimtab
}
