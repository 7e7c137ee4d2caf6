package peers

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
)

// KEDA is its two programs.
type KEDA struct {
	Operator, Adapter Program
	// Port is where the adapter serves external.metrics.k8s.io: lab.Lead(ctx, Port, lab.ExternalMetrics).
	Port int
}

// Programs are both.
func (k KEDA) Programs() []Program { return []Program{k.Operator, k.Adapter} }

// StartKEDA runs both programs with the flags of KEDA's manifests, and adds the CRDs that they need beside those of
// deploy/. It does not wait for them. The certificates that the operator would rotate in a Secret, which the kubelet
// brings to both, are the lab's. Profiling is switched on; it costs nothing until it is asked.
func StartKEDA(ctx context.Context, l *lab.Lab) (k KEDA, err error) {
	if err := addCRDs(ctx, l); err != nil {
		return KEDA{}, err
	}
	certs, err := l.Certificate("keda")
	if err != nil {
		return KEDA{}, err
	}
	var grpc int
	if err := freePorts(&grpc, &k.Port); err != nil {
		return KEDA{}, err
	}
	if k.Operator, err = startOperator(ctx, l, certs, grpc); err != nil {
		return KEDA{}, err
	}
	if k.Adapter, err = startKEDAAdapter(ctx, l, certs, grpc, k.Port); err != nil {
		k.Operator.Stop()
		return KEDA{}, err
	}
	return k, nil
}

func startOperator(ctx context.Context, l *lab.Lab, certs string, grpc int) (Program, error) {
	p := Program{Name: "keda-operator"}
	kubeconfig, err := p.account(ctx, l)
	if err != nil {
		return Program{}, err
	}
	var metrics, health, debug int
	if err := freePorts(&metrics, &health, &debug); err != nil {
		return Program{}, err
	}
	p.Health, p.Metrics, p.Debug = "http://"+address(health)+"/readyz", "http://"+address(metrics)+"/metrics", "http://"+address(debug)+"/debug/pprof"
	p.Process, err = l.RunEnv(p.Name, p.Name, kedaEnv(kubeconfig),
		"--leader-elect", "--zap-log-level=info", "--zap-encoder=console", "--zap-time-encoding=rfc3339",
		"--cert-dir", certs, "--metrics-service-bind-address", address(grpc),
		"--metrics-bind-address", address(metrics), "--health-probe-bind-address", address(health), "--profiling-bind-address", address(debug))
	return p, err
}

func startKEDAAdapter(ctx context.Context, l *lab.Lab, certs string, grpc, port int) (Program, error) {
	p := Program{Name: "keda-adapter"}
	kubeconfig, err := p.account(ctx, l)
	if err != nil {
		return Program{}, err
	}
	var metrics, debug int
	if err := freePorts(&metrics, &debug); err != nil {
		return Program{}, err
	}
	p.Health, p.Metrics, p.Debug = "https://"+address(port)+"/readyz", "http://"+address(metrics)+"/metrics", "http://"+address(debug)+"/debug/pprof"
	p.Process, err = l.RunEnv(p.Name, p.Name, kedaEnv(kubeconfig),
		"--lister-kubeconfig", kubeconfig, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(port), "--zap-log-level=error",
		"--client-ca-file", filepath.Join(certs, "ca.crt"), "--tls-cert-file", filepath.Join(certs, "tls.crt"),
		"--tls-private-key-file", filepath.Join(certs, "tls.key"), "--cert-dir", certs,
		// The name that the certificate has; an address would not be looked up.
		"--metrics-service-address", "localhost:"+strconv.Itoa(grpc), "--port", strconv.Itoa(metrics), "--profiling-bind-address", address(debug))
	return p, err
}

// kedaEnv is what its manifests set, and the namespace that it would read of a file in its pod.
func kedaEnv(kubeconfig string) []string {
	return []string{
		"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + lab.Namespace, "KEDA_CLUSTER_OBJECT_NAMESPACE=" + lab.Namespace,
		"WATCH_NAMESPACE=", "KEDA_HTTP_DEFAULT_TIMEOUT=",
	}
}

// addCRDs adds those that deploy/ does not have. They are too large for the annotation of a plain apply.
func addCRDs(ctx context.Context, l *lab.Lab) error {
	path, err := programs.Path("keda-crds.yaml")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := l.Kubectl(ctx, string(text), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	// kubectl fails on a CRD that is so new that it has no conditions.
	return lab.Poll(ctx, time.Second, func(ctx context.Context) error {
		_, err := l.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
		return err
	})
}
