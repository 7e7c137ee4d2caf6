package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
)

// The two ends of the range of API servers in docs/install.md: the newest, and one without what the oldest does not have
// yet. On both all parts are ready and work. Where KEDA's CRDs are missing at first, scalers begin when they come.
func TestBothEndsOfTheRangeOfServers(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		// warnings is how often trimtab's log says that kinds are missing.
		warnings int
	}{
		{"newest", nil, 0},
		{"oldest", []string{"--runtime-config", "resource.k8s.io/v1=false"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			l, err := lab.Start(ctx, lab.Options{Out: t.Output(), Trimtab: true, APIServerArgs: c.args})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.Stop)
			workOn(ctx, t, l, c.warnings)
		})
	}
}

// workOn installs trimtab, and has it do something of each part.
func workOn(ctx context.Context, t *testing.T, l *lab.Lab, warnings int) {
	ports, err := l.Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "range"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Kubectl(ctx, "", "delete", "crd", "scaledobjects.keda.sh", "triggerauthentications.keda.sh"); err != nil {
		t.Fatal(err)
	}
	trimtab, err := l.StartTrimtab(ctx, ports, fmt.Sprintf(`
server: {address: "127.0.0.1:%d"}
prometheus: {url: "http://127.0.0.1:1"} # which nothing here asks
adapter: {bindAddress: 127.0.0.1, securePort: %d}
scalers: {sources: {allowedNetworks: [127.0.0.0/8]}} # the lab is on this machine
vpa: {recommender: {recommenderInterval: 1s}}
clusterScaler:
  scanInterval: 1s
  kwok:
    groups: [{name: small, max: 1, template: {labels: {wanted: "yes"}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}]
`, ports.HTTP, ports.MetricsAPI))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
			t.Logf("trimtab said:\n%s", trimtab.Process.Tail(60))
		}
	})
	nodeComes(ctx, t, l)
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Kubectl(ctx, "", "apply", "-f", filepath.Join(root, "deploy", "crds")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		t.Fatal(err)
	}
	applyTargets(ctx, t, l, "range")
	targetsScale(ctx, t, l, "range")
	said, err := os.ReadFile(trimtab.Process.Log)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"scalers do nothing yet":                           1,
		"does not serve some kinds of volumes and devices": warnings,
	} {
		if n := strings.Count(string(said), text); n != want {
			t.Errorf("the log says %d times %q, want %d", n, text, want)
		}
	}
}

// nodeComes makes a pod that no node can take, and waits for the node that is made for it. The mark of the scheduler is
// put on by hand: the newest scheduler waits for device claims that an older API server does not have.
func nodeComes(ctx context.Context, t *testing.T, l *lab.Lab) {
	t.Helper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "waits", Namespace: "range"},
		Spec:       corev1.PodSpec{NodeSelector: map[string]string{"wanted": "yes"}, Containers: []corev1.Container{{Name: "c", Image: "c"}}},
	}
	if err := l.Client.Create(ctx, p); err != nil {
		t.Fatal(err)
	}
	l.Wait(ctx, t, "a node comes for the pod", func(ctx context.Context) error {
		if err := l.Client.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		if p.Spec.NodeName == "" && len(p.Status.Conditions) == 0 {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
			if err := l.Client.Status().Update(ctx, p); err != nil {
				return err
			}
		}
		var nodes corev1.NodeList
		if err := l.Client.List(ctx, &nodes, client.MatchingLabels{"wanted": "yes"}); err != nil {
			return err
		}
		if len(nodes.Items) == 0 {
			return errors.New("there is none yet")
		}
		return nil
	})
}
