package api_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/serve"
)

// fixed answers 2300m for everything but for what its name says.
type fixed struct{}

func (fixed) Custom(_ context.Context, q api.CustomRequest, a *api.CustomAnswer) error {
	switch q.Metric {
	case "down":
		return api.Unavailable(2500*time.Millisecond, "Prometheus is down")
	case "down-for-long":
		return api.Unavailable(time.Hour, "Prometheus is down")
	case "slow":
		return api.TimedOut(0, "Prometheus is slow")
	case "gone":
		return api.NotFound("no such metric")
	}
	a.APIVersion, a.Kind, a.Namespace, a.Metric = "/v1", "Pod", q.Namespace, q.Metric
	if q.Name != "" {
		a.Items = append(a.Items, api.CustomItem{Name: q.Name, Milli: 2300, TimestampMillis: 1e12})
	}
	return nil
}

func (fixed) CustomMetrics() ([]api.CustomMetric, uint64) {
	return []api.CustomMetric{{Resource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Name: "m"}}, 1
}

func (fixed) External(_ context.Context, _ api.ExternalRequest, a *api.ExternalAnswer) error {
	a.Items = append(a.Items, api.ExternalItem{Metric: "q", Value: resource.MustParse("7")})
	return nil
}

func (fixed) ExternalMetrics() ([]string, uint64) { return nil, 1 }

// start serves until the test ends and returns the base URL.
func start(t *testing.T, change func(*api.Config)) string {
	t.Helper()
	cfg := api.Config{BindAddress: "127.0.0.1", RequestTimeout: 10 * time.Second, REST: apitest.Cluster(t), CustomMetrics: fixed{}, ExternalMetrics: fixed{}}
	if change != nil {
		change(&cfg)
	}
	server, err := api.Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ends with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run does not end with its context")
		}
	})
	apitest.Eventually(t, func() bool { return server.Ready() == nil })
	return "https://" + server.Addr().String()
}

func get(t *testing.T, url, token string) (*http.Response, string) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return do(t, url, header)
}

func do(t *testing.T, url string, header http.Header, certificates ...tls.Certificate) (*http.Response, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}, DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
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

const custom, external = "/apis/custom.metrics.k8s.io", "/apis/external.metrics.k8s.io"

func TestWhatIsServedToWhom(t *testing.T) {
	base := start(t, nil)
	for _, c := range []struct {
		path, token string
		status      int
		says        string
	}{
		{custom + "/v1beta1/namespaces/a/pods/p/m", apitest.Allowed, 200, `"value":"2300m"`},
		{custom + "/v1beta2/namespaces/a/pods/p/m", apitest.Allowed, 200, `"metric":{"name":"m"`},
		{custom + "/v1beta1/namespaces/a/pods/*/m?labelSelector=app%3Dx", apitest.Allowed, 200, `"items":[]`},
		{external + "/v1beta1/namespaces/a/q", apitest.Allowed, 200, `"value":"7"`},
		{custom + "/v1beta1", apitest.Allowed, 200, `"name":"pods/m","singularName":"","namespaced":true`},
		{external + "/v1beta1", apitest.Allowed, 200, `"resources":[]`},
		{"/openapi/v2", apitest.Allowed, 200, "io.k8s.metrics.pkg.apis.external_metrics.v1beta1"},
		{"/openapi/v3", apitest.Allowed, 200, "apis/custom.metrics.k8s.io/v1beta2"},
		{"/healthz", "", 200, "ok"},
		{"/metrics", apitest.Allowed, 404, ""},
		{custom + "/v1beta1/namespaces/a/pods/p/m", "", 403, "system:anonymous"},
		{custom + "/v1beta1/namespaces/a/pods/p/m", "stolen", 401, "Unauthorized"},
		{custom + "/v1beta1/namespaces/a/pods/p/m", apitest.Known, 403, `User \"known\" cannot get resource \"pods/m\"`},
		{external + "/v1beta1/namespaces/a/q", apitest.Known, 403, `cannot list resource \"q\"`},
		{custom + "/v1beta1/namespaces/a/pods/p/gone", apitest.Allowed, 404, "no such metric"},
		{custom + "/v1beta1/namespaces/a/pods/p/slow", apitest.Allowed, 504, "Prometheus is slow"},
		{custom + "/v1beta1/namespaces/a/pods/p/m?metricLabelSelector=a%3D%3D%3D", apitest.Allowed, 400, "metricLabelSelector"},
		{custom + "/v1beta1/namespaces/a/pods/*/m?labelSelector=%28", apitest.Allowed, 400, "found '('"},
	} {
		resp, body := get(t, base+c.path, c.token)
		if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s as %q: %d %s\nwant %d with %s", c.path, c.token, resp.StatusCode, body, c.status, c.says)
		}
	}
}

