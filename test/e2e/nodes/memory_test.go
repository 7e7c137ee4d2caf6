package nodes

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/test/e2e/cluster"
)

// large runs the test that takes minutes: go test -C test ./e2e/nodes -run LargeCluster -args -large
var large = flag.Bool("large", false, "measure the memory in a cluster of 1,500 nodes and 12,000 pods")

const (
	largeNodes = 1500
	largePods  = 12_000
	largeMost  = 400 << 20
	largeScale = `
server: {address: "127.0.0.1:%d"}
scalers: {}
clusterScaler:
  scanInterval: 2s
  scaleDownUnneededTime: 20s
  nodeDeleteDelayAfterTaint: 1s
  scaleDownDelayAfterFailure: 1s
  skipNodesWithCustomControllerPods: false
  maxDrainParallelism: 10
  kwok:
    groups: [{name: large-a, max: 2000, template: {capacity: {cpu: "4", memory: 16Gi, pods: "110"}}}]
`
)

// The process stays well under the limit of deploy/ while a large cluster is read, stands, and is scaled down.
func TestMemoryOfALargeCluster(t *testing.T) {
	if !*large {
		t.Skip("takes minutes; -args -large runs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	w := &world{cluster.Start(ctx, t)}
	var writing errgroup.Group
	writing.SetLimit(24)
	for i := range largeNodes {
		writing.Go(func() error {
			if err := w.Client.Create(ctx, largeNode(i)); err != nil {
				return err
			}
			for j := range largePods / largeNodes {
				if err := w.Client.Create(ctx, largePod(i, j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := writing.Wait(); err != nil {
		t.Fatal(err)
	}
	w.Scale(ctx, t, fmt.Sprintf(largeScale, w.Ports.HTTP))
	report := func(when string) {
		t.Helper()
		now, most := w.memory(t)
		t.Logf("%s: %d MiB, at most %d MiB", when, now>>20, most>>20)
		if most > largeMost {
			t.Errorf("%s: %d MiB were in use, more than %d", when, most>>20, largeMost>>20)
		}
	}
	report("the cache is filled")
	w.Wait(ctx, t, "nodes go", w.Metric(`trimtab_clusterscaler_nodes_removed_total{group="large-a"}`))
	report("the first node is gone")
	for range 6 {
		cluster.Stays(ctx, t, 10*time.Second, func(context.Context) error { return nil })
		report("nodes go")
	}
	nodes, err := w.NodesOf(ctx, "large-a")
	if err != nil {
		t.Fatal(err)
	}
	if gone := largeNodes - len(nodes); gone < 20 {
		t.Errorf("only %d nodes are gone: this measures nothing", gone)
	}
}

// memory is the resident memory of trimtab, now and at its most.
func (w *world) memory(t *testing.T) (now, most int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.Trimtab.Process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) int {
		found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in %s", name, text)
		}
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n << 10
	}
	return read("VmRSS"), read("VmHWM")
}

func largeNode(i int) *corev1.Node {
	name := fmt.Sprintf("large-a-%04d", i)
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		Labels: map[string]string{cluster.GroupLabel: "large-a", corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprint("zone-", i%3)},
	}}
	n.Status.Capacity = corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi"), "pods": resource.MustParse("110")}
	n.Status.Allocatable = n.Status.Capacity
	return n
}

// largePod is bound to its node, and of a controller that makes no other in its place.
func largePod(node, i int) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: cluster.Namespace, Name: fmt.Sprintf("large-%04d-%d", node, i),
		Labels:          map[string]string{"app": fmt.Sprint("app-", i), "pod-template-hash": "5d8f9b7c6d", "team": fmt.Sprint("team-", node%20)},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Set", Name: "large", UID: "7b0f4f3e-0000-4000-8000-000000000000", Controller: new(true)}},
	}}
	p.Spec.NodeName = fmt.Sprintf("large-a-%04d", node)
	grace := int64(0) // nobody who plays a kubelet keeps up with so many pods
	p.Spec.TerminationGracePeriodSeconds = &grace
	p.Spec.Containers = []corev1.Container{{Name: "c", Image: "registry.example.com/team/app:1.2.3", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("256Mi")},
	}}}
	return p
}
