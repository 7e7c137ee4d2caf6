package nodes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/test/e2e/cluster"
)

// starved has so few requests in a second that the marks of its idle nodes take minutes.
const (
	idleNodes = 200
	starved   = `
server: {address: "127.0.0.1:%d", decisions: 5000}
kubernetes: {kubeClientQps: 2, kubeClientBurst: 2}
clusterScaler:
  expander: [price]
%s  kwok:
    groups:
    - {name: idle-a, max: 300, options: {scaleDownUnneededTime: 1h}, template: {labels: {fault: idle}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}
    - {name: drained-a, max: 3, template: {labels: {fault: drained}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}
    - {name: grown-a, max: 3, template: {labels: {fault: grown}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}
`
)

// While hundreds of marks wait for their turn, loops are as short as ever, a pending pod gets its node, and a drain goes on.
func TestMarksHoldNothingUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	w := &world{cluster.Start(ctx, t)}
	w.Scale(ctx, t, fmt.Sprintf(starved, w.Ports.HTTP, cluster.Hasty))
	var before loops
	g := w.Visit(ctx, t, "drained", "", func() {
		before = w.loops(ctx, t)
		for i := range idleNodes {
			if err := w.Client.Create(ctx, idleNode(i)); err != nil {
				t.Fatal(err)
			}
		}
		w.Wait(ctx, t, "the first idle node is marked", func(ctx context.Context) error {
			if n, err := w.marked(ctx); err != nil || n == 0 {
				return errors.Join(err, errors.New("none is"))
			}
			return nil
		})
	})
	began := time.Now()
	w.Deploy(ctx, t, "grown", "grown", 1, "1200m")
	w.RunsOn(ctx, t, "grown")
	reaction := time.Since(began)
	w.Wait(ctx, t, "the guest's node is drained", w.IsGone(cluster.Node(g.First)))
	drain := time.Since(began)
	marked, err := w.marked(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if marked == idleNodes {
		t.Errorf("all %d nodes are marked already: nothing had to wait", marked)
	}
	after := w.loops(ctx, t)
	t.Logf("%d loops; the pod ran after %s, the node was gone after %s; %d of %d nodes are marked", after.all-before.all,
		reaction.Round(time.Millisecond), drain.Round(time.Millisecond), marked, idleNodes)
	if slow := (after.all - after.fast) - (before.all - before.fast); slow > 0 || after.all-before.all < 5 {
		t.Errorf("%d of %d loops took more than two seconds", slow, after.all-before.all)
	}
}

// marked is how many idle nodes have the mark.
func (w *world) marked(ctx context.Context) (int, error) {
	nodes, err := w.NodesOf(ctx, "idle-a")
	n := 0
	for _, node := range nodes {
		for _, taint := range node.Spec.Taints {
			if taint.Key == "DeletionCandidateOfClusterAutoscaler" {
				n++
			}
		}
	}
	return n, err
}

// idleNode is a node of the group idle-a.
func idleNode(i int) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("idle-a-%03d", i), Labels: map[string]string{
		cluster.GroupLabel: "idle-a", "fault": "idle", corev1.LabelHostname: fmt.Sprintf("idle-a-%03d", i),
	}, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}}}
	n.Status.Capacity = corev1.ResourceList{"cpu": resource.MustParse("2"), "memory": resource.MustParse("4Gi"), "pods": resource.MustParse("20")}
	n.Status.Allocatable = n.Status.Capacity
	return n
}

// loops counts them, and those of up to two seconds.
type loops struct{ all, fast int }

func (w *world) loops(ctx context.Context, t *testing.T) (out loops) {
	t.Helper()
	text, err := w.Read(ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	const name = "trimtab_clusterscaler_loop_duration_seconds"
	for line := range strings.Lines(text) {
		for prefix, value := range map[string]*int{name + "_count ": &out.all, name + `_bucket{le="2.048"} `: &out.fast} {
			if number, ok := strings.CutPrefix(line, prefix); ok {
				if *value, err = strconv.Atoi(strings.TrimSpace(number)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return out
}
