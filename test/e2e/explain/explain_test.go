package explain

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
)

func TestMain(m *testing.M) { cluster.Main(m) }

const configuration = `
server: {address: "127.0.0.1:%d"}
clusterScaler:
  scanInterval: 1s
  kwok:
    groups:
    - {name: general, max: 1, template: {capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}
`

const (
	// played marks the nodes of the kwok of this test, in the annotation that kwok selects by.
	played = "explain"
	node   = "played"
	asker  = "asker"
)

// forwards are for kwok: where the ports of all pods lead to. The second one leads to nothing.
const forwards = `
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: debug}
spec:
  forwards:
  - {ports: [8081], target: {address: 127.0.0.1, port: %s}}
  - {ports: [8082], target: {address: 127.0.0.1, port: %d}}
`

type world struct {
	*cluster.Cluster
	kubeconfig string
}

// A user without rights gets the missing rights one by one, and needs no others. Each answer names the correction.
func TestTheLeaderIsFoundThroughTheKubeconfig(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	w := &world{Cluster: cluster.Start(ctx, t)}
	w.Scale(ctx, t, fmt.Sprintf(configuration, w.Ports.HTTP))
	w.kubeconfig = w.impersonate(t)
	w.playKubelet(ctx, t)

	const leaseUnread, refused = "read Lease trimtab-system/trimtab: ", "forward to pod trimtab-system/"
	w.allow(ctx, t, w.fails(ctx, t, leaseUnread), leaseUnread)
	rule := w.fails(ctx, t, refused)
	// Without the right to get, WebSocket is refused, and SPDY takes its place.
	w.allow(ctx, t, strings.Replace(rule, "[create, get]", "[create]", 1), refused)
	w.fails(ctx, t, "is no pod of the namespace trimtab-system: ")
	w.runLeadersPod(ctx, t)
	w.succeeds(ctx, t)
	w.allow(ctx, t, rule, refused)
	w.succeeds(ctx, t)
	w.fails(ctx, t, "port 8082 of pod trimtab-system/", "--debug-port", "8082")
	w.fails(ctx, t, "port 8083 of pod trimtab-system/", "--debug-port", "8083")

	w.kubeconfig = w.Kubeconfig // an administrator's, who may read every Lease
	w.fails(ctx, t, "there is no Lease trimtab-system/none: ", "--lease", "trimtab-system/none")
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: lab.Namespace, Name: "idle"}}
	if err := w.Client.Create(ctx, lease); err != nil {
		t.Fatal(err)
	}
	w.fails(ctx, t, "nobody holds Lease trimtab-system/idle: ", "--lease", "trimtab-system/idle")
	out, err := w.trimtab(ctx, "__complete", "explain", "node", "pl")
	if err != nil || !strings.HasPrefix(out, node+"\n:4\n") {
		t.Errorf("completion: %v: %s", err, out)
	}
}

// impersonate gives the kubeconfig of a user without rights.
func (w *world) impersonate(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(w.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = asker
	}
	path := filepath.Join(w.Dir, asker+".kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// playKubelet starts a kwok with a server that the API server reaches, and makes its node.
func (w *world) playKubelet(ctx context.Context, t *testing.T) {
	t.Helper()
	debug, err := url.Parse(w.Trimtab.Debug)
	if err != nil {
		t.Fatal(err)
	}
	var ports [2]int
	for i := range ports {
		if ports[i], err = lab.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(w.Dir, "forwards.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, forwards, debug.Port(), ports[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	stages, err := programs.Path("stages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(ports[0])
	if _, err := w.Run("kwok-"+played, "kwok", w.Kubeconfig, "--kubeconfig", w.Kubeconfig, "--config", stages, "--config", file,
		"--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node="+played, "--node-lease-duration-seconds", "40",
		"--node-ip", "127.0.0.1", "--node-port", port, "--server-address", "127.0.0.1:"+port); err != nil {
		t.Fatal(err)
	}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node, Annotations: map[string]string{"kwok.x-k8s.io/node": played}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("10"),
		}},
	}
	n.Status.Capacity = n.Status.Allocatable
	if err := w.Client.Create(ctx, n); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "the loop has seen the node", func(ctx context.Context) error {
		out, err := w.ask(ctx, "--server", w.Trimtab.Debug)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// runLeadersPod makes the pod of the one who holds the Lease, in place of the process that does.
func (w *world) runLeadersPod(ctx context.Context, t *testing.T) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.Namespace, Name: host},
		Spec: corev1.PodSpec{
			NodeName:        node,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "trimtab", Image: "trimtab", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
	if err := w.Client.Create(ctx, p); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "the leader's pod runs", func(ctx context.Context) error {
		if err := w.Client.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		return lab.Want(p.Status.Phase, corev1.PodRunning)
	})
}

// allow gives the user the right that an error names, and waits until the API server no longer refuses for the lack of it.
func (w *world) allow(ctx context.Context, t *testing.T, rule, refusal string) {
	t.Helper()
	var r rbacv1.PolicyRule
	if err := yaml.UnmarshalStrict([]byte(rule), &r); err != nil {
		t.Fatalf("%q is no rule: %v", rule, err)
	}
	name := strings.ReplaceAll(strings.Join(append(r.Resources, r.Verbs...), "-"), "/", "-")
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: lab.Namespace, Name: name}, Rules: []rbacv1.PolicyRule{r}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: lab.Namespace, Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: asker}},
		},
	} {
		if err := w.Client.Create(ctx, object); err != nil {
			t.Fatal(err)
		}
	}
	w.Wait(ctx, t, "the right is known: "+name, func(ctx context.Context) error {
		if out, err := w.ask(ctx); err != nil && strings.Contains(out, refusal) {
			return errors.New(out)
		}
		return nil
	})
}

// ask asks about the node through the kubeconfig.
func (w *world) ask(ctx context.Context, flags ...string) (string, error) {
	return w.trimtab(ctx, append([]string{"explain", "node", node}, flags...)...)
}

func (w *world) trimtab(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, w.Trimtab.Binary(), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) succeeds(ctx context.Context, t *testing.T) {
	t.Helper()
	if out, err := w.ask(ctx); err != nil || !strings.HasPrefix(out, "node "+node+": ") {
		t.Errorf("%v: %s", err, out)
	}
}

// fails gives the RBAC rule at the end of the one line that is said, if there is one.
func (w *world) fails(ctx context.Context, t *testing.T, want string, flags ...string) (rule string) {
	t.Helper()
	out, err := w.ask(ctx, flags...)
	if err == nil || !strings.HasPrefix(out, "trimtab: ") || !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v: %v: %s\nnot %q", flags, err, out, want)
	}
	t.Log(strings.TrimSpace(out))
	_, rule, _ = strings.Cut(strings.TrimSpace(out), "add to a Role in trimtab-system: ")
	return rule
}
