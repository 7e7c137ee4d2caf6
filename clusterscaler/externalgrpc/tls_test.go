package externalgrpc

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
)

// files are the settings for the client's files in a folder.
func files(folder, address string) Config {
	return Config{
		Address: address, Key: filepath.Join(folder, "key"), Cert: filepath.Join(folder, "cert"), CACert: filepath.Join(folder, "ca"),
	}
}

// secured is a rig before a fake with that TLS, and the address of the fake.
func secured(t *testing.T, server *tls.Config) (*rig, string) {
	t.Helper()
	r := newRig(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.server.Serve(t, listener, server))
	return r, listener.Addr().String()
}

func TestBothSidesShowCertificates(t *testing.T) {
	servers, clients := externalgrpctest.NewAuthority(t), externalgrpctest.NewAuthority(t)
	folder := t.TempDir()
	externalgrpctest.WriteFiles(t, folder, clients, servers)
	r, address := secured(t, servers.ServerTLS(t, clients))
	r.log.Reset()
	r.provider = r.connect(files(folder, address))
	if groups, _ := r.groups(nodes()...); len(groups) != 2 {
		t.Errorf("groups %+v", groups)
	}
	if r.log.Len() > 0 {
		t.Errorf("log of a secured connection:\n%s", r.log)
	}
}

// A server may do without the client's certificate; it still has to show its own.
func TestOnlyTheServerShowsACertificate(t *testing.T) {
	servers := externalgrpctest.NewAuthority(t)
	folder := t.TempDir()
	externalgrpctest.WriteFiles(t, folder, servers, servers)
	r, address := secured(t, servers.ServerTLS(t, nil))
	r.provider = r.connect(Config{Address: address, CACert: filepath.Join(folder, "ca")})
	r.groups()
}

func TestWhoIsNotTrusted(t *testing.T) {
	servers, clients, strangers := externalgrpctest.NewAuthority(t), externalgrpctest.NewAuthority(t), externalgrpctest.NewAuthority(t)
	r, address := secured(t, servers.ServerTLS(t, clients))
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		client, server *externalgrpctest.Authority
		change         func(*Config)
		want           string
	}{
		{"server of strangers", clients, strangers, func(*Config) {}, "certificate signed by unknown authority"},
		{"client of strangers", strangers, servers, func(*Config) {}, ""},
		{"client without a certificate", clients, servers, func(c *Config) { c.Key, c.Cert = "", "" }, ""},
		{"another name", clients, servers, func(c *Config) { c.Address = "localhost:" + port }, "certificate is"},
		{"no encryption", clients, servers, func(c *Config) { *c = Config{Address: address} }, ""},
	} {
		folder := t.TempDir()
		externalgrpctest.WriteFiles(t, folder, c.client, c.server)
		cfg := files(folder, address)
		c.change(&cfg)
		p := r.connect(cfg)
		_, err := p.Observe(context.Background(), nil)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if n := r.server.Called("Refresh"); n != 0 {
		t.Errorf("%d calls went through", n)
	}
}

// Certificates that were exchanged on disk are used from the next connection on; a mistake in them passes with it.
func TestCertificatesAreExchanged(t *testing.T) {
	old := externalgrpctest.NewAuthority(t)
	folder := t.TempDir()
	externalgrpctest.WriteFiles(t, folder, old, old)
	relay := externalgrpctest.NewRelay(t)
	r, before := secured(t, old.ServerTLS(t, old))
	relay.To(before)
	r.provider = r.connect(files(folder, relay.Address))
	r.groups()

	next := externalgrpctest.NewAuthority(t)
	_, after := secured(t, next.ServerTLS(t, next))
	relay.To(after)
	r.now = r.now.Add(refreshPause)
	if _, err := r.provider.Observe(context.Background(), nil); status.Code(err) != codes.Unavailable {
		t.Fatalf("the old authority vouches for the new server: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "cert"), []byte("half writ"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.eventually(func() error {
		_, err := r.provider.Observe(context.Background(), nil)
		if err != nil && strings.Contains(err.Error(), "failed to find any PEM data") {
			return nil
		}
		return err
	})
	externalgrpctest.WriteFiles(t, folder, next, next)
	r.eventually(func() error {
		_, err := r.provider.Observe(context.Background(), nil)
		return err
	})
}

func TestPlainTextIsSaid(t *testing.T) {
	r := newRig(t)
	r.groups()
	if got := strings.Count(r.log.String(), "NOT encrypted"); got != 1 {
		t.Errorf("said %d times:\n%s", got, r.log)
	}
}

// Files that cannot be used are an error at once, which names the file and never repeats it.
func TestUnusableFiles(t *testing.T) {
	authority := externalgrpctest.NewAuthority(t)
	for _, c := range []struct{ file, text, want string }{
		{"ca", "", "no such file or directory"},
		{"ca", "hunter2", "cacert: "},
		{"cert", "hunter2", "cert "},
		{"key", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n", "key "},
	} {
		folder := t.TempDir()
		externalgrpctest.WriteFiles(t, folder, authority, authority)
		path := filepath.Join(folder, c.file)
		err := os.Remove(path)
		if err == nil && c.text != "" {
			err = os.WriteFile(path, []byte(c.text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(files(folder, "127.0.0.1:1"), Deps{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s and %s", c.file, err, c.want, path)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg")) {
			t.Errorf("a secret is printed: %v", err)
		}
	}
}
