package serve

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// start serves hello by TLS until the test ends, as a webhook does, and gives the address.
func (t TLS) start(tt *testing.T) string {
	tt.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tt.Fatal(err)
	}
	port, err := t.On(Limit(l, 2))
	if err != nil {
		tt.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	stop := make(chan struct{})
	stopped, _, err := port.Serve(hello, time.Second, stop)
	if err != nil {
		tt.Fatal(err)
	}
	tt.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return l.Addr().String()
}

// ask returns the answer to a client with these settings, and the TLS state of its connection.
func ask(address string, client *tls.Config) (body string, how *tls.ConnectionState, err error) {
	client.InsecureSkipVerify = true // what is served is looked at below
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: client, DisableKeepAlives: true, ForceAttemptHTTP2: true}}).Get("https://" + address)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return string(all), resp.TLS, err
}

// A certificate that changes on disk is served from then on, whatever handler the port has.
func TestACertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	files := TLS{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	write := func(host string) {
		cert, key, err := certutil.GenerateSelfSignedCertKey(host, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{files.CertFile: cert, files.KeyFile: key} {
			if err := os.WriteFile(path+".new", data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("first.example.com")
	address := files.start(t)
	served := func() string {
		body, how, err := ask(address, &tls.Config{})
		if err != nil || body != "hello" {
			t.Fatalf("%q, %v", body, err)
		}
		return strings.Join(how.PeerCertificates[0].DNSNames, " ")
	}
	if got := served(); got != "first.example.com" {
		t.Fatalf("serves the certificate of %q", got)
	}
	write("second.example.com")
	for deadline := time.Now().Add(time.Minute); served() != "second.example.com"; {
		if time.Now().After(deadline) {
			t.Fatal("the second certificate is not served")
		}
	}
}

// Without files the port signs a certificate for itself. Versions, suites and HTTP/2 are as the settings say.
func TestHowAPortSpeaks(t *testing.T) {
	const suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
	for name, c := range map[string]struct {
		port   TLS
		client *tls.Config
		want   string
	}{
		"as it is":              {TLS{}, &tls.Config{}, "TLS 1.3 h2"},
		"below 1.2":             {TLS{}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
		"1.3 only":              {TLS{MinVersion: "VersionTLS13"}, &tls.Config{MaxVersion: tls.VersionTLS12}, "protocol version"},
		"without HTTP/2":        {TLS{DisableHTTP2: true}, &tls.Config{}, "TLS 1.3 http/1.1"},
		"one suite":             {TLS{DisableHTTP2: true, CipherSuites: []string{suite}}, &tls.Config{MaxVersion: tls.VersionTLS12}, "TLS 1.2 http/1.1 " + suite},
		"1.3 and a suite of it": {TLS{MinVersion: "VersionTLS13", CipherSuites: []string{"TLS_AES_256_GCM_SHA384"}}, &tls.Config{}, "TLS 1.3 h2"},
		"no common suites":      {TLS{DisableHTTP2: true, CipherSuites: []string{suite}}, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, "handshake failure"},
	} {
		t.Run(name, func(t *testing.T) {
			_, how, err := ask(c.port.start(t), c.client)
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprintf("%s %s %s", tls.VersionName(how.Version), how.NegotiatedProtocol, tls.CipherSuiteName(how.CipherSuite))
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTLSSettingsAreChecked(t *testing.T) {
	for says, bad := range map[string]TLS{
		`tlsMinVersion: "VersionTLS11"`:                {MinVersion: "VersionTLS11"},
		`tlsCipherSuites: there is no "ROT13"`:         {CipherSuites: []string{"ROT13"}},
		"tlsCipherSuites: HTTP/2 needs TLS_ECDHE_RSA_": {CipherSuites: []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %s", bad, err, says)
		}
		if _, err := bad.On(nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v opens a port: %v", bad, err)
		}
	}
	if _, err := (TLS{CertFile: "/nowhere.crt", KeyFile: "/nowhere.key"}).On(nil); err == nil || !strings.Contains(err.Error(), "/nowhere.crt") {
		t.Errorf("a certificate that is not there: %v", err)
	}
}
