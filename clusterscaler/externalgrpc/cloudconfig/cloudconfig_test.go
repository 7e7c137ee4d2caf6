package cloudconfig

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

func TestDecode(t *testing.T) {
	got, err := Decode("f", []byte("{address: 'h:1', key: /k, cert: c, cacert: ../ca, grpc_timeout: 20s}"))
	want := Config{Address: "h:1", Key: "/k", Cert: "/a/b/c", CACert: "/a/ca", Timeout: config.Duration(20 * time.Second)}
	if err != nil || got.In("/a/b") != want {
		t.Errorf("%+v, %v, want %+v", got.In("/a/b"), err, want)
	}
	if got, err = Decode("f", []byte("address: h:1")); err != nil || got.In("/a") != (Config{Address: "h:1", Timeout: config.Duration(DefaultTimeout)}) {
		t.Errorf("%+v, %v", got, err)
	}
	for in, want := range map[string]string{
		"address: h":                     `f: address: "h" is not host:port`,
		"address: h:1\ngrpc_timeout: 2h": "f: grpc_timeout: 2h0m0s is not between 100ms and 1m0s",
		"address: h:1\ntimeout: 5s":      "f:2: timeout: unknown key",
		strings.Repeat("#", MaxSize+1):   "f has more than 1048576 bytes",
	} {
		if _, err := Decode("f", []byte(in)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", in, err, want)
		}
	}
}

// FuzzHostPort: an address is divided as package net divides it.
func FuzzHostPort(f *testing.F) {
	for _, address := range []string{"h:1", ":1", "h", "[::1]:8086", "::1:1", "[fe80::1%eth0]:1", "[a]b:1", "a[b:1", "h:1]", "[[a]:1", "[a]]:1", "[:1", "]:1", "[]:1", "a:b:1"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		host, port, ok := hostPort(address)
		wantHost, wantPort, err := net.SplitHostPort(address)
		if ok != (err == nil) || ok && (host != wantHost || port != wantPort) {
			t.Errorf("%q: %q %q %t, want %q %q %v", address, host, port, ok, wantHost, wantPort, err)
		}
	})
}
