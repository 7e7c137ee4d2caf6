package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/story"
)

// The faults happen one after the other to one cluster whose load has just risen.
func TestFaults(t *testing.T) {
	s, err := story.Start(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	// Whatever fails: what trimtab said is part of the picture.
	t.Cleanup(func() {
		if t.Failed() {
			s.Lab.Keep()
			t.Logf("trimtab said:\n%s", s.Trimtab.Process.Tail(60))
		}
	})
	for _, step := range s.Steps()[:2] {
		if err := s.Run(t.Context(), step); err != nil {
			t.Fatalf("%s: %v\n%s", step.Title, err, s.Lab.State())
		}
	}
	for _, fault := range []struct {
		name string
		run  func(*testing.T, *story.Story)
	}{
		{"Prometheus stops in mid-run", prometheusStops},
		{"trimtab is killed during drains", killedDuringDrain},
		{"whatever has a scale is scaled", anythingIsScaled},
		{"a ScaledObject and a VPA change and go", restIsUsed},
		{"its permissions are those that it used", permissionsAreUsed},
	} {
		if !t.Run(fault.name, func(t *testing.T) { fault.run(t, s) }) {
			return
		}
	}
}

// prometheusStops: the HPA holds, nothing scales in, the reason is in the HPA's condition and in
// trimtab's metric; when Prometheus is back, scaling goes on without a restart.
func prometheusStops(t *testing.T, s *story.Story) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	before := replicas(ctx, t, s, "web")
	nodes := nodeNames(ctx, t, s)
	s.Prometheus.Stop()
	if err := s.Load(ctx, story.CalmLoad); err != nil { // what a missing number taken for zero would scale in on
		t.Fatal(err)
	}
	s.Lab.Wait(ctx, t, "the HPA says that it cannot read its metric, and why", func(ctx context.Context) error {
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		if err := s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "web"}, h); err != nil {
			return err
		}
		for _, c := range h.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive {
				if c.Status == corev1.ConditionFalse && c.Reason == "FailedGetPodsMetric" && strings.Contains(c.Message, "connection refused") {
					return nil
				}
				return fmt.Errorf("it says %s: %s: %s", c.Status, c.Reason, c.Message)
			}
		}
		return errors.New("no condition ScalingActive")
	})
	holds(ctx, t, 20*time.Second, func() error {
		if now := replicas(ctx, t, s, "web"); now != before {
			return fmt.Errorf("web went from %d to %d replicas without a metric", before, now)
		}
		if now := nodeNames(ctx, t, s); strings.Join(now, " ") != strings.Join(nodes, " ") {
			return fmt.Errorf("nodes went from %v to %v without a metric", nodes, now)
		}
		return nil
	})
	metrics := fetch(ctx, t, s.Trimtab.URL+"/metrics")
	if !strings.Contains(metrics, `result="unavailable"`) {
		t.Errorf("trimtab's metrics do not tell that Prometheus is unavailable:\n%s", grep(metrics, "prometheus_request"))
	}
	pid := s.Trimtab.Process.PID()
	if err := s.Prometheus.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.Lab.Wait(ctx, t, "the HPA scales in again", func(ctx context.Context) error {
		return lab.Want(replicas(ctx, t, s, "web"), 1)
	})
	if s.Trimtab.Process.PID() != pid || s.Trimtab.Process.Err() != nil {
		t.Error("trimtab was restarted")
	}
}

// guarded must never have fewer than 3 of its 4 pods, whatever happens to the nodes.
const guarded = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: guarded, namespace: demo}
spec:
  replicas: 4
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded}}
    spec:
      terminationGracePeriodSeconds: 1
      # Its first home is a group's node; the base node has room for it too, when the rest is gone.
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            preference: {matchExpressions: [{key: trimtab.dev/node-group, operator: Exists}]}
      containers:
      - name: guarded
        image: guarded
        resources: {requests: {cpu: 50m, memory: 64Mi}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: guarded, namespace: demo}
