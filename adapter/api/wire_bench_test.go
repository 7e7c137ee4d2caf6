package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/api/apitest"
)

// many is a source that answers from memory.
type many struct {
	source
	items []api.CustomItem
}

func (m *many) Custom(_ context.Context, q api.CustomRequest, a *api.CustomAnswer) error {
	a.APIVersion, a.Kind, a.Namespace, a.Metric = "/v1", "Pod", q.Namespace, q.Metric
	if q.Name != "" {
		a.Items = append(a.Items, api.CustomItem{Name: q.Name, Milli: 2300, TimestampMillis: 1700000000000})
		return nil
	}
	a.Items = append(a.Items, m.items...)
	return nil
}

// BenchmarkOverTLS asks as the API server does, over one connection of HTTP/2 with the front proxy's certificate,
// eight requests at a time. The client is another process, so that cpu-us/request is what the server's own process
// spends, TLS and HTTP/2 included; ns/op says how fast both are together on this machine.
func BenchmarkOverTLS(b *testing.B) {
	cluster := apitest.Start(b)
	m := &many{}
	for i := range 1000 {
		m.items = append(m.items, api.CustomItem{Name: fmt.Sprintf("web-frontend-7d9fc8b6c4-%05d", i), Milli: int64(i) * 1234, TimestampMillis: 1700000000000})
	}
	server, err := api.Listen(b.Context(), api.Config{BindAddress: "127.0.0.1", RequestTimeout: time.Minute, REST: cluster.REST, CustomMetrics: m, ExternalMetrics: m})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	apitest.Eventually(b, func() bool { return server.Ready() == nil })
	dir, base := b.TempDir(), "https://"+server.Addr().String()
	writeCertificate(b, dir, cluster.Proxies.Client(b, apitest.ProxyName))
	const namespace = custom + "/v1beta1/namespaces/production/"
	const json, protobuf = "application/json", "application/vnd.kubernetes.protobuf"
	for _, c := range []struct{ name, target, accept, encoding string }{
		{"by-name/json", namespace + "pods/web/http_requests?", json, ""},
		{"by-name/protobuf", namespace + "pods/web/http_requests?", protobuf, ""},
		{"external/json", external + "/v1beta1/namespaces/production/queue?labelSelector=queue%3Dorders", json, ""},
		{"selector-1000/json", namespace + "pods/*/http_requests?labelSelector=app%3Dweb", json, ""},
		{"selector-1000/json-gzip", namespace + "pods/*/http_requests?labelSelector=app%3Dweb", json, "gzip"},
		{"selector-1000/protobuf", namespace + "pods/*/http_requests?labelSelector=app%3Dweb", protobuf, "gzip"},
	} {
		// A parameter that only the library knows makes it answer the same.
		for who, more := range map[string]string{"fast": "", "library": "&pretty=false"} {
			b.Run(c.name+"/"+who, func(b *testing.B) { measure(b, base+c.target+more, dir, c.accept, c.encoding) })
		}
	}
	// What TLS and HTTP/2 cost with a handler that does nothing is the floor under all of these.
	floor := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "167")
		_, _ = w.Write(make([]byte, 167))
	}))
	floor.EnableHTTP2, floor.TLS = true, &tls.Config{ClientAuth: tls.RequestClientCert}
	floor.StartTLS()
	defer floor.Close()
	b.Run("floor", func(b *testing.B) { measure(b, floor.URL, dir, json, "") })
}

func measure(b *testing.B, url, dir, accept, encoding string) {
	b.Helper()
	client := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestClientOfTheBenchmark$")
	client.Env = append(os.Environ(), "BENCH_URL="+url, "BENCH_DIR="+dir, "BENCH_N="+strconv.Itoa(b.N), "BENCH_ACCEPT="+accept, "BENCH_ENCODING="+encoding)
	began := cpu(b)
	if out, err := client.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-us/request")
}

// cpu is what this process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func writeCertificate(b *testing.B, dir string, certificate tls.Certificate) {
	b.Helper()
	key, err := x509.MarshalECPrivateKey(certificate.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		b.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"crt": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, "key": {Type: "EC PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// TestClientOfTheBenchmark is the client's process of BenchmarkOverTLS, and nothing in any other.
func TestClientOfTheBenchmark(t *testing.T) {
	dir := os.Getenv("BENCH_DIR")
	if dir == "" {
		return
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "crt"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	client := proxied(t, true, certificate)
	client.Transport.(*http.Transport).DisableCompression = true // what is asked for stands below
	n, err := strconv.ParseInt(os.Getenv("BENCH_N"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	header := as("allowed", "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
	header.Set("Accept", os.Getenv("BENCH_ACCEPT"))
	header.Set("User-Agent", "kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abcdef0/system:serviceaccount:kube-system:horizontal-pod-autoscaler")
	header.Set("X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id", "JTI=0a1b2c3d")
	if encoding := os.Getenv("BENCH_ENCODING"); encoding != "" {
		header.Set("Accept-Encoding", encoding)
	}
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(n)
	for range 8 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := once(t.Context(), client, os.Getenv("BENCH_URL"), header); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func once(ctx context.Context, client *http.Client, url string, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		return fmt.Errorf("%s %s", resp.Proto, resp.Status)
	}
	return nil
}
