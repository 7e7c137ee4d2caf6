package delegate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	certutil "k8s.io/client-go/util/cert"
)

// What is sent is the question, trimtab's own token, and the mark of a request that is passed on.
func TestWhoAsks(t *testing.T) {
	t.Parallel()
	var sent atomic.Pointer[http.Header]
	cfg := front(t, defaultConfig(""), behind(func(w http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		sent.Store(&h)
		saysStatus(403, "no")(w, r)
	}))
	own, given := file(t, "own", "own-secret"), file(t, "given", "first-secret\n")
	for _, c := range []struct{ name, own, given, now, want string }{
		{"no token", "/nowhere", "", "", ""},
		{"the pod's", own, "", "", "Bearer own-secret"},
		{"the one of the file", own, given, "", "Bearer first-secret"},
		{"the file has changed", own, given, "second-secret", "Bearer second-secret"},
	} {
		cfg.BearerTokenFile = c.given
		if c.now != "" {
			replace(t, given, c.now)
		}
		d, err := newDelegate(cfg, c.own)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = d.External(t.Context(), "prod", "q", nil)
		d.CloseIdleConnections()
		h := *sent.Load()
		if got := h.Get("Authorization"); got != c.want || !Delegated(h) || h.Get("User-Agent") != "trimtab" {
			t.Errorf("%s: sent %q", c.name, h)
		}
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
}

// A token file that is gone, or has changed, is noticed with the next request of the same delegate.
func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	cfg := front(t, defaultConfig(""), behind(says(200, values)))
	cfg.BearerTokenFile = file(t, "token", "secret")
	good := authorityOf(t, cfg)
	d := start(t, cfg)
	ask := func(status int, message string) {
		t.Helper()
		d.mu.Lock()
		d.rest = nil // that a delegate is left alone is tested elsewhere
		d.mu.Unlock()
		_, _, err := d.External(t.Context(), "prod", "q", nil)
		if statusOf(err) != status || err != nil && !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %d %s", err, status, message)
		}
	}
	ask(200, "")
	other, _, err := certutil.GenerateSelfSignedCertKey("other", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, cfg.TLS.CAFile, string(other))
	ask(503, "certificate signed by unknown authority; tls.caFile names the CAs to trust")
	replace(t, cfg.TLS.CAFile, "nonsense")
	ask(503, cfg.TLS.CAFile)
	replace(t, cfg.TLS.CAFile, good)
	ask(200, "")
	replace(t, cfg.BearerTokenFile, "sec\x00ret")
	ask(503, "invalid header field value")
	cfg.BearerTokenFile += ".gone"
	d = start(t, cfg)
	ask(503, cfg.BearerTokenFile)
}

// The certificate must name the host, or what tls.serverName says.
func TestServerName(t *testing.T) {
	t.Parallel()
	cfg := front(t, defaultConfig(""), behind(says(200, values)))
	for name, says := range map[string]string{"": "", "example.com": "", "other.prod.svc": "tls.serverName the name to expect"} {
		cfg.TLS.ServerName = name
		_, _, err := start(t, cfg).External(t.Context(), "prod", "q", nil)
		if (err == nil) != (says == "") || err != nil && (statusOf(err) != 503 || !strings.Contains(err.Error(), says)) {
			t.Errorf("server name %q: %v", name, err)
		}
	}
	cfg.TLS = TLS{InsecureSkipVerify: true}
	cfg.BearerTokenFile = file(t, "token", "of an account that may little")
	if _, _, err := start(t, cfg).External(t.Context(), "prod", "q", nil); err != nil {
		t.Errorf("any certificate: %v", err)
	}
}

// A redirect would take the token elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var visited atomic.Bool
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
	t.Cleanup(elsewhere.Close)
	d := start(t, front(t, defaultConfig(""), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	_, known, err := d.Custom(t.Context(), pods("rps"))
	if known || statusOf(err) != 503 || visited.Load() {
		t.Errorf("known %v, %v; elsewhere was visited: %v", known, err, visited.Load())
	}
}

// A trimtab that was named as its own delegate refuses itself, and goes on to answer everyone else.
func TestACircle(t *testing.T) {
	t.Parallel()
	var d *Delegate
	trimtab := Refuse(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, err := d.External(r.Context(), "prod", "q", nil)
		says(statusOf(err), err.Error())(w, r)
	}))
	cfg := front(t, defaultConfig(""), trimtab.ServeHTTP)
	d = start(t, cfg)
	w := httptest.NewRecorder()
	trimtab.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/apis/external.metrics.k8s.io/v1beta1/namespaces/prod/q", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "goes in a circle") || !strings.Contains(w.Body.String(), "take it out of adapter.delegates") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
