package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/programs"
)

// Run starts a program that package programs brings, or this checkout's trimtab, as the process called
// name. Its variable KUBECONFIG is kubeconfig.
func (l *Lab) Run(name, program, kubeconfig string, args ...string) (*Process, error) {
	return l.RunEnv(name, program, []string{"KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=default"}, args...)
}

// RunEnv is Run with all variables given.
func (l *Lab) RunEnv(name, program string, env []string, args ...string) (*Process, error) {
	path := l.ownCommand(program)
	if program != "trimtab" {
		var err error
		if path, err = programs.Path(program); err != nil {
			return nil, err
		}
	}
	return l.run(name, env, path, args...)
}

// RunPath starts the program at that path as the process called name.
func (l *Lab) RunPath(name, path string, args ...string) (*Process, error) {
	return l.run(name, nil, path, args...)
}

// WaitOK waits until the URL answers 200, whatever certificate it shows, and fails early when the process ends.
func (p *Process) WaitOK(ctx context.Context, url string) error {
	return p.until(ctx, httpOK(url))
}

// Account makes a ServiceAccount in Namespace that may do everything, and gives the path of its kubeconfig.
// What it asks of the API server stands in the AuditLog.
func (l *Lab) Account(ctx context.Context, name string) (kubeconfig string, err error) {
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "lab:" + name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: Namespace, Name: name}},
		},
	} {
		if err := l.Client.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return "", fmt.Errorf("account %s: %w", name, err)
		}
	}
	token, err := l.token(ctx, name)
	if err != nil {
		return "", err
	}
	kubeconfig = filepath.Join(l.Dir, name+".kubeconfig")
	return kubeconfig, l.writeKubeconfig(kubeconfig, filepath.Join(l.Dir, "certs", "ca.crt"), &api.AuthInfo{Token: token})
}

// User is how the API server knows the ServiceAccount of that name in Namespace.
func User(account string) string { return "system:serviceaccount:" + Namespace + ":" + account }

// Certificate makes a folder with the files of a TLS Secret, ca.crt, tls.crt and tls.key: a certificate for servers
// and clients on localhost.
func (l *Lab) Certificate(name string) (dir string, err error) {
	dir = filepath.Join(l.Dir, "certs", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if _, err := l.ca.issue(dir, "tls", name); err != nil {
		return "", err
	}
	return dir, copyFile(l.ca.file, filepath.Join(dir, "ca.crt"))
}

// AdminClient shows the administrator's certificate, to whatever certificate it is shown: for ports of this machine
// that ask the API server who calls.
func (l *Lab) AdminClient() (*http.Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig)
	if err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(config.CertFile, config.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate of the administrator: %w", err)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 16, TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true},
	}}, nil
}
