package delegate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider/defaults"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/config"
	serving "github.com/trimtab/trimtab/internal/serve"
)

// adapter is a metrics server that lists what it serves, as prometheus-adapter does.
type adapter struct {
	mu    sync.Mutex
	asked []string
}

func (a *adapter) note(parts ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, strings.Join(parts, " "))
}

// taken is what it was asked since the last time.
func (a *adapter) taken() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := strings.Join(a.asked, "; ")
	a.asked = nil
	return all
}

func (a *adapter) GetMetricByName(_ context.Context, name types.NamespacedName, info provider.CustomMetricInfo, selector labels.Selector) (*custom_metrics.MetricValue, error) {
	a.note("one", name.String(), info.String(), selector.String())
	switch name.Name {
	case "gone":
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	case "down":
		return nil, api.Unavailable(7*time.Second, "rules[0]: Prometheus is down")
	}
	return measured(name, info), nil
}

func measured(name types.NamespacedName, info provider.CustomMetricInfo) *custom_metrics.MetricValue {
	window := int64(120)
	return &custom_metrics.MetricValue{
		DescribedObject: custom_metrics.ObjectReference{APIVersion: "/v1", Kind: "Pod", Namespace: name.Namespace, Name: name.Name},
		Metric:          custom_metrics.MetricIdentifier{Name: info.Metric, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"code": "500"}}},
		Timestamp:       metav1.NewTime(time.Unix(1e9, 0).UTC()), WindowSeconds: &window, Value: resource.MustParse("2300m"),
	}
}

func (a *adapter) GetMetricBySelector(_ context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValueList, error) {
	a.note("many", namespace, info.String(), selector.String(), metricSelector.String())
	if namespace == "empty" {
		return &custom_metrics.MetricValueList{}, nil
	}
	return &custom_metrics.MetricValueList{Items: []custom_metrics.MetricValue{
		*measured(types.NamespacedName{Namespace: namespace, Name: "a"}, info), *measured(types.NamespacedName{Namespace: namespace, Name: "b"}, info),
	}}, nil
}

func (a *adapter) ListAllMetrics() []provider.CustomMetricInfo {
	return []provider.CustomMetricInfo{
		{GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: "rps"},
		{GroupResource: schema.GroupResource{Group: "apps", Resource: "deployments"}, Namespaced: true, Metric: "rps"},
		{GroupResource: schema.GroupResource{Resource: "nodes"}, Metric: "load"},
		{GroupResource: schema.GroupResource{Resource: "namespaces"}, Metric: "rps"},
	}
}

func (a *adapter) GetExternalMetric(_ context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	a.note("external", namespace, info.Metric, selector.String())
	return &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{{
		MetricName: info.Metric, MetricLabels: map[string]string{"queue": "q"}, Timestamp: metav1.NewTime(time.Unix(1e9, 0).UTC()), Value: resource.MustParse("7"),
	}}}, nil
}

func (a *adapter) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	return []provider.ExternalMetricInfo{{Metric: "queue_length"}, {Metric: "externalmetrics"}}
}

// keda serves external metrics and does not list them; what it does not know is a plain error.
type keda struct {
	defaults.DefaultExternalMetricsProvider
	asked sync.Map
}

func (k *keda) GetExternalMetric(_ context.Context, namespace string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	k.asked.Store(info.Metric, true)
	name, found := selector.RequiresExactMatch("scaledobject.keda.sh/name")
	switch {
	case info.Metric == "missing":
		return nil, provider.NewMetricNotFoundError(schema.GroupResource{}, info.Metric)
	case !found:
		return nil, errors.New("the selector names no ScaledObject")
	}
	return &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{{
		MetricName: info.Metric, MetricLabels: map[string]string{"of": namespace + "/" + name}, Value: resource.MustParse("3"),
	}}}, nil
}

// serve starts a real metrics server and returns the configuration of a delegate that reaches it.
func serve(t *testing.T, custom provider.CustomMetricsProvider, external provider.ExternalMetricsProvider) Config {
	t.Helper()
	cert, key, err := certutil.GenerateSelfSignedCertKey("127.0.0.1", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		BindAddress: "127.0.0.1", RequestTimeout: 10 * time.Second, REST: apitest.Cluster(t),
		TLS: serving.TLS{CertFile: file(t, "tls.crt", string(cert)), KeyFile: file(t, "tls.key", string(key))},
	}
	if custom != nil {
		cfg.CustomMetrics = fromCustomProvider{custom}
	}
	if external != nil {
		cfg.ExternalMetrics = fromExternalProvider{external}
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
		if err := <-ended; err != nil {
			t.Errorf("the server ends with %v", err)
		}
	})
	apitest.Eventually(t, func() bool { return server.Ready() == nil })
	c := defaultConfig("https://" + server.Addr().String())
	c.TLS.CAFile, c.BearerTokenFile = cfg.TLS.CertFile, file(t, "token", apitest.Allowed+"\n")
	return c
}

// old takes custom v1beta2 away from a server.
func old(t *testing.T, c Config) Config {
	t.Helper()
	target, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	behind, err := newDelegate(c, "")
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = behind.http.Transport
	return front(t, c, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "v1beta2") {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// front starts a TLS server and returns c changed to ask it.
func front(t *testing.T, c Config, handle http.HandlerFunc) Config {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	c.URL, c.TLS.CAFile = server.URL, file(t, "ca.crt", authority(server))
	return c
}

func defaultConfig(url string) Config {
	c := Config{Name: "other", URL: url}
	c.SetDefaults()
	c.Timeout = config.Duration(20 * time.Second)
	return c
}

func start(t *testing.T, c Config) *Delegate {
	t.Helper()
	d, err := newDelegate(c, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.CloseIdleConnections)
	return d
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	replace(t, path, content)
	return path
}

// replace changes a file as the kubelet does: at once.
func replace(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func authorityOf(t *testing.T, c Config) string {
	t.Helper()
	pem, err := os.ReadFile(c.TLS.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem)
}
