package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// start gives a proxy in front of a server that answers with the parameters that it got.
func start(t *testing.T) *Proxy {
	t.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, _ = io.WriteString(w, r.Form.Encode())
	}))
	t.Cleanup(target.Close)
	p, err := Start(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatIsAskedIsForwardedAndWrittenDown(t *testing.T) {
	t.Parallel()
	p := start(t)
	resp, err := http.Get(p.URL + "/api/v1/query?query=up%7Ba%3D%22b%22%7D")
	if got := body(t, resp, err); got != "query=up%7Ba%3D%22b%22%7D" {
		t.Errorf("GET was forwarded as %q", got)
	}
	resp, err = http.PostForm(p.URL+"/api/v1/series?dedup=1", url.Values{"match[]": {"a", "b"}})
	if got := body(t, resp, err); got != "dedup=1&match%5B%5D=a&match%5B%5D=b" {
		t.Errorf("POST was forwarded as %q", got)
	}
	want := []Request{
		{Method: "GET", Path: "/api/v1/query", Query: `up{a="b"}`},
		{Method: "POST", Path: "/api/v1/series", Match: []string{"a", "b"}},
	}
	if got := p.Take(); !reflect.DeepEqual(got, want) {
		t.Errorf("written down is %v, want %v", got, want)
	}
	if again := p.Take(); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
}

func TestItIsSlowAndBrokenOnDemand(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Delay(50 * time.Millisecond)
	p.Fail(http.StatusServiceUnavailable)
	began := time.Now()
	resp, err := http.Get(p.URL)
	if got := body(t, resp, err); !strings.Contains(got, "broken on demand") || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s: %q", resp.Status, got)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
	p.Delay(0)
	p.Fail(0)
	resp, err = http.Get(p.URL)
	if body(t, resp, err); resp.StatusCode != http.StatusOK {
		t.Errorf("answered %s after it was mended", resp.Status)
	}
}
