package prom

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/config"
)

// serve starts a server that answers every request by handle, and a client for it.
func serve(t *testing.T, handle http.HandlerFunc, change func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	cfg := DefaultConfig()
	cfg.URL = server.URL + "/prefix"
	if change != nil {
		change(&cfg)
	}
	return newClient(t, cfg)
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := NewClient(cfg, Deps{Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// hang reads the request, so that the server sees when the client goes away, and never answers.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestQuerySendsTheQueryAndItsTimeout(t *testing.T) {
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.Method + " " + r.URL.Path + " " + r.PostForm.Encode()
		answer(200, `{"status":"success","warnings":["partial"],"data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[10.5,"3"]}]}}`)(w, r)
	}, nil)
	result, err := c.Query(t.Context(), `up{a="b"}`, time.UnixMilli(1500))
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST /prefix/api/v1/query query=up%7Ba%3D%22b%22%7D&time=1.500&timeout=10s"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	v := result.Value.(model.Vector)
	if len(v) != 1 || v[0].Value != 3 || v[0].Timestamp != 10500 || result.Warnings[0] != "partial" {
		t.Errorf("result %+v", result)
	}
}

// Each way to fail has its kind, and the message says what came back.
func TestErrorsTellWhatHappened(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		kind   Kind
		says   string
	}{
		"refused query":     {answer(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), BadQuery, "HTTP 400: bad_data: parse error"},
		"execution failed":  {answer(422, `{"status":"error","errorType":"execution","error":"too many samples"}`), BadQuery, "too many samples"},
		"server broken":     {answer(500, `oops`), Unavailable, "HTTP 500: application/json of 4 bytes, where JSON of Prometheus's API is expected"},
		"overloaded":        {answer(429, ``), Unavailable, "HTTP 429"},
		"server timed out":  {answer(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), Timeout, "query timed out"},
		"a login page":      {answer(200, `<html>please log in`), BadAnswer, "not JSON of Prometheus's API: application/json of 19 bytes"},
		"VictoriaMetrics":   {answer(422, `{"status":"error","errorType":"422","error":"cannot parse"}`), BadQuery, "HTTP 422: 422: cannot parse"},
		"empty":             {answer(200, ``), BadAnswer, "not JSON"},
		"another JSON":      {answer(200, `{"a":1}`), BadAnswer, "not JSON of Prometheus's API"},
		"unknown type":      {answer(200, `{"status":"success","data":{"resultType":"cube","result":[]}}`), BadAnswer, `"cube"`},
		"unreadable vector": {answer(200, `{"status":"success","data":{"resultType":"vector","result":[{"value":["x"]}]}}`), BadAnswer, "cannot be read"},
		"too large":         {answer(200, `{"status":"success","stats":"`+strings.Repeat("x", 2000)), TooLarge, "larger than 1000 bytes"},
		"hangs":             {hang, Timeout, "no answer within the time-out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, c.handle, func(cfg *Config) {
				cfg.MaxResponseBytes = 1000
				if name == "hangs" {
					cfg.Timeout = config.Duration(50 * time.Millisecond)
				}
			})
			_, err := client.Query(t.Context(), "up", time.Now())
			if kind, _ := KindOf(err); kind != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s %v, want %s and %q", kind, err, c.kind, c.says)
			}
		})
	}
}

func TestAStoppedServerIsUnavailable(t *testing.T) {
	server := httptest.NewServer(answer(200, ""))
	server.Close()
	cfg := DefaultConfig()
	cfg.URL = server.URL
	_, _, err := newClient(t, cfg).Series(context.Background(), []string{"up"}, time.Now(), time.Now())
	if kind, _ := KindOf(err); kind != Unavailable || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsAreReadAgainAndNotPrinted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	var got []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.Header.Get("X-Scope-OrgID"))
		answer(403, `{"status":"error","errorType":"x","error":"no"}`)(w, r)
	}, func(cfg *Config) {
		cfg.BearerTokenFile = file
		cfg.Headers = map[string]string{"X-Scope-OrgID": "tenant-secret"}
	})
	_, err := c.Query(t.Context(), "up", time.Now())
	write("second")
	_, _ = c.Query(t.Context(), "up", time.Now())
	if len(got) != 2 || got[0] != "Bearer first tenant-secret" || got[1] != "Bearer second tenant-secret" {
		t.Errorf("sent %q", got)
	}
	if strings.Contains(err.Error(), "first") || strings.Contains(err.Error(), "tenant-secret") {
		t.Errorf("the error prints a credential: %v", err)
	}
}

