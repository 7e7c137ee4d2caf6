package api_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/adapter/api/apitest"
)

// A whole server answers each request as the library behind it does, also what the library's chain of filters decides.
// The header Origin sends the same request past the fast path.
func TestEveryParameterIsAnsweredAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	cluster, s := apitest.Start(t), &source{hold: make(chan struct{})}
	base := startWith(t, cluster, s, nil)
	client := proxied(t, false, cluster.Proxies.Client(t, apitest.ProxyName))
	answer := func(method, target, accept, origin string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+target, nil)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		req.Header = as("allowed")
		req.Header.Set("Accept", accept)
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		return resp.StatusCode, string(body)
	}
	check := func(method, target, accept string) {
		wantCode, want := answer(method, target, accept, "http://elsewhere")
		if code, got := answer(method, target, accept, ""); code != wantCode || got != want {
			t.Errorf("%s %s, Accept %q:\ngot  %d %.300s\nwant %d %.300s", method, target, accept, code, got, wantCode, want)
		}
	}
	paths := []string{
		custom + "/v1beta1/namespaces/ns/pods/p/m", custom + "/v1beta2/namespaces/ns/pods/*/m", custom + "/v1beta1/namespaces/ns/metrics/m",
		custom + "/v1beta1/nodes/n/m", external + "/v1beta1/namespaces/ns/q", custom + "/v1beta1", external + "/v1beta1",
	}
	parameters := []string{
		"timeout=0", "timeout=0s", "timeout=-1s", "timeout=-0", "timeout=5", "timeout=5x", "timeout=", "timeout", "timeout=%201s", "timeout=9000h",
		"timeout=99999999999999999999s", "timeout=5s&timeout=1ns", "timeout=x&timeout=1s", "timeout=.5h", "timeout=5s",
		"pretty", "pretty=true", "pretty=false", "pretty=0", "watch=true", "watch=false", "watch", "limit=1", "limit=x", "limit=-1", "continue=x", "resourceVersion=0",
		"resourceVersion=x", "resourceVersionMatch=Exact", "labelSelector=a%3Db", "labelSelector=%28", "labelSelector=a&labelSelector=b", "fieldSelector=metadata.name%3Dp",
		"metricLabelSelector=a%3Db", "metricLabelSelector=%28", "metricLabelSelector=a&metricLabelSelector=%28", "timeoutSeconds=1", "dryRun=All", "fieldManager=x",
		"a;b", "%zz", "=", "&&", "allowWatchBookmarks=true", "sendInitialEvents=true", "unknown=1",
	}
	accepts := []string{"application/json", "application/vnd.kubernetes.protobuf", "text/html", "application/json;as=Table;v=v1;g=meta.k8s.io", ""}
	for _, path := range paths {
		for i, parameter := range parameters {
			check(http.MethodGet, path+"?"+parameter, accepts[0])
			check(http.MethodGet, path+"?"+parameter, accepts[1+i%4])
		}
		for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			check(method, path, accepts[0])
		}
	}
	// A time-out that passes, on a source that answers after it: one that answers sooner races with the library's filter.
	for _, parameter := range []string{"timeout=1ms", "timeout=1ms&timeout=5s", "%zz&timeout=1ms", "timeout=1ms&pretty=true"} {
		check(http.MethodGet, custom+"/v1beta1/namespaces/ns/pods/p/held?"+parameter, accepts[0])
	}
	close(s.hold)
	random := rand.New(rand.NewPCG(9, 9))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	for range 300 {
		var query []string
		for range 1 + random.IntN(3) {
			query = append(query, pick(parameters))
		}
		check(http.MethodGet, pick(paths)+"?"+strings.Join(query, "&"), pick(accepts))
	}
}

// A URL past 16 KiB is refused before anything of it is read: its selector would take many times its length.
func TestAHugeURLIsRefusedUnread(t *testing.T) {
	t.Parallel()
	cluster, s := apitest.Start(t), &source{}
	base := startWith(t, cluster, s, nil)
	client := proxied(t, false, cluster.Proxies.Client(t, apitest.ProxyName))
	for _, target := range []string{
		custom + "/v1beta1/namespaces/ns/pods/*/m?labelSelector=" + url.QueryEscape(strings.Repeat("a,", 10_000)+"a"),
		custom + "/v1beta1/namespaces/ns/pods/*/m?" + strings.Repeat("labelSelector=a&", 2_000),
		custom + "/v1beta1/namespaces/" + strings.Repeat("n", 20_000) + "/pods/*/m",
	} {
		resp, body := ask(t, client, base+target, as("allowed"))
		if resp.StatusCode != http.StatusRequestURITooLong || !strings.Contains(body, "16384") {
			t.Errorf("%.80s: %d %.200s", target, resp.StatusCode, body)
		}
	}
	if asked := s.asked.Load(); asked != 0 {
		t.Errorf("the source was asked %d times", asked)
	}
	almost := custom + "/v1beta1/namespaces/ns/pods/*/m?labelSelector=" + url.QueryEscape(strings.Repeat("a,", 2_000)+"a")
	if resp, body := ask(t, client, base+almost, as("allowed")); resp.StatusCode != http.StatusOK {
		t.Errorf("a long one: %d %.200s", resp.StatusCode, body)
	}
}
