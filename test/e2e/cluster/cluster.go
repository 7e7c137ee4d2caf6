package cluster

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

const (
	// Namespace is where the pods are.
	Namespace = "faults"
	// GroupLabel of a node names its group.
	GroupLabel = "trimtab.dev/node-group"
)

// Main runs the tests of a package and lets all faults run side by side, however many cores there are: they wait more
// than they work.
func Main(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	lab.Main(m)
}

// Cluster is a real control plane, and a trimtab that makes its nodes.
type Cluster struct {
	*lab.Lab
	Ports   lab.Ports
	Trimtab *lab.Trimtab
}

// Start brings the cluster up until the test ends, without a trimtab yet, which Scale starts.
func Start(ctx context.Context, t *testing.T) *Cluster {
	t.Helper()
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Lab: l}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
			if c.Trimtab != nil {
				t.Logf("trimtab said:\n%s", c.Trimtab.Process.Tail(60))
			}
		}
		l.Stop()
	})
	if c.Ports, err = l.Install(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// Scale starts the trimtab with this configuration.
func (c *Cluster) Scale(ctx context.Context, t *testing.T, configuration string) {
	t.Helper()
	var err error
	if c.Trimtab, err = c.StartTrimtab(ctx, c.Ports, configuration); err != nil {
		t.Fatal(err)
	}
}

// Hasty are the settings of clusterScaler by which minutes show what takes hours.
const Hasty = `  scanInterval: 1s
  scaleDownUnneededTime: 3s
  scaleDownUnreadyTime: 3s
  scaleDownDelayAfterAdd: 1ms
  scaleDownDelayAfterFailure: 1s
  maxNodeProvisionTime: 8s
  maxNodeStartupTime: 8s
  nodeDeleteDelayAfterTaint: 2s
  maxDrainParallelism: 5
`

// Deploy makes a Deployment of pods that only the nodes of a fault can take.
func (c *Cluster) Deploy(ctx context.Context, t *testing.T, name, fault string, replicas int, cpu string) {
	t.Helper()
	c.DeployOn(ctx, t, name, "fault: "+fault, replicas, cpu)
}

// DeployOn makes a Deployment of pods that only the nodes with a label, "key: value", can take.
func (c *Cluster) DeployOn(ctx context.Context, t *testing.T, name, label string, replicas int, cpu string) {
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
`, name, Namespace, label, replicas, cpu)
	if err := c.Apply(ctx, manifest); err != nil {
		t.Fatal(err)
	}
}

// RunsOn waits until a Deployment's only pod runs, and returns its node's name.
func (c *Cluster) RunsOn(ctx context.Context, t *testing.T, app string) (node string) {
	t.Helper()
	c.Wait(ctx, t, "the pod of "+app+" runs", func(ctx context.Context) error {
		pods, err := c.Pods(ctx, app)
		if err != nil {
			return err
		}
		if len(pods) != 1 || pods[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%d pods; %s", len(pods), c.Why(ctx, app))
		}
		node = pods[0].Spec.NodeName
		return nil
	})
	return node
}

// Pods are those of an app.
func (c *Cluster) Pods(ctx context.Context, app string) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := c.Client.List(ctx, &list, client.InNamespace(Namespace), client.MatchingLabels{"app": app})
	return list.Items, err
}
