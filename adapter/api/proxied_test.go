package api_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/adapter/api"
	"github.com/trimtab/trimtab/adapter/api/apitest"
)

// source answers 2300m for each object, and does what the metric's name says.
type source struct {
	asked atomic.Int64
	hold  chan struct{}
	// released counts the answers that were held and are on their way.
	released atomic.Int64
}

func (s *source) Custom(ctx context.Context, q api.CustomRequest, a *api.CustomAnswer) error {
	s.asked.Add(1)
	switch q.Metric {
	case "panic":
		panic("the provider")
	case "slow":
		<-ctx.Done()
		return ctx.Err()
	case "held":
		<-s.hold
		s.released.Add(1)
	case "two":
		a.Items = append(a.Items, api.CustomItem{})
	}
	a.APIVersion, a.Kind, a.Namespace, a.Metric = "/v1", "Pod", q.Namespace, q.Metric
	a.Items = append(a.Items, api.CustomItem{Name: q.Name, Milli: 2300, TimestampMillis: 1e12})
	return nil
}

func (*source) CustomMetrics() ([]api.CustomMetric, uint64) { return nil, 0 }

func (*source) External(_ context.Context, q api.ExternalRequest, a *api.ExternalAnswer) error {
	a.Items = append(a.Items, api.ExternalItem{Metric: q.Metric})
	return nil
}

func (*source) ExternalMetrics() ([]string, uint64) { return nil, 0 }

// proxied is a client that asks as the cluster's API server passes requests on.
func proxied(t testing.TB, h2 bool, certificate tls.Certificate) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}, ForceAttemptHTTP2: h2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func as(user string, groups ...string) http.Header {
	return http.Header{"X-Remote-User": {user}, "X-Remote-Group": groups}
}

func ask(t testing.TB, client *http.Client, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
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

func startWith(t *testing.T, cluster *apitest.Server, s *source, change func(*api.Config)) string {
	t.Helper()
	return start(t, func(c *api.Config) {
		c.REST, c.CustomMetrics, c.ExternalMetrics = cluster.REST, s, s
		if change != nil {
			change(c)
		}
	})
}

// The API server is asked once for each thing that someone may do, and what it is asked tells all but selectors, which
// only limit what is allowed without.
func TestWhatIsReviewed(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	base := startWith(t, cluster, &source{}, nil)
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	header := as("allowed", "a", "b")
	header["X-Remote-Extra-Scopes"] = []string{"x"}
	header["X-Remote-Uid"] = []string{"no header of the configmap"}
	targets := []string{
		custom + "/v1beta1/namespaces/ns/pods/p/m", custom + "/v1beta2/namespaces/ns/pods/*/m?labelSelector=a%3Db",
		custom + "/v1beta1/namespaces/ns/metrics/m", custom + "/v1beta1/nodes/n/m", custom + "/v1beta1",
		external + "/v1beta1/namespaces/ns/q?labelSelector=a%3Db", external + "/v1beta1/namespaces/ns/q?labelSelector=a%3Dc",
		external + "/v1beta1/namespaces/ns/q", external + "/v1beta1/namespaces/other/q?labelSelector=a%3Db",
	}
	for _, target := range append(targets, targets...) {
		resp, body := ask(t, client, base+target, header)
		if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s %d %s", target, resp.Proto, resp.StatusCode, body)
		}
	}
	onCustom := func(version, namespace, resource, name, sub string) *authorizationv1.ResourceAttributes {
		return &authorizationv1.ResourceAttributes{Verb: "get", Group: "custom.metrics.k8s.io", Version: version, Namespace: namespace, Resource: resource, Name: name, Subresource: sub}
	}
	onExternal := func(namespace string) *authorizationv1.ResourceAttributes {
		return &authorizationv1.ResourceAttributes{Verb: "list", Group: "external.metrics.k8s.io", Version: "v1beta1", Namespace: namespace, Resource: "q"}
	}
	want := []authorizationv1.SubjectAccessReviewSpec{
		{ResourceAttributes: onCustom("v1beta1", "ns", "pods", "p", "m")}, {ResourceAttributes: onCustom("v1beta2", "ns", "pods", "*", "m")},
		{ResourceAttributes: onCustom("v1beta1", "ns", "metrics", "m", "")}, {ResourceAttributes: onCustom("v1beta1", "", "nodes", "n", "m")},
		{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: custom + "/v1beta1", Verb: "get"}},
		{ResourceAttributes: onExternal("ns")}, {ResourceAttributes: onExternal("other")},
	}
	got := cluster.Reviews()
	for i := range want {
		want[i].User, want[i].Groups = "allowed", []string{"a", "b", "system:authenticated"}
		want[i].Extra = map[string]authorizationv1.ExtraValue{"scopes": {"x"}}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("reviewed was\n%+v\nwant\n%+v", got, want)
	}
}

