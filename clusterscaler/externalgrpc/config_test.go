package externalgrpc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/cloudconfig"
	"github.com/trimtab/trimtab/internal/config"
)

func decode(text string) (Config, error) {
	var c Config
	c.SetDefaults()
	err := config.Decode("f", []byte(text), &c)
	return c, err
}

// Each bad section is paired with all of its messages.
func TestBadSections(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "f: address: is required: host:port of the server"},
		{"address: host", `f: address: "host" is not host:port, such as provider.kube-system.svc:8086`},
		{"address: ':80'", `f: address: ":80" is not host:port, such as provider.kube-system.svc:8086`},
		{"address: host:http", `f: address: "host:http" is not host:port, such as provider.kube-system.svc:8086`},
		{"address: https://host:80", `f: address: "https://host:80" is not host:port, such as provider.kube-system.svc:8086`},
		{"{address: 'h:1', cert: c}", "f: key: is required with cert\nf: cacert: is required with cert and key: without it nothing vouches for the server"},
		{"{address: 'h:1', key: k, cacert: ca}", "f: cert: is required with key"},
		{"{address: 'h:1', timeout: 0s}", "f: timeout: 0s is not between 100ms and 1m0s"},
		{"{address: 'h:1', timeout: 1h}", "f: timeout: 1h0m0s is not between 100ms and 1m0s"},
		{"{address: 'h:1', adress: x}", `f:1: adress: unknown key; did you mean "address"?`},
		{"{cloudConfig: f, address: 'h:1', timeout: 1s}", "f: address: stands in the file of cloudConfig; give one of both\nf: timeout: stands in the file of cloudConfig, as grpc_timeout; give one of both"},
	} {
		if _, err := decode(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got: %v\nwant: %s", c.in, err, c.want)
		}
	}
}

func TestGoodSections(t *testing.T) {
	for _, address := range []string{"h:1", "10.0.0.1:8086", "[::1]:8086", "[fe80::1%eth0]:8086", "fe80%eth0:8086"} {
		c, err := decode("address: '" + address + "'")
		if err != nil || c.Timeout.Std() != 5*time.Second {
			t.Errorf("%s: %+v, %v", address, c, err)
		}
		conn, err := connect(c, nil)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := strings.TrimPrefix(conn.CanonicalTarget(), "passthrough:///"); !strings.HasSuffix(unescaped(got), address) {
			t.Errorf("%s is reached as %s", address, got)
		}
		_ = conn.Close()
	}
}

func unescaped(s string) string {
	return strings.NewReplacer("%5B", "[", "%5D", "]", "%25", "%").Replace(s)
}

// The file that cluster-autoscaler reads is read as it is.
func TestCloudConfig(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "cloud-config.yaml")
	for _, c := range []struct{ file, want string }{
		{"address: cluster-autoscaler-grpc-provider:8086\nkey: /certs/tls.key\ncert: tls.crt\ncacert: /certs/ca.crt\ngrpc_timeout: 20s\n", ""},
		{`{"address": "h:1", "grpc_timeout": "1s"}`, ""},
		{"address: h", path + `: address: "h" is not host:port, such as provider.kube-system.svc:8086`},
		{"address: h:1\ngrpc_timeout: 2h", path + ": grpc_timeout: 2h0m0s is not between 100ms and 1m0s"},
		{"address: h:1\ntimeout: 5s", path + ":2: timeout: unknown key"},
	} {
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		section, err := decode("cloudConfig: " + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := section.Load(); (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got: %v\nwant: %s", c.file, err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("{address: 'h:1', key: /k, cert: c, cacert: ../ca, grpc_timeout: 20s}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := (&Config{CloudConfig: path}).Load()
	want := Config{Address: "h:1", Key: "/k", Cert: filepath.Join(folder, "c"), CACert: filepath.Join(filepath.Dir(folder), "ca"), Timeout: config.Duration(20 * time.Second)}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if err := os.WriteFile(path, make([]byte, cloudconfig.MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Config{CloudConfig: path}).Load(); err == nil || !strings.Contains(err.Error(), "has more than 1048576 bytes") {
		t.Error(err)
	}
	if _, err := (&Config{CloudConfig: path + "x"}).Load(); !os.IsNotExist(err) {
		t.Error(err)
	}
}
