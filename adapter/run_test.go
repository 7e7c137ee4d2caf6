package adapter

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
)

// promServer speaks Prometheus's API: one series, and the value 4 for whatever is asked.
func promServer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/values") {
		fmt.Fprint(w, `{"status":"success","data":["http_requests_total"]}`)
		return
	}
	fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1000,"4"]}]}}`)
}

// listen serves promServer on an address, "127.0.0.1:0" for any.
func listen(t testing.TB, address string) *httptest.Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(promServer), ReadHeaderTimeout: time.Minute}}
	server.Start()
	return server
}

// serving is an adapter that runs, on a real client of Prometheus, with the cluster stood in for.
func serving(t testing.TB, promURL string) *fixture {
	t.Helper()
	f := fixtureOf(t, rulesYAML, Deps{Kube: &kube.Kube{REST: apitest.Cluster(t)}, Servers: map[string]Server{"": promAt(t, promURL)}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ends with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end with its context")
		}
	})
	apitest.Eventually(t, func() bool { return f.Ready() == nil })
	return f
}

// promAt is a real client of what serves at a URL.
func promAt(t testing.TB, url string) Server {
	t.Helper()
	cfg := prom.DefaultConfig()
	cfg.URL = url
	c, err := prom.NewClient(cfg, prom.Deps{Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return realServer{c}
}

func (f *fixture) get(t testing.TB, path string) (*http.Response, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+f.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apitest.Allowed)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

const oneMetric = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/prod/pods/a/http_requests"

// Prometheus stops in mid-run and comes back: requests answer 503 with the cause, then values again, without a
// restart.
func TestPrometheusStopsAndComesBack(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	address := server.Listener.Addr().String()
	f := serving(t, server.URL)
	if resp, body := f.get(t, oneMetric); resp.StatusCode != 200 || !strings.Contains(body, `"timestamp":"1970-01-01T00:16:40Z","window":120,"value":"4"`) {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	server.CloseClientConnections()
	server.Close()
	apitest.Eventually(t, func() bool { // the first may still meet the end of an open connection
		resp, body := f.get(t, oneMetric)
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "15" || !strings.Contains(body, "rules[0]") ||
			!strings.Contains(body, "http_requests_total{namespace=") || strings.Contains(body, address) {
			t.Fatalf("%d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), body)
		}
		return strings.Contains(body, "connection refused")
	})
	again := listen(t, address)
	t.Cleanup(again.Close)
	if resp, body := f.get(t, oneMetric); resp.StatusCode != 200 {
		t.Errorf("after it is back: %d %s", resp.StatusCode, body)
	}
}

// A Prometheus that is down at the start leaves the adapter in service, and nothing is called unknown.
func TestPrometheusIsDownAtTheStart(t *testing.T) {
	server := listen(t, "127.0.0.1:0")
	server.Close()
	f := serving(t, server.URL)
	if resp, body := f.get(t, oneMetric); resp.StatusCode != 503 || !strings.Contains(body, "discovery is not complete") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := f.get(t, "/apis/custom.metrics.k8s.io/v1beta1"); resp.StatusCode != 200 {
		t.Errorf("the discovery document answers %d", resp.StatusCode)
	}
}

func TestReadyNamesWhatItWaitsFor(t *testing.T) {
	f := newFixture(t)
	if err := f.Ready(); err == nil || !strings.Contains(err.Error(), "not listening yet") {
		t.Errorf("before Run: %v", err)
	}
	if f.Addr() != nil {
		t.Error("there is an address before Run")
	}
}

func TestRunFailsWhereItMayNotAsk(t *testing.T) {
	away := apitest.Cluster(t)
	away.Host = "https://127.0.0.1:1"
	f := fixtureOf(t, rulesYAML, Deps{Kube: &kube.Kube{REST: away}})
	if err := f.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "extension-apiserver-authentication") {
		t.Errorf("error %v", err)
	}
}
