package fetch

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func networks(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestAddressesThatAreRefused(t *testing.T) {
	plain := &Policy{Key: "k"}
	for address, refused := range map[string]bool{
		"10.0.0.1": false, "192.168.1.1": false, "8.8.8.8": false, "fd00::1": false, "2001:db8::1": false, "64:ff9b::a00:1": false,
		"127.0.0.1": true, "127.255.255.255": true, "::1": true, "0.0.0.0": true, "0.1.2.3": true, "::": true,
		"169.254.169.254": true, "169.254.170.2": true, "fe80::1": true, "fe80::1%eth0": true, "febf::1": true,
		"224.0.0.1": true, "239.1.1.1": true, "ff02::1": true, "255.255.255.255": true,
		"fd00:ec2::254": true, "fd00:ec2::23": true, "fd20:ce::254": true, "fd00:42::42": true,
		"168.63.129.16": true, "100.100.100.200": true, "192.0.0.192": true,
		"::ffff:127.0.0.1": true, "::ffff:169.254.169.254": true, "::ffff:10.0.0.1": false,
		"64:ff9b::7f00:1": true, "64:ff9b::a9fe:a9fe": true,
	} {
		if err := plain.CheckAddress(netip.MustParseAddr(address)); (err != nil) != refused {
			t.Errorf("%s: %v, want refused: %v", address, err, refused)
		}
	}
	only := &Policy{Key: "k", Refused: networks("0.0.0.0/0", "::/0"), Allowed: networks("10.1.0.0/16", "127.0.0.0/8")}
	for address, refused := range map[string]bool{
		"10.1.2.3": false, "::ffff:10.1.2.3": false, "127.0.0.1": false, "10.2.0.1": true, "2001:db8::1": true, "::1": true,
		// The gateway of NAT64 is not allowed, though what stands behind it is.
		"64:ff9b::a01:203": true,
	} {
		if err := only.CheckAddress(netip.MustParseAddr(address)); (err != nil) != refused {
			t.Errorf("only what is allowed, %s: %v, want refused: %v", address, err, refused)
		}
	}
	var none *Policy
	if err := none.CheckAddress(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Errorf("no policy: %v", err)
	}
}

func TestHostsThatAreAllowed(t *testing.T) {
	p := &Policy{Key: "k", Hosts: []string{"prometheus.monitoring.svc", "*.example.com", "10.1.2.3"}, Schemes: []string{"https"}}
	for host, allowed := range map[string]bool{
		"prometheus.monitoring.svc": true, "Prometheus.Monitoring.SVC": true, "prometheus.monitoring.svc.": true, "10.1.2.3": true,
		"a.example.com": true, "a.b.example.com": true, "example.com": false, ".example.com": false, "badexample.com": false,
		"a.example.com.evil.org": false, "10.1.2.4": false, "": false, "ａ.example.com": false, "prometheus.monitoring": false,
	} {
		if err := p.CheckHost("https", host); (err == nil) != allowed {
			t.Errorf("%q: %v, want allowed: %v", host, err, allowed)
		}
	}
	if err := p.CheckHost("http", "a.example.com"); err == nil || err.Error() != "the scheme is not one of k.allowedSchemes: https" {
		t.Errorf("http: %v", err)
	}
}

// Where a name leads is known at the dial, and a redirect is dialled as anything else.
func TestTheDialKeepsThePolicy(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	get := func(p *Policy) error {
		transport := NewTransport(Options{Policy: p})
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("http://localhost:" + port)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if err := get(&Policy{Key: "k"}); err == nil || !strings.Contains(err.Error(), "(loopback), which is refused unless k.allowedNetworks has it") {
		t.Errorf("a name of loopback: %v", err)
	}
	if err := get(&Policy{Key: "k", Allowed: networks("127.0.0.0/8", "::1/128")}); err != nil {
		t.Errorf("allowed: %v", err)
	}
	if err := get(nil); err != nil {
		t.Errorf("no policy: %v", err)
	}
	socket := t.TempDir() + "/socket"
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if conn, err := (&Policy{Key: "k"}).Dialer(time.Second).Dial("unix", socket); err == nil {
		_ = conn.Close()
		t.Error("a socket of this host was reached")
	}
}

// A proxy of the environment would dial past the policy.
func TestNoProxyDialsInPlaceOfTheTransport(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a proxy was asked") }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	client := &http.Client{Transport: NewTransport(Options{Policy: &Policy{Key: "k", Refused: networks("10.0.0.0/8")}})}
	for _, scheme := range []string{"http", "https"} {
		if _, err := client.Get(scheme + "://10.1.2.3"); err == nil || !strings.Contains(err.Error(), "k.refusedNetworks") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
