package prom

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{name: name}
	der, key := a.issue(t, name, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.key = key
	return a
}

// issue makes a certificate, of itself where the authority has none yet.
func (a *authority) issue(t *testing.T, name string, change func(*x509.Certificate)) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(template)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func (a *authority) leaf(t *testing.T, name string) tls.Certificate {
	t.Helper()
	der, key := a.issue(t, name, func(*x509.Certificate) {})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// When the server's authority and the client's certificate change, the files are read again, without a restart.
func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	caFile, certFile, keyFile := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	old, next := newAuthority(t, "old"), newAuthority(t, "next")
	install := func(a *authority, client string) {
		leaf := a.leaf(t, client)
		der, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, caFile, "CERTIFICATE", a.cert.Raw)
		writePEM(t, certFile, "CERTIFICATE", leaf.Certificate[0])
		writePEM(t, keyFile, "PRIVATE KEY", der)
	}
	var serving atomic.Pointer[authority]
	serve := func(a *authority) *tls.Config {
		clients := x509.NewCertPool()
		clients.AddCert(a.cert)
		return &tls.Config{Certificates: []tls.Certificate{a.leaf(t, "server")}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	var client string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client = r.TLS.PeerCertificates[0].Subject.CommonName
		answer(200, oneRow)(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return serve(serving.Load()), nil }}
	serving.Store(old)
	install(old, "first")
	server.StartTLS()
	t.Cleanup(server.Close)

	cfg := DefaultConfig()
	cfg.URL, cfg.TLS = server.URL, TLS{CAFile: caFile, CertFile: certFile, KeyFile: keyFile}
	c := newClient(t, cfg)
	query := func() error { _, err := c.Query(t.Context(), "up", time.Now()); return err }
	if err := query(); err != nil || client != "first" {
		t.Fatalf("as %q: %v", client, err)
	}
	install(old, "second")
	if err := query(); err != nil || client != "second" {
		t.Errorf("with another certificate: as %q: %v", client, err)
	}
	serving.Store(next)
	server.CloseClientConnections()
	if err := query(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server of an unknown authority: %v", err)
	}
	install(next, "third")
	if err := query(); err != nil || client != "third" {
		t.Errorf("with another authority: as %q: %v", client, err)
	}
	if err := os.WriteFile(caFile, []byte("half a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := query(); err == nil || !strings.Contains(err.Error(), caFile) {
		t.Errorf("a CA file half written: %v", err)
	}
	install(next, "fourth")
	if err := query(); err != nil || client != "fourth" {
		t.Errorf("after it was mended: as %q: %v", client, err)
	}
}
