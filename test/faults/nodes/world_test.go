package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

const (
	namespace  = "faults"
	groupLabel = "trimtab.dev/node-group"
	goingTaint = "ToBeDeletedByClusterAutoscaler"
)

// TestMain lets all faults run side by side, however many cores there are: they wait more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	lab.Main(m)
}

// world is a cluster without nodes, and a trimtab that makes them.
type world struct {
	*lab.Lab
	ports   lab.Ports
	trimtab *lab.Trimtab
}

func newWorld(ctx context.Context, t *testing.T) *world {
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Lab: l}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
			if w.trimtab != nil {
				t.Logf("trimtab said:\n%s", w.trimtab.Process.Tail(60))
			}
		}
		l.Stop()
	})
	if w.ports, err = l.Install(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	if w.trimtab, err = l.StartTrimtab(ctx, w.ports, configuration(w.ports.HTTP)); err != nil {
		t.Fatal(err)
	}
	return w
}

// groups are the node groups of the faults. A node has the label fault=NAME of the part before the dash; the price makes
// "a" the first choice wherever there are two.
var groups = map[string]string{
	"never-a":   "max: 2, price: 0.01, launchFailure: never",
	"never-b":   "max: 2, price: 1",
	"late-a":    "max: 5, launchDelay: 4s",
	"full-a":    "max: 2, price: 0.01, available: 0",
	"full-b":    "max: 2, price: 1",
	"unready-a": "max: 2, price: 0.01, launchFailure: unready",
	"unready-b": "max: 2, price: 1",
	"lost-a":    "max: 2",
	"budget-a":  "max: 2",
	"deaf-a":    "max: 2",
	"api-a":     "max: 2",
	"killed-a":  "max: 2",
	"orphan-a":  "max: 2",
	"leaders-a": "max: 4",
	"whole-a":   "max: 2, options: {zeroOrMaxNodeScaling: true}",
	"whole-b":   "max: 1, price: 1",
}

// configuration has the groups but those named, with waiting times that let minutes show what takes hours.
func configuration(port int, without ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
server: {address: "127.0.0.1:%d", decisions: 5000}
clusterScaler:
  expander: [price]
  scanInterval: 1s
  scaleDownUnneededTime: 3s
  scaleDownUnreadyTime: 3s
  scaleDownDelayAfterAdd: 1ms
  scaleDownDelayAfterFailure: 1s
  maxNodeProvisionTime: 8s
  maxNodeStartupTime: 8s
  nodeDeleteDelayAfterTaint: 2s
  maxDrainParallelism: 5
  groups:
`, port)
	for name, settings := range groups {
		if slices.Contains(without, name) {
			continue
		}
		fault, _, _ := strings.Cut(name, "-")
		fmt.Fprintf(&b, "  - {name: %s, %s, template: {labels: {fault: %s}, capacity: {cpu: \"2\", memory: 4Gi, pods: \"20\"}}}\n", name, settings, fault)
	}
	return b.String()
}

// deploy makes a Deployment of pods that only the nodes of a fault can take.
func (w *world) deploy(ctx context.Context, t *testing.T, name, fault string, replicas int, cpu string) {
	t.Helper()
	w.deployOn(ctx, t, name, "fault: "+fault, replicas, cpu)
}

// deployOn makes a Deployment of pods that only the nodes with a label can take.
func (w *world) deployOn(ctx context.Context, t *testing.T, name, label string, replicas int, cpu string) {
	t.Helper()
	manifest := fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  replicas: %[4]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      nodeSelector: {%[3]s}
      containers: [{name: c, image: c, resources: {requests: {cpu: %[5]s, memory: 64Mi}}}]
`, name, namespace, label, replicas, cpu)
	if err := w.Apply(ctx, manifest); err != nil {
		t.Fatal(err)
	}
}

// runsOn waits until a Deployment's only pod runs, and returns its node's name.
func (w *world) runsOn(ctx context.Context, t *testing.T, app string) (node string) {
	t.Helper()
	w.Wait(ctx, t, "the pod of "+app+" runs", func(ctx context.Context) error {
		pods, err := w.pods(ctx, app)
		if err != nil {
			return err
		}
		if len(pods) != 1 || pods[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods; %s", len(pods), w.why(ctx, app))
		}
		node = pods[0].Spec.NodeName
		return nil
	})
	return node
}

func (w *world) pods(ctx context.Context, app string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := w.Client.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{"app": app})
	return list.Items, err
}

// why is what trimtab decided about the pods of an app or a node.
func (w *world) why(ctx context.Context, subject string) string {
	decisions, err := w.decisions(ctx)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, d := range decisions {
		if strings.Contains(d.Subject, subject) {
			out = append(out, d.Subject+": "+d.Message)
		}
	}
	return strings.Join(out, "; ")
}

type decision struct{ Subject, Code, Message string }

func (w *world) decisions(ctx context.Context) ([]decision, error) {
	var out struct{ Decisions []decision }
	text, err := w.read(ctx, "/debug/decisions?"+url.Values{"format": {"json"}, "limit": {"5000"}}.Encode())
	if err != nil {
		return nil, err
	}
	return out.Decisions, json.Unmarshal([]byte(text), &out)
}