// A refusal reads as the library's and is nobody else's permission; masters are not reviewed.
func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	s := &source{}
	base := startWith(t, cluster, s, nil)
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	url := base + custom + "/v1beta1/namespaces/ns/pods/p/m"
	for _, c := range []struct {
		header http.Header
		status int
		says   string
	}{
		{as("allowed"), 200, "2300m"},
		{as("known"), 403, `User \"known\" cannot get resource \"pods/m\" in API group \"custom.metrics.k8s.io\" in the namespace \"ns\"`},
		{as("known", "allowed"), 403, "known"},
		{as("boss", "system:masters"), 200, "2300m"},
		{as("system:anonymous"), 403, "system:anonymous"},
		{as(""), 401, "Unauthorized"},
		{http.Header{"X-Remote-User": {"known", "allowed"}}, 403, "known"},
		{http.Header{"X-Remote-User": {"known"}, "Impersonate-User": {"allowed"}}, 403, `cannot impersonate`},
		{http.Header{"X-Remote-User": {"known"}, "Authorization": {"Bearer " + apitest.Allowed}}, 403, "known"},
	} {
		for range 2 {
			before := s.asked.Load()
			resp, body := ask(t, client, url, c.header)
			if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%v: %d %s, want %d with %s", c.header, resp.StatusCode, body, c.status, c.says)
			}
			if asked := s.asked.Load() - before; (asked == 1) != (c.status == 200) {
				t.Errorf("%v: %d, and the source was asked %d times", c.header, resp.StatusCode, asked)
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-cache, private" || resp.Header.Get("Audit-Id") == "" {
				t.Errorf("%v: headers %v", c.header, resp.Header)
			}
		}
	}
}

// A connection that was let in does not outlive its CA.
func TestARotatedCAEndsTheOldProxysBelief(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	base := startWith(t, cluster, &source{}, nil)
	next := apitest.NewAuthority(t)
	before, after := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName)), proxied(t, true, next.Client(t, apitest.ProxyName))
	url := base + custom + "/v1beta1/namespaces/ns/pods/p/m"
	status := func(client *http.Client) int {
		resp, _ := ask(t, client, url, as("allowed"))
		return resp.StatusCode
	}
	if got := []int{status(before), status(before), status(after)}; !reflect.DeepEqual(got, []int{200, 200, 401}) {
		t.Fatalf("before: %v", got)
	}
	cluster.Publish("requestheader-client-ca-file", next.PEM)
	apitest.Eventually(t, func() bool { return status(after) == 200 })
	if got := status(before); got != 401 {
		t.Errorf("the old proxy, on its old connection, gets %d", got)
	}
	cluster.Publish("requestheader-allowed-names", `["another"]`)
	apitest.Eventually(t, func() bool { return status(after) == 401 })
}

func TestFailuresOfASourceAreStatuses(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	base := startWith(t, cluster, &source{}, nil)
	hasty := startWith(t, cluster, &source{}, func(c *api.Config) { c.RequestTimeout = 200 * time.Millisecond })
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	for target, want := range map[string]metav1.Status{
		"/panic":                   {Code: 500, Reason: metav1.StatusReasonInternalError, Message: "the request made the server panic; its log tells where"},
		"/two":                     {Code: 500, Reason: metav1.StatusReasonInternalError, Message: `2 values instead of one for pods "p"`},
		"/slow":                    {Code: 504, Reason: metav1.StatusReasonTimeout, Message: "Timeout: request did not complete within the allotted timeout"},
		"/m?metricLabelSelector=(": {Code: 400, Reason: metav1.StatusReasonBadRequest, Message: `metricLabelSelector "(": found '(', expected: !, identifier, or 'end of string'`},
	} {
		at := base
		if target == "/slow" {
			at = hasty
		}
		resp, body := ask(t, client, at+custom+"/v1beta1/namespaces/ns/pods/p"+target, as("allowed"))
		var got metav1.Status
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
			continue
		}
		// The review of a request may have been what took its 200 ms; the message goes on to say so.
		if resp.StatusCode != int(want.Code) || got.Code != want.Code || got.Reason != want.Reason || !strings.HasPrefix(got.Message, want.Message) || got.Kind != "Status" {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
	}
}