func TestConfigRefusesMistakes(t *testing.T) {
	for in, want := range map[string]string{
		"url: ftp://x":              "f: url: must begin with http:// or https://",
		"url: http://":              "f: url: names no host",
		"url: http://u:geheim@x":    "f: url: must not hold credentials; use basicAuth",
		"url: 'http://u:geheim@ x'": "f: url: is not a URL",
		"timeout: 0s":               "f: timeout: 0s is not above zero: a request without a limit can hang for ever",
		"tls: {certFile: a}":        "f: tls: certFile and keyFile belong together; one is missing",
		"url: http://x#y":           "f: url: must not have a part behind #, which no server sees",
		"url: http://x?query=up":    "f: url: must not have the parameter query, which each request sets itself",
		"failoverUrls: ['http://u:geheim@x', 'http://localhost:9090', 'http://y', 'http://y']": "f: failoverUrls[0]: must not hold credentials; use basicAuth\nf: failoverUrls[1]: stands above already; a server that is down is down twice\nf: failoverUrls[3]: stands above already; a server that is down is down twice",
		"verb: PUT\nmaxConcurrent: 0":                     "f: verb: \"PUT\" is neither POST nor GET\nf: maxConcurrent: 0 is not between 1 and 100000",
		"tenant: {}":                                      "f: tenant.value: is required where fromNamespace is false",
		"headers: {'a b': x}":                             "f: headers: \"a b\" is not the name of a header",
		"headers: {a: \"x\\ny\"}":                         "f: headers: the value of \"a\" has a character that no header may hold",
		"tenant: {header: 'a b', value: x}":               "f: tenant.header: is not the name of a header; X-Scope-OrgID is usual",
		"tenant: {header: authorization, value: x}":       "f: tenant.header: Authorization has another meaning; X-Scope-OrgID is usual",
		"tenant: {value: \"a\\nb\"}":                      "f: tenant.value: has a character that no header may hold",
		"tenant: {value: a}\nheaders: {x-scope-orgid: b}": "f: tenant.header: stands in headers too; keep one of them",
		"sigv4: {accessKey: a}":                           "f: sigv4: accessKey and secretKey belong together; one is missing",
		"sigv4: {accessKey: a, secretKey: b, profile: c}\nbasicAuth: {}\nheaders: {authorization: d}": "f: basicAuth: excludes sigv4; keep one of them\nf: sigv4.profile: excludes accessKey; keep one of them\nf: headers: holds Authorization, which oauth2 and sigv4 set; keep one of them",
		"oauth2: {}\nbearerTokenFile: x": "f: bearerTokenFile: excludes oauth2; keep one of them\nf: oauth2.clientId: is required\nf: oauth2.clientSecretFile: is required\nf: oauth2.tokenUrl: must begin with http:// or https://",
		"oauth2: {clientId: a, clientSecretFile: b, tokenUrl: 'https://c', tls: {keyFile: d}}": "f: oauth2.tls: certFile and keyFile belong together; one is missing",
		"bearerTokenFile: a\nbasicAuth: {username: b, password: c, passwordFile: d}":           "f: bearerTokenFile: excludes basicAuth; keep one of them\nf: basicAuth.passwordFile: excludes basicAuth.password; keep one of them",
	} {
		c := DefaultConfig()
		err := config.Decode("f", []byte(in), &c)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func TestQueryVector(t *testing.T) {
	t.Parallel()
	var body string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(200, body)(w, r) }, nil)
	body = `{"status":"success","warnings":["partial"],"infos":["a remark"],"data":{"resultType":"vector","result":[{"metric":{"b":"2","a":"1"},"value":[10.5,"3"]}]}}`
	v, err := c.QueryVector(t.Context(), "up", time.Now())
	if got := fmt.Sprint(v.Rows, v.Warnings, v.Infos); err != nil || got != `[a="1" b="2" 3 @10500] [partial] [a remark]` {
		t.Errorf("got %s, %v", got, err)
	}
	if r := v.Rows[0]; r.Label("a") != "1" || r.Label("b") != "2" || r.Label("c") != "" || r.Label("") != "" {
		t.Errorf("labels of %v", r)
	}
	body = `{"status":"success","data":{"resultType":"scalar","result":[10.5,"3"]}}`
	if v, err := c.QueryVector(t.Context(), "3", time.Now()); err != nil || fmt.Sprint(v.Rows) != "[3 @10500]" {
		t.Errorf("a scalar is %v, %v", v.Rows, err)
	}
	for _, body = range []string{`{"status":"success","data":{"resultType":"matrix","result":[]}}`, `{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`} {
		_, err := c.QueryVector(t.Context(), "x", time.Now())
		if kind, _ := KindOf(err); kind != BadQuery || !strings.Contains(err.Error(), "where an instant vector or a scalar is needed") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestQueryRange(t *testing.T) {
	t.Parallel()
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.URL.Path + " " + r.PostForm.Encode()
		answer(200, `{"status":"success","infos":["i"],"data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1,"2"],[2,"NaN"]]}]}}`)(w, r)
	}, nil)
	result, err := c.QueryRange(t.Context(), "up", time.UnixMilli(1000), time.UnixMilli(2000), 500*time.Millisecond)
	if err != nil || fmt.Sprint(result.Value, result.Infos) != "{a=\"1\"} =>\n2 @[1]\nNaN @[2] [i]" || got != "/prefix/api/v1/query_range end=2.000&query=up&start=1.000&step=0.5&timeout=10s" {
		t.Errorf("asked %s, got %v, %v", got, result, err)
	}
}

// If a caller's deadline is earlier than the time-out, it is sent to the server.
func TestTheServerKnowsTheDeadline(t *testing.T) {
	t.Parallel()
	var got time.Duration
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = time.ParseDuration(r.PostFormValue("timeout"))
		answer(200, oneRow)(w, r)
	}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := c.Query(ctx, "up", time.Now()); err != nil || got <= 0 || got > 5*time.Second+time.Millisecond {
		t.Errorf("told %s, %v", got, err)
	}
}

// Clients of one registry share their metrics.
func TestMetricsAreShared(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	for range 2 {
		if _, err := NewClient(DefaultConfig(), Deps{Registry: reg}); err != nil {
			t.Error(err)
		}
	}
}