spec: {minAvailable: 3, selector: {matchLabels: {app: guarded}}}
`

// killedDuringDrain: SIGKILL when the node has just been tainted, and again when the first pod has been
// evicted. The drain is finished or undone, no node stays tainted, no pod is lost. It can take two
// minutes: an eviction that the kill cuts off is held against the budget for so long by the API server.
func killedDuringDrain(t *testing.T, s *story.Story) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	// Grow again, so that there are nodes to drain, and give them something to guard.
	if err := s.Load(ctx, story.PeakLoad); err != nil {
		t.Fatal(err)
	}
	s.Lab.Wait(ctx, t, "web has grown again", func(ctx context.Context) error {
		return errors.Join(lab.Want(replicas(ctx, t, s, "web") >= 10, true), available(ctx, s, "web", 10))
	})
	if err := s.Lab.Apply(ctx, guarded); err != nil {
		t.Fatal(err)
	}
	s.Lab.Wait(ctx, t, "the guarded pods run", func(ctx context.Context) error { return available(ctx, s, "guarded", 4) })
	before, grown := podNames(ctx, t, s, "guarded"), nodeNames(ctx, t, s)
	if err := s.Load(ctx, story.CalmLoad); err != nil {
		t.Fatal(err)
	}
	s.Lab.Wait(ctx, t, "a node is being drained", func(ctx context.Context) error {
		return lab.Want(len(tainted(ctx, t, s)) > 0, true)
	})
	killAndRestart(ctx, t, s)
	s.Lab.Wait(ctx, t, "a guarded pod has been evicted", func(ctx context.Context) error {
		for name := range before {
			if !podNames(ctx, t, s, "guarded")[name] {
				return nil
			}
		}
		return errors.New("all of them are still there")
	})
	killAndRestart(ctx, t, s)
	// A node may stay in the end, when the pods that moved there make it busy; none may stay half drained.
	s.Lab.Wait(ctx, t, "no drain is left half done, and all pods run", func(ctx context.Context) error {
		if err := available(ctx, s, "guarded", 3); err != nil {
			return lab.Stop(fmt.Errorf("the PDB was broken: %w", err))
		}
		return errors.Join(lab.Want(strings.Join(tainted(ctx, t, s), " "), ""), lab.Want(len(nodeNames(ctx, t, s)) < len(grown), true),
			available(ctx, s, "guarded", 4), available(ctx, s, "report", 1), available(ctx, s, "web", 1))
	})
}

func killAndRestart(ctx context.Context, t *testing.T, s *story.Story) {
	t.Helper()
	s.Trimtab.Process.Kill()
	if err := s.Trimtab.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Trimtab.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

func deployment(ctx context.Context, s *story.Story, name string) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{}
	return d, s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: name}, d)
}

func replicas(ctx context.Context, t *testing.T, s *story.Story, name string) int32 {
	t.Helper()
	d, err := deployment(ctx, s, name)
	if err != nil {
		t.Fatal(err)
	}
	return *d.Spec.Replicas
}

func available(ctx context.Context, s *story.Story, name string, n int32) error {
	d, err := deployment(ctx, s, name)
	if err != nil {
		return err
	}
	if d.Status.AvailableReplicas < n {
		return fmt.Errorf("%s has %d available pods, not %d", name, d.Status.AvailableReplicas, n)
	}
	return nil
}

func podNames(ctx context.Context, t *testing.T, s *story.Story, app string) map[string]bool {
	t.Helper()
	var pods corev1.PodList
	if err := s.Lab.Client.List(ctx, &pods, client.InNamespace("demo"), client.MatchingLabels{"app": app}); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, p := range pods.Items {
		names[p.Name] = true
	}
	return names
}

func nodeNames(ctx context.Context, t *testing.T, s *story.Story) (names []string) {
	t.Helper()
	for _, n := range nodes(ctx, t, s) {
		names = append(names, n.Name)
	}
	return names
}

// tainted lists the nodes that carry cluster-autoscaler's taint of a node that is going away.
func tainted(ctx context.Context, t *testing.T, s *story.Story) (names []string) {
	t.Helper()
	for _, n := range nodes(ctx, t, s) {
		for _, taint := range n.Spec.Taints {
			if taint.Key == "ToBeDeletedByClusterAutoscaler" {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

func nodes(ctx context.Context, t *testing.T, s *story.Story) []corev1.Node {
	t.Helper()
	var list corev1.NodeList
	if err := s.Lab.Client.List(ctx, &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// holds fails when the condition does not hold all the time.
func holds(ctx context.Context, t *testing.T, long time.Duration, condition func() error) {
	t.Helper()
	cluster.Stays(ctx, t, long, func(context.Context) error { return condition() })
}

func fetch(ctx context.Context, t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d, %v", url, resp.StatusCode, err)
	}
	return string(body)
}

func grep(text, word string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, word) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