// Who may ask is asked within the request's own time, and what is late is late whoever was slow.
func TestASlowReviewIsATimeout(t *testing.T) {
	t.Parallel()
	cluster, s := apitest.Start(t), &source{}
	base := startWith(t, cluster, s, func(c *api.Config) { c.RequestTimeout = 200 * time.Millisecond })
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	release := cluster.HoldReviews()
	url := base + custom + "/v1beta1/namespaces/ns/pods/p/m"
	resp, body := ask(t, client, url, as("allowed"))
	if says := "Timeout: request did not complete within the allotted timeout: the API server has not said whether this user may ask"; resp.StatusCode != 504 || !strings.Contains(body, says) {
		t.Errorf("%d %s, want 504 with %q", resp.StatusCode, body, says)
	}
	if asked := s.asked.Load(); asked != 0 {
		t.Errorf("the source was asked %d times before the review was there", asked)
	}
	release()
	apitest.Eventually(t, func() bool {
		resp, _ := ask(t, client, url, as("allowed"))
		return resp.StatusCode == 200
	})
}

// The end of a server waits for the answers that are under way. That it has begun shows in the port, which takes no new
// connections; that it waited shows in the order: the answer comes before the end.
func TestTheEndWaitsForRequestsInFlight(t *testing.T) {
	t.Parallel()
	cluster, s := apitest.Start(t), &source{hold: make(chan struct{})}
	server, err := api.Listen(t.Context(), api.Config{BindAddress: "127.0.0.1", RequestTimeout: 20 * time.Second, REST: cluster.REST, CustomMetrics: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	type end struct {
		err      error
		released int64
	}
	ended := make(chan end, 1)
	go func() {
		err := server.Run(ctx)
		ended <- end{err, s.released.Load()}
	}()
	apitest.Eventually(t, func() bool { return server.Ready() == nil })
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	got := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+server.Addr().String()+custom+"/v1beta1/namespaces/ns/pods/p/held", nil)
		req.Header = as("allowed")
		resp, err := client.Do(req)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- resp.Status + string(body)
	}()
	apitest.Eventually(t, func() bool { return s.asked.Load() == 1 })
	cancel()
	apitest.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", server.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(s.hold)
	if answer := <-got; !strings.Contains(answer, "200 OK") || !strings.Contains(answer, "2300m") {
		t.Errorf("the answer in flight was %s", answer)
	}
	if end := <-ended; end.err != nil || end.released != 1 {
		t.Errorf("Run ends with %v, and %d answers were let go before", end.err, end.released)
	}
}

func TestHowThePortSpeaks(t *testing.T) {
	t.Parallel()
	cluster := apitest.Start(t)
	base := startWith(t, cluster, &source{}, func(c *api.Config) {
		c.TLS.DisableHTTP2, c.TLS.MinVersion = true, "VersionTLS13"
	})
	client := proxied(t, true, cluster.Proxies.Client(t, apitest.ProxyName))
	if resp, body := ask(t, client, base+custom+"/v1beta1/namespaces/ns/pods/p/m", as("allowed")); resp.ProtoMajor != 1 || resp.StatusCode != 200 {
		t.Errorf("%s %d %s", resp.Proto, resp.StatusCode, body)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := old.Do(req); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.2 is spoken, too")
	}
	suites := startWith(t, cluster, &source{}, func(c *api.Config) {
		c.TLS.DisableHTTP2, c.TLS.CipherSuites = true, []string{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}
	})
	req.URL.Host = strings.TrimPrefix(suites, "https://")
	resp, err := old.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := tls.CipherSuiteName(resp.TLS.CipherSuite); !strings.HasSuffix(got, "AES_256_GCM_SHA384") {
		t.Errorf("speaks %s", got)
	}
	for says, change := range map[string]func(*api.Config){
		"VersionTLS11": func(c *api.Config) { c.TLS.MinVersion = "VersionTLS11" },
		"ROT13":        func(c *api.Config) { c.TLS.CipherSuites = []string{"ROT13"} },
		"HTTP/2":       func(c *api.Config) { c.TLS.CipherSuites = []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"} },
	} {
		cfg := api.Config{BindAddress: "127.0.0.1", REST: cluster.REST}
		change(&cfg)
		if _, err := api.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one with %s", err, says)
		}
	}
}
