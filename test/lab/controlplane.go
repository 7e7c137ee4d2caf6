package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/programs"
)

// identities are the certificates and keys of the control plane.
type identities struct {
	ca, frontProxyCA          *authority
	server, admin, frontProxy pair
	serviceAccount            pair
}

func newIdentities(dir string) (id identities, err error) {
	if id.ca, err = newAuthority(dir, "ca"); err != nil {
		return id, err
	}
	if id.frontProxyCA, err = newAuthority(dir, "front-proxy-ca"); err != nil {
		return id, err
	}
	if id.server, err = id.ca.issue(dir, "apiserver", "kube-apiserver"); err != nil {
		return id, err
	}
	if id.admin, err = id.ca.issue(dir, "admin", "admin", "system:masters"); err != nil {
		return id, err
	}
	if id.frontProxy, err = id.frontProxyCA.issue(dir, "front-proxy", "front-proxy"); err != nil {
		return id, err
	}
	id.serviceAccount, err = newSigningKey(dir)
	return id, err
}

func (l *Lab) startControlPlane(ctx context.Context, o Options) error {
	certs := filepath.Join(l.Dir, "certs")
	if err := os.MkdirAll(certs, 0o700); err != nil {
		return err
	}
	id, err := newIdentities(certs)
	if err != nil {
		return err
	}
	l.ca = id.ca
	if l.Etcd, err = l.startEtcd(ctx); err != nil {
		return err
	}
	if err := l.startAPIServer(ctx, id, o.APIServerArgs); err != nil {
		return err
	}
	if err := l.startControllers(o, id); err != nil {
		return err
	}
	// Pods need it, and the controller manager makes it: when it is there, controllers work.
	return Poll(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		return l.Client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
	})
}

func (l *Lab) startEtcd(ctx context.Context) (string, error) {
	clientPort, err := FreePort()
	if err != nil {
		return "", err
	}
	peerPort, err := FreePort()
	if err != nil {
		return "", err
	}
	url, peer := "http://"+address(clientPort), "http://"+address(peerPort)
	p, err := l.program("etcd", "--data-dir", filepath.Join(l.Dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", url, "--advertise-client-urls", url,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		"--log-level", "warn")
	if err != nil {
		return "", err
	}
	return url, p.until(ctx, httpOK(url+"/health"))
}

func (l *Lab) startAPIServer(ctx context.Context, id identities, further []string) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	l.apiServer = "https://" + address(port)
	l.AuditLog = filepath.Join(l.Dir, "audit.log")
	policy := filepath.Join(l.Dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o644); err != nil {
		return err
	}
	l.apiServerArgs = append([]string{
		"--etcd-servers", l.Etcd, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", strconv.Itoa(port),
		"--endpoint-reconciler-type", "none", "--service-cluster-ip-range", "10.0.0.0/16", "--allow-privileged",
		"--authorization-mode", "Node,RBAC", "--client-ca-file", id.ca.file,
		"--tls-cert-file", id.server.cert, "--tls-private-key-file", id.server.key,
		"--requestheader-client-ca-file", id.frontProxyCA.file, "--requestheader-allowed-names", "front-proxy",
		"--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
		"--requestheader-extra-headers-prefix", "X-Remote-Extra-",
		"--proxy-client-cert-file", id.frontProxy.cert, "--proxy-client-key-file", id.frontProxy.key,
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", id.serviceAccount.cert, "--service-account-signing-key-file", id.serviceAccount.key,
		"--audit-log-path", l.AuditLog, "--audit-policy-file", policy,
	}, further...)
	l.Kubeconfig = filepath.Join(l.Dir, "kubeconfig")
	admin := &api.AuthInfo{ClientCertificate: id.admin.cert, ClientKey: id.admin.key}
	if err := l.writeKubeconfig(l.Kubeconfig, id.ca.file, admin); err != nil {
		return err
	}
	if err := l.connect(); err != nil {
		return err
	}
	return l.StartAPIServer(ctx)
}

// StopAPIServer ends the API server as a crash does. What is stored stays.
func (l *Lab) StopAPIServer() { l.apiServerProcess.Kill() }

// StartAPIServer starts the API server (again), and waits until it answers.
func (l *Lab) StartAPIServer(ctx context.Context) error {
	p, err := l.program("kube-apiserver", l.apiServerArgs...)
	if err != nil {
		return err
	}
	l.apiServerProcess = p
	return p.until(ctx, func(ctx context.Context) error {
		return l.Client.Get(ctx, client.ObjectKey{Name: "kube-system"}, &corev1.Namespace{})
	})
}

// auditPolicy writes down who asked what, without the bodies; trimtab's permissions are checked by it.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:trimtab-system"]
- level: None
`

func (l *Lab) startControllers(o Options, id identities) error {
	controllerArgs := []string{
		"--kubeconfig", l.Kubeconfig, "--use-service-account-credentials", "--leader-elect=false", "--secure-port", "0",
		"--service-account-private-key-file", id.serviceAccount.key, "--root-ca-file", id.ca.file,
		"--kube-api-qps", "200", "--kube-api-burst", "400",
	}
	if o.HPASyncPeriod > 0 {
		controllerArgs = append(controllerArgs, "--horizontal-pod-autoscaler-sync-period", o.HPASyncPeriod.String())
	}
	if _, err := l.program("kube-controller-manager", append(controllerArgs, o.ControllerManagerArgs...)...); err != nil {
		return err
	}
	if _, err := l.program("kube-scheduler", "--kubeconfig", l.Kubeconfig, "--leader-elect=false", "--secure-port", "0",
		"--kube-api-qps", "200", "--kube-api-burst", "400"); err != nil {
		return err
	}
	stages, err := programs.Path("stages.yaml")
	if err != nil {
		return err
	}
	port, err := FreePort()
	if err != nil {
		return err
	}
	_, err = l.program("kwok", "--kubeconfig", l.Kubeconfig, "--config", stages, "--manage-nodes-with-annotation-selector", "kwok.x-k8s.io/node=fake",
		"--node-lease-duration-seconds", "40", "--server-address", address(port))
	return err
}

// writeKubeconfig writes a configuration for whoever auth says.
func (l *Lab) writeKubeconfig(path, caFile string, auth *api.AuthInfo) error {
	c := api.NewConfig()
	c.Clusters["lab"] = &api.Cluster{Server: l.apiServer, CertificateAuthority: caFile}
	c.AuthInfos["lab"] = auth
	c.Contexts["lab"] = &api.Context{Cluster: "lab", AuthInfo: "lab"}
	c.CurrentContext = "lab"
	return clientcmd.WriteToFile(*c, path)
}

// httpOK is a condition: the URL answers 200.
func httpOK(url string) func(context.Context) error {
	insecure := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := insecure.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, body)
		}
		return nil
	}
}
