package grpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// statusConfigMap is where trimtab tells what it does with groups.
const statusConfigMap = "cluster-autoscaler-status"

// groups are the node groups of the faults with their maximum. A node has the label fault=NAME of the part before the
// dash. Among equal groups the first name is the first choice.
func groups() map[string]int32 {
	return map[string]int32{
		"both-a": 4, "throttled-a": 4, "held-a": 4, "phantom-a": 6, "phantom-b": 4, "few-a": 6, "gone-a": 4, "kept-a": 4,
		"orphan-a": 4, "forgotten-a": 4, "forgotten-b": 4, "all-a": 4, "least-a": 4, "least-b": 4,
	}
}

// world is a cluster whose nodes are a cloud's, and a trimtab that asks the cloud for them.
type world struct {
	*cluster.Cluster
	cloud *fakeCloud
}

func newWorld(ctx context.Context, t *testing.T) *world {
	cloud := newFakeCloud(t, groups())
	w := &world{cluster.Start(ctx, t), cloud}
	cloud.api = w.Client
	w.Scale(ctx, t, fmt.Sprintf(`
server: {address: "127.0.0.1:%[1]d", decisions: 5000}
clusterScaler:
  provider: externalgrpc
  externalGrpc: {address: "%[2]s", cacert: %[3]s/ca, cert: %[3]s/cert, key: %[3]s/key, timeout: 5s}
%[4]s  initialNodeGroupBackoffDuration: 6s
  maxNodeGroupBackoffDuration: 6s
`, w.Ports.HTTP, cloud.Address, cloud.folder, cluster.Hasty))
	return w
}

// fails lets the cloud throttle calls, by method or method/group.
func (w *world) fails(call string) {
	w.cloud.Change(func(s *externalgrpctest.Fake) { s.Fail[call] = status.Error(codes.ResourceExhausted, rateExceeded) })
}

func (w *world) recovers(call string) {
	w.cloud.Change(func(s *externalgrpctest.Fake) { delete(s.Fail, call) })
}

// undeploy deletes a Deployment.
func (w *world) undeploy(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	if _, err := w.Kubectl(ctx, "", "delete", "deployment", "-n", cluster.Namespace, name); err != nil {
		t.Fatal(err)
	}
}

// loses lets the instance under the only pod of an app vanish with its node, and the pod with them, when trimtab has
// seen it. The cloud counts one less or, like one that is about to replace it, does not.
func (w *world) loses(ctx context.Context, t *testing.T, app, group string, counts bool) {
	t.Helper()
	name := w.RunsOn(ctx, t, app)
	w.Wait(ctx, t, "trimtab has seen the node", w.Knows(name))
	pods, err := w.Pods(ctx, app)
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	w.cloud.Change(func(s *externalgrpctest.Fake) {
		delete(s.Nodes, name)
		s.Instances[group] = nil
		if counts {
			s.Sizes[group]--
		}
	})
	w.cloud.removeNode(t, name)
	// What the garbage collector does after a minute.
	if err := w.Client.Delete(ctx, &pods[0], client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "another pod is there", func(ctx context.Context) error {
		now, err := w.Pods(ctx, app)
		if err != nil {
			return err
		}
		return lab.Want(len(now) == 1 && now[0].UID != pods[0].UID, true)
	})
}

// both is the condition that all of them hold.
func (w *world) both(conditions ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, c := range conditions {
			errs = append(errs, c(ctx))
		}
		return errors.Join(errs...)
	}
}

// holds fails the test when a condition does not.
func (w *world) holds(ctx context.Context, t *testing.T, condition func(context.Context) error) {
	t.Helper()
	if err := condition(ctx); err != nil {
		t.Error(err)
	}
}
