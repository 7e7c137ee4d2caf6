package delegate

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/config"
)

func authority(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

const (
	list   = `{"kind":"APIResourceList","groupVersion":"external.metrics.k8s.io/v1beta1","resources":[{"name":"q"},{"name":"p"}]}`
	values = `{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","items":[{"metricName":"q","value":"5"}]}`
)

// behind lists the external metrics p and q, no custom ones, and answers requests for values by handle.
func behind(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/apis/external.metrics.k8s.io/v1beta1"):
			_, _ = io.WriteString(w, list)
		case strings.Contains(r.URL.Path, "custom"):
			http.NotFound(w, r)
		default:
			handle(w, r)
		}
	}
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func saysStatus(code int, message string) http.HandlerFunc {
	body, _ := json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status"}, Code: 1, Message: message, Reason: metav1.StatusReason(strings.Repeat("r", 1000))})
	return says(code, string(body))
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func huge(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<16))
	for range 1000 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func items(all string) string {
	return strings.ReplaceAll(values, `{"metricName":"q","value":"5"}`, all)
}

// Whatever comes back, the metric that the delegate listed is its own, no value is made up, and the error says what
// came. Those that are no answer of a metrics server at all leave it alone for a while.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		status int
		says   string
		rests  bool
	}{
		"hangs":                 {hang, 504, "no answer within 300ms", true},
		"hangs in the body":     {func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); hang(w, r) }, 504, "no answer within", true},
		"hangs up":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503, "closed the connection", true},
		"too large":             {huge, 500, "answers more than 8388608 bytes", false},
		"a redirect":            {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, 503, "a redirect, which is not followed", true},
		"a proxy's page":        {says(502, "<html>bad gateway"), 503, `HTTP 502, no status of a Kubernetes API: text/html "<html>bad gateway"`, true},
		"a page":                {says(200, "<html>hello"), 503, "values that cannot be read", true},
		"nothing":               {says(200, ""), 503, "values that cannot be read", true},
		"no content":            {says(204, ""), 503, "HTTP 204", true},
		"a plain 404":           {says(404, "404 page not found"), 503, "HTTP 404, no status of a Kubernetes API", false},
		"another kind":          {says(200, `{"kind":"Status"}`), 503, `kind "Status" of "" where the ExternalMetricValueList of external.metrics.k8s.io/v1beta1 is expected`, true},
		"another version":       {says(200, strings.ReplaceAll(values, "v1beta1", "v2")), 503, "v2", true},
		"no value":              {says(200, items(`{"metricName":"q","value":"5"},{"metricName":"q"}`)), 503, "item 1 has no value", true},
		"a null value":          {says(200, items(`{"value":null}`)), 503, "item 0 has no value", true},
		"an empty value":        {says(200, items(`{"value":""}`)), 503, "item 0:", true},
		"no number":             {says(200, items(`{"value":"NaN"}`)), 503, `"NaN" is no quantity`, true},
		"an endless number":     {says(200, items(`{"value":"1e-100000000"}`)), 503, "no quantity that can be taken", true},
		"many digits":           {says(200, items(`{"value":"`+strings.Repeat("9", 1000)+`"}`)), 503, "too long", true},
		"a bomb of items":       {says(200, items(strings.Repeat("{},", 200_000)+"{}")), 503, "more than 100000 items", true},
		"items that are none":   {says(200, strings.ReplaceAll(items(""), "[]", "{}")), 503, "a list is expected", true},
		"its own 500":           {saysStatus(500, "the scaler failed"), 500, "HTTP 500: the scaler failed", false},
		"its own 504":           {saysStatus(504, "slow"), 504, "HTTP 504: slow", false},
		"its own 400":           {saysStatus(400, "a bad selector"), 400, "HTTP 400: a bad selector", false},
		"its own 404":           {saysStatus(404, "no sample"), 404, "HTTP 404: no sample", false},
		"too many requests":     {saysStatus(429, "later"), 503, "HTTP 429: later", false},
		"a long message":        {saysStatus(500, strings.Repeat("x", 1<<20)), 500, "HTTP 500: xxx", false},
		"the token is not good": {saysStatus(401, "Unauthorized"), 500, "does not take trimtab's token: HTTP 401: Unauthorized; set bearerTokenFile", true},
		"no permission":         {saysStatus(403, "no"), 500, "grant it get in custom.metrics.k8s.io and list in external.metrics.k8s.io", false},
		"a circle":              {Refuse(nil).ServeHTTP, 500, "goes in a circle: HTTP 508: this is a trimtab with delegates of its own", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, front(t, defaultConfig(""), behind(c.handle)))
			if err := d.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "hangs") {
				d.cfg.Timeout = config.Duration(300 * time.Millisecond)
			}
			list, known, err := d.External(t.Context(), "prod", "q", nil)
			if list != nil || !known || statusOf(err) != c.status || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 2000 {
				t.Fatalf("%v, known %v, %d %.2000v; want %d %s", list, known, statusOf(err), err, c.status, c.says)
			}
			if rests := d.rest != nil; rests != c.rests {
				t.Errorf("is left alone: %v", rests)
			}
		})
	}
}

// The same in discovery: nothing is known then, and nothing said not to exist.
func TestMisbehaviourInDiscovery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		status int
		says   string
	}{
		"a page":         {says(200, "<html>hello"), 503, "a list of custom.metrics.k8s.io/v1beta2 that cannot be read"},
		"another kind":   {says(200, "{}"), 503, `kind "" of "" where the APIResourceList`},
		"too large":      {huge, 500, "more than 8388608 bytes"},
		"a circle":       {Refuse(nil).ServeHTTP, 500, "goes in a circle"},
		"its own 503":    {saysStatus(503, "starting"), 503, "HTTP 503: starting"},
		"no permission":  {saysStatus(403, "no"), 500, "does not let trimtab's account ask"},
		"a proxy's page": {says(503, "no upstream"), 503, "HTTP 503, no status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, front(t, defaultConfig(""), c.handle))
			list, known, err := d.Custom(t.Context(), pods("rps"))
			if list != nil || known || statusOf(err) != c.status || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, known %v, %v; want %d %s", list, known, err, c.status, c.says)
			}
		})
	}
}

func TestARootWithoutMetricsAPIs(t *testing.T) {
	t.Parallel()
	d := start(t, front(t, defaultConfig(""), http.NotFound))
	err := d.Refresh(t.Context())
	if want := d.base.String() + " serves no custom and no external metrics API (404); is this its root?"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// A path in the URL stays before that of the API.
func TestAURLWithAPath(t *testing.T) {
	t.Parallel()
	cfg := front(t, defaultConfig(""), func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/clusters/b/apis/") {
			t.Errorf("asked %s", r.URL.Path)
		}
		behind(says(200, values))(w, r)
	})
	cfg.URL += "/clusters/b/"
	if list, known, err := start(t, cfg).External(t.Context(), "prod", "q", nil); err != nil || !known || list.Items[0].Value.String() != "5" {
		t.Errorf("%v, known %v, %v", list, known, err)
	}
}

func TestAStoppedServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, known, err := start(t, defaultConfig(strings.Replace(server.URL, "http", "https", 1))).External(t.Context(), "a", "q", nil)
	if known || statusOf(err) != 503 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("known %v, %v", known, err)
	}
}
