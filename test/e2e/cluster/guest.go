package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Guest is a small pod on the first of two nodes, which has nothing else on it; it would fit on the second.
type Guest struct {
	First, Second string
	Pod           *corev1.Pod
}

// Visit makes a guest on a node of a fault's group. metadata is what its pod has beside its labels; prepare is called
// before anything could evict it.
func (c *Cluster) Visit(ctx context.Context, t *testing.T, fault, metadata string, prepare func()) Guest {
	t.Helper()
	c.Deploy(ctx, t, fault+"-one", fault, 1, "1200m")
	c.Deploy(ctx, t, fault+"-two", fault, 1, "1200m")
	g := Guest{First: c.RunsOn(ctx, t, fault+"-one"), Second: c.RunsOn(ctx, t, fault+"-two")}
	if g.First == g.Second {
		t.Fatalf("both run on %s", g.First)
	}
	g.Pod = c.PlaceGuest(ctx, t, fault+"-guest", fault, metadata, g.First)
	if prepare != nil {
		prepare()
	}
	if _, err := c.Kubectl(ctx, "", "delete", "deployment", "-n", Namespace, fault+"-one"); err != nil {
		t.Fatal(err)
	}
	return g
}

// PlaceGuest makes a small pod on the node, which could run on other nodes of the fault too.
func (c *Cluster) PlaceGuest(ctx context.Context, t *testing.T, name, fault, metadata, node string) *corev1.Pod {
	t.Helper()
	manifest := fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  replicas: 1
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}%[3]s}
    spec:
      terminationGracePeriodSeconds: 1
      nodeSelector: {fault: %[4]s}
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - {weight: 100, preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[5]s]}]}}
      containers: [{name: c, image: c, resources: {requests: {cpu: 100m, memory: 64Mi}}}]
`, name, Namespace, metadata, fault, node)
	if err := c.Apply(ctx, manifest); err != nil {
		t.Fatal(err)
	}
	if on := c.RunsOn(ctx, t, name); on != node {
		t.Fatalf("%s runs on %s, not on %s", name, on, node)
	}
	pods, err := c.Pods(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return &pods[0]
}

// Let takes the finalizers of a guest away, as whoever has put them there does when he has done his work.
func (c *Cluster) Let(ctx context.Context, t *testing.T, g Guest) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	if err := c.Client.Patch(ctx, g.Pod, patch); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// RestIsWell fails unless the node that nothing was wrong with stands, alone, and the pod on it runs.
func (c *Cluster) RestIsWell(ctx context.Context, t *testing.T, fault, second string) {
	t.Helper()
	Stays(ctx, t, 2*time.Second, c.Has(fault+"-a", 1))
	if on := c.RunsOn(ctx, t, fault+"-two"); on != second {
		t.Errorf("%s-two moved from %s to %s", fault, second, on)
	}
}