// The API server passes requests on with the user's name in a header. It is believed only if the certificate is
// of the front proxy's authority and has the front proxy's name.
func TestRequestsThroughTheAggregator(t *testing.T) {
	cluster, proxies := apitest.ClusterWithProxy(t)
	base := start(t, func(c *api.Config) { c.REST = cluster })
	for _, c := range []struct {
		user   string
		certs  []tls.Certificate
		status int
		says   string
	}{
		{"allowed", proxies[:1], 200, "2300m"},
		{"known", proxies[:1], 403, `User \"known\" cannot get`},
		{"allowed", proxies[1:], 401, "Unauthorized"},
		{"allowed", nil, 403, "system:anonymous"},
	} {
		resp, body := do(t, base+custom+"/v1beta1/namespaces/a/pods/p/m", http.Header{"X-Remote-User": {c.user}}, c.certs...)
		if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("as %s with %d certificates: %d %s\nwant %d with %s", c.user, len(c.certs), resp.StatusCode, body, c.status, c.says)
		}
	}
}

// The status tells everyone when to ask again. The header does not reach client-go, which would wait and ask ten
// times over before it tells the HPA controller anything.
func TestRetryAfterReachesThoseWhoMayUseIt(t *testing.T) {
	base := start(t, nil)
	for agent, want := range map[string]string{
		"curl/8.5": "3",
		"kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abcdef0/system:serviceaccount:kube-system:horizontal-pod-autoscaler": "",
		"kubectl/v1.37.0 (linux/amd64) kubernetes/abcdef0": "",
	} {
		resp, body := do(t, base+custom+"/v1beta1/namespaces/a/pods/p/down", http.Header{"Authorization": {"Bearer " + apitest.Allowed}, "User-Agent": {agent}})
		var status metav1.Status
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 503 || status.Reason != metav1.StatusReasonServiceUnavailable || status.Message != "Prometheus is down" || status.Details.RetryAfterSeconds != 3 {
			t.Errorf("%s: %d %s", agent, resp.StatusCode, body)
		}
		if got := resp.Header.Get("Retry-After"); got != want {
			t.Errorf("%s gets Retry-After %q, want %q", agent, got, want)
		}
	}
}

// A client built on client-go gets the error at once.
func TestClientGoIsNotHeldUp(t *testing.T) {
	base := start(t, nil)
	client, err := rest.UnversionedRESTClientFor(&rest.Config{
		Host: base, BearerToken: apitest.Allowed, UserAgent: rest.DefaultKubernetesUserAgent(), TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		ContentConfig: rest.ContentConfig{NegotiatedSerializer: scheme.Codecs.WithoutConversion()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a client that obeyed Retry-After would wait an hour
	defer cancel()
	err = client.Get().AbsPath(custom + "/v1beta1/namespaces/a/pods/p/down-for-long").Do(ctx).Error()
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "Prometheus is down") {
		t.Errorf("error %v", err)
	}
}

func TestCertificateFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write := func(host string) {
		c, k, err := certutil.GenerateSelfSignedCertKey(host, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{cert: c, key: k} {
			if err := os.WriteFile(path+".new", data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
	}
	served := func(base string) string {
		resp, _ := get(t, base+"/healthz", "")
		return strings.Join(resp.TLS.PeerCertificates[0].DNSNames, " ")
	}
	write("first.example.com")
	base := start(t, func(c *api.Config) { c.TLS.CertFile, c.TLS.KeyFile = cert, key })
	if got := served(base); got != "first.example.com" {
		t.Fatalf("serves the certificate of %q", got)
	}
	write("second.example.com")
	apitest.Eventually(t, func() bool { return served(base) == "second.example.com" })
}

func TestListenTellsWhatIsMissing(t *testing.T) {
	closed := apitest.Cluster(t)
	closed.Host = "https://127.0.0.1:1"
	for name, c := range map[string]struct {
		cfg  api.Config
		says string
	}{
		"no cluster":     {api.Config{REST: closed}, "extension-apiserver-authentication"},
		"no certificate": {api.Config{REST: apitest.Cluster(t), BindAddress: "127.0.0.1", TLS: serve.TLS{CertFile: "/nowhere.crt", KeyFile: "/nowhere.key"}}, "/nowhere.crt"},
		"no address":     {api.Config{REST: apitest.Cluster(t), BindAddress: "192.0.2.1"}, "192.0.2.1"},
	} {
		_, err := api.Listen(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one with %s", name, err, c.says)
		}
	}
}