// decided is the condition that trimtab decided so about a subject, newest first, with words that the message holds.
func (w *world) decided(subject, code, words string) func(context.Context) error {
	return func(ctx context.Context) error {
		decisions, err := w.decisions(ctx)
		if err != nil {
			return err
		}
		var others []string
		for _, d := range decisions {
			if !strings.Contains(d.Subject, subject) {
				continue
			}
			if d.Code == code && strings.Contains(d.Message, words) {
				return nil
			}
			others = append(others, d.Code+": "+d.Message)
		}
		return fmt.Errorf("of %s it was decided %q", subject, others)
	}
}

func (w *world) read(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.trimtab.URL+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", path, resp.StatusCode, body)
	}
	return string(body), err
}

// metric is the condition that /metrics has a line that begins so and is above zero.
func (w *world) metric(line string) func(context.Context) error {
	return func(ctx context.Context) error {
		text, err := w.read(ctx, "/metrics")
		if err != nil {
			return err
		}
		for one := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(one, line); ok && strings.TrimSpace(value) != "0" {
				return nil
			}
		}
		return errors.New("there is none: " + line)
	}
}

// nodesOf lists the nodes of a group by name.
func (w *world) nodesOf(ctx context.Context, group string) (map[string]*corev1.Node, error) {
	var list corev1.NodeList
	if err := w.Client.List(ctx, &list, client.MatchingLabels{groupLabel: group}); err != nil {
		return nil, err
	}
	out := map[string]*corev1.Node{}
	for i := range list.Items {
		out[list.Items[i].Name] = &list.Items[i]
	}
	return out, nil
}

// has is the condition that a group has so many nodes, none of them tainted.
func (w *world) has(group string, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		nodes, err := w.nodesOf(ctx, group)
		if err != nil {
			return err
		}
		for name, node := range nodes {
			if going(node) {
				return fmt.Errorf("node %s is going", name)
			}
		}
		return lab.Want(len(nodes), n)
	}
}

func going(n *corev1.Node) bool {
	for _, taint := range n.Spec.Taints {
		if taint.Key == goingTaint {
			return true
		}
	}
	return false
}

// isGoing is the condition that a node carries the taint of one that is being removed.
func (w *world) isGoing(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		node := &corev1.Node{}
		if err := w.Client.Get(ctx, client.ObjectKey{Name: name}, node); err != nil {
			return err
		}
		if !going(node) {
			return errors.New("it is not tainted: " + w.why(ctx, name))
		}
		return nil
	}
}

// isGone is the condition that a node, a pod or whatever it is exists no more.
func (w *world) isGone(o client.Object) func(context.Context) error {
	return func(ctx context.Context) error {
		err := w.Client.Get(ctx, client.ObjectKeyFromObject(o), o)
		if err == nil {
			return fmt.Errorf("it is there: %s", w.why(ctx, o.GetName()))
		}
		return client.IgnoreNotFound(err)
	}
}

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

// stays fails when the condition does not hold for so long.
func stays(ctx context.Context, t *testing.T, long time.Duration, condition func(context.Context) error) {
	t.Helper()
	tick, end := time.NewTicker(200*time.Millisecond), time.NewTimer(long)
	defer tick.Stop()
	defer end.Stop()
	for {
		if err := condition(ctx); err != nil {
			t.Fatal(err)
		}
		select {
		case <-end.C:
			return
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-tick.C:
		}
	}
}

// guest is a small pod on the first of two nodes, which has nothing else on it; it would fit on the second.
type guest struct {
	first, second string
	pod           *corev1.Pod
}

// visit makes a guest on a node of a fault's group. metadata is what its pod has beside its labels; prepare is called
// before anything could evict it.
func (w *world) visit(ctx context.Context, t *testing.T, fault, metadata string, prepare func()) guest {
	t.Helper()
	w.deploy(ctx, t, fault+"-one", fault, 1, "1200m")
	w.deploy(ctx, t, fault+"-two", fault, 1, "1200m")
	g := guest{first: w.runsOn(ctx, t, fault+"-one"), second: w.runsOn(ctx, t, fault+"-two")}
	if g.first == g.second {
		t.Fatalf("both run on %s", g.first)
	}
	g.pod = w.guest(ctx, t, fault+"-guest", fault, metadata, g.first)
	if prepare != nil {
		prepare()
	}
	if _, err := w.Kubectl(ctx, "", "delete", "deployment", "-n", namespace, fault+"-one"); err != nil {
		t.Fatal(err)
	}
	return g
}

// guest makes a small pod on the node, which could run on other nodes of the fault.
func (w *world) guest(ctx context.Context, t *testing.T, name, fault, metadata, node string) *corev1.Pod {
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
`, name, namespace, metadata, fault, node)
	if err := w.Apply(ctx, manifest); err != nil {
		t.Fatal(err)
	}
	if on := w.runsOn(ctx, t, name); on != node {
		t.Fatalf("%s runs on %s, not on %s", name, on, node)
	}
	pods, err := w.pods(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return &pods[0]
}

// let takes the finalizers of a guest away, as whoever has put them there does when he has done his work.
func (w *world) let(ctx context.Context, t *testing.T, g guest) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	if err := w.Client.Patch(ctx, g.pod, patch); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}
