package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/test/programs"
)

// Namespace is where the manifests of deploy/ install trimtab.
const Namespace = "trimtab-system"

// Trimtab is `trimtab run` as a process of this machine, with the rights of its ServiceAccount only,
// reached by the API server through the real APIService.
type Trimtab struct {
	Process *Process
	// URL is the plain HTTP server of /readyz and /metrics, Debug that of the debug pages.
	URL, Debug string
	// ConfigFile is the configuration that it runs with.
	ConfigFile string

	lab                      *Lab
	name, kubeconfig, binary string
}

// Ports of trimtab on this machine, to be put into a configuration.
type Ports struct{ HTTP, MetricsAPI int }

// Kubectl runs the lab's kubectl as administrator and returns what it prints.
func (l *Lab) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	path, err := programs.Path("kubectl")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	cmd.Stdin = bytes.NewBufferString(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %v: %w: %s", args, err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// Apply applies manifests as `kubectl apply` does.
func (l *Lab) Apply(ctx context.Context, manifests string) error {
	_, err := l.Kubectl(ctx, manifests, "apply", "-f", "-")
	return err
}

// Install applies the very manifests of deploy/. Two things differ from a real cluster, where trimtab
// is a pod: the Deployment is scaled to zero, and the Service leads to a port of this machine.
func (l *Lab) Install(ctx context.Context) (Ports, error) {
	root, err := programs.Checkout()
	if err != nil {
		return Ports{}, err
	}
	if _, err := l.Kubectl(ctx, "", "apply", "-k", filepath.Join(root, "deploy")); err != nil {
		return Ports{}, err
	}
	if _, err := l.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"); err != nil {
		return Ports{}, err
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "trimtab"}}
	if err := l.Client.Patch(ctx, deployment, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":0}}`))); err != nil {
		return Ports{}, err
	}
	var ports Ports
	if ports.HTTP, err = FreePort(); err != nil {
		return Ports{}, err
	}
	if ports.MetricsAPI, err = FreePort(); err != nil {
		return Ports{}, err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{
		"type": "ExternalName", "externalName": "localhost", "selector": nil, "clusterIP": nil, "clusterIPs": nil,
	}})
	if err != nil {
		return Ports{}, err
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "trimtab"}}
	if err := l.Client.Patch(ctx, service, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		return Ports{}, fmt.Errorf("lead the service to this machine: %w", err)
	}
	return ports, l.Lead(ctx, ports.MetricsAPI, CustomMetrics, CustomMetricsBeta1, ExternalMetrics)
}

// APIServices of deploy/.
const (
	CustomMetrics      = "v1beta2.custom.metrics.k8s.io"
	CustomMetricsBeta1 = "v1beta1.custom.metrics.k8s.io"
	ExternalMetrics    = "v1beta1.external.metrics.k8s.io"
	ResourceMetrics    = "v1beta1.metrics.k8s.io"
)

// Lead makes the API server ask that port of this machine for the APIs. Install must have been called.
func (l *Lab) Lead(ctx context.Context, port int, apiServices ...string) error {
	patch := fmt.Sprintf(`{"spec":{"service":{"port":%d}}}`, port)
	for _, name := range apiServices {
		if _, err := l.Kubectl(ctx, "", "patch", "apiservice", name, "--type=merge", "-p", patch); err != nil {
			return err
		}
	}
	return nil
}

// StartTrimtab runs trimtab with this configuration, and waits until it is ready. A second one, on ports of its own, is
// another replica: it stands by.
func (l *Lab) StartTrimtab(ctx context.Context, ports Ports, config string) (*Trimtab, error) {
	name := "trimtab"
	if l.trimtabs++; l.trimtabs > 1 {
		name = fmt.Sprint(name, "-", l.trimtabs)
	}
	t := &Trimtab{
		URL: "http://" + address(ports.HTTP), lab: l, name: name, binary: l.ownCommand("trimtab"),
		ConfigFile: filepath.Join(l.Dir, name+".yaml"), kubeconfig: filepath.Join(l.Dir, name+".kubeconfig"),
	}
	debug, err := FreePort()
	if err != nil {
		return nil, err
	}
	t.Debug = "http://" + address(debug)
	if err := t.Configure(config); err != nil {
		return nil, err
	}
	token, err := l.token(ctx, "trimtab")
	if err != nil {
		return nil, err
	}
	if err := l.writeKubeconfig(t.kubeconfig, filepath.Join(l.Dir, "certs", "ca.crt"), &api.AuthInfo{Token: token}); err != nil {
		return nil, err
	}
	if err := t.Start(); err != nil {
		return nil, err
	}
	return t, t.WaitReady(ctx)
}

// Configure writes the configuration that the process reads when it starts. Debug pages that it gives no address have a
// port of their own, since the default one is taken as soon as a second trimtab runs on this machine.
func (t *Trimtab) Configure(config string) error {
	var sections map[string]any
	if err := yaml.Unmarshal([]byte(config), &sections); err != nil {
		return err
	}
	server, ok := sections["server"].(map[string]any)
	if !ok {
		server = map[string]any{}
		sections["server"] = server
	}
	if server["debugAddress"] == nil {
		server["debugAddress"] = strings.TrimPrefix(t.Debug, "http://")
	}
	text, err := yaml.Marshal(sections)
	if err != nil {
		return err
	}
	return os.WriteFile(t.ConfigFile, text, 0o600)
}

// Start starts the process (again) without waiting for it.
func (t *Trimtab) Start() (err error) {
	t.Process, err = t.lab.run(t.name, []string{"KUBECONFIG=" + t.kubeconfig, "POD_NAMESPACE=" + Namespace}, t.binary, "run", "--config", t.ConfigFile)
	return err
}

// WaitReady waits until /readyz says that each service is ready.
func (t *Trimtab) WaitReady(ctx context.Context) error {
	return t.Process.until(ctx, httpOK(t.URL+"/readyz"))
}

// Binary is the path of the program.
func (t *Trimtab) Binary() string { return t.binary }

// token asks the API server for a token of trimtab's ServiceAccount.
func (l *Lab) token(ctx context.Context, account string) (string, error) {
	clientset, err := kubernetes.NewForConfig(l.REST)
	if err != nil {
		return "", err
	}
	seconds := int64((12 * time.Hour).Seconds())
	request, err := clientset.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of %s: %w", account, err)
	}
	return request.Status.Token, nil
}

// StartWorkload runs the program of test/workload: the real work behind the web pods that kwok plays.
// It returns the address of its metrics and of PUT /load.
func (l *Lab) StartWorkload(ctx context.Context, namespace, selector string) (string, error) {
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	p, err := l.run("workload", nil, l.ownCommand("workload"), "--kubeconfig", l.Kubeconfig, "--namespace", namespace,
		"--selector", selector, "--listen", address(port))
	if err != nil {
		return "", err
	}
	return address(port), p.until(ctx, httpOK("http://"+address(port)+"/metrics"))
}
