package prom

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/internal/text"
)

// zipped answers with text, compressed.
func zipped(text func(io.Writer)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		text(z)
		z.Close()
	}
}

// drip sends an answer byte by byte, too slowly to end.
func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for _, c := range []byte(`{"status":"success"` + strings.Repeat(" ", 1<<20)) {
		if _, err := w.Write([]byte{c}); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		kind   Kind
		says   string
	}{
		"byte by byte": {drip, Timeout, "no answer within the time-out"},
		"hangs in the body": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, oneRow[:50])
			w.(http.Flusher).Flush()
			hang(w, r)
		}, Timeout, "no answer within"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, oneRow[:50])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, Unavailable, "the answer breaks off"},
		"less than it said": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, oneRow)
		}, Unavailable, "the answer breaks off"},
		"half an answer": {answer(200, oneRow[:50]), BadAnswer, "it breaks off"},
		"a gzip bomb": {zipped(func(w io.Writer) {
			fmt.Fprint(w, `{"status":"success","stats":"`)
			for range 64 {
				fmt.Fprint(w, strings.Repeat("x", 1<<20))
			}
		}), TooLarge, "larger than 1048576 bytes"},
		"a bomb of white space": {zipped(func(w io.Writer) {
			for range 64 {
				fmt.Fprint(w, strings.Repeat(" ", 1<<20))
			}
		}), TooLarge, "larger than"},
		"gzip that never gives a byte": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			var empty bytes.Buffer
			gzip.NewWriter(&empty).Close()
			for range 64 {
				fmt.Fprint(w, strings.Repeat(empty.String(), 1<<16))
			}
		}, TooLarge, "larger than"},
		"not gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, oneRow)
		}, BadAnswer, "cannot be decompressed"},
		"gzip that breaks": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff")
		}, BadAnswer, "cannot be decompressed"},
		"another encoding": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			fmt.Fprint(w, oneRow)
		}, BadAnswer, "a Content-Encoding other than gzip"},
		"an enormous header":     {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Big", strings.Repeat("x", 70<<10)) }, Unavailable, "the headers of the answer are larger than 65536 bytes"},
		"an error of many lines": {answer(422, `{"status":"error","errorType":"execution","error":"a\nb\u001b[31m`+strings.Repeat("x", 5000)+`"}`), BadQuery, "HTTP 422: execution: a; b [31mxxx"},
		"an endless error": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			for range 200 {
				fmt.Fprint(w, strings.Repeat("x", 1<<16))
			}
		}, Unavailable, "HTTP 500"},
		"no content": {answer(204, ""), BadAnswer, "not JSON"},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
		}, BadAnswer, "it redirects to another place on the same server, and"},
		"redirects to a login": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://u:p@sso.example/login?token=geheim", http.StatusFound)
		}, BadAnswer, "HTTP 302: it redirects to https://sso.example, and"},
		"redirects a POST away": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				answer(200, oneRow)(w, r) // the answer to no query at all
				return
			}
			http.Redirect(w, r, "/other", http.StatusMovedPermanently)
		}, BadAnswer, "HTTP 301: it redirects to another place on the same server, and"},
		"redirects nowhere": {answer(307, ""), BadAnswer, "307"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, c.handle, func(cfg *Config) {
				cfg.MaxResponseBytes = 1 << 20
				if c.kind == Timeout {
					cfg.Timeout = config.Duration(100 * time.Millisecond)
				}
			})
			_, err := client.Query(t.Context(), "up", time.Now())
			if kind, _ := KindOf(err); kind != c.kind || !strings.Contains(err.Error(), c.says) || len(err.Error()) > text.Most+500 {
				t.Errorf("got %s %v, want %s and %q", kind, err, c.kind, c.says)
			}
		})
	}
}

func TestTheLimitIsExact(t *testing.T) {
	t.Parallel()
	c := serve(t, answer(200, oneRow), func(cfg *Config) { cfg.MaxResponseBytes = int64(len(oneRow)) })
	if _, err := c.Query(t.Context(), "up", time.Now()); err != nil {
		t.Error(err)
	}
	c.core.maxBytes--
	_, err := c.Query(t.Context(), "up", time.Now())
	if kind, _ := KindOf(err); kind != TooLarge {
		t.Errorf("one byte more: %v", err)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	var accepts string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		accepts = r.Header.Get("Accept-Encoding")
		zipped(func(z io.Writer) { z.Write(podVector(3000)) })(w, r)
	}, func(cfg *Config) { cfg.Headers = map[string]string{"Accept-Encoding": "gzip"} })
	v, err := c.QueryVector(t.Context(), "up", time.Now())
	if err != nil || len(v.Rows) != 3000 || accepts != "gzip" {
		t.Errorf("%d rows, %v; asked for %q", len(v.Rows), err, accepts)
	}
}

// Credentials, tenant and headers go to the server of the configuration and to no other.
func TestRedirectsLeakNothing(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	t.Cleanup(other.Close)
	otherHost := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, verb := range []string{http.MethodPost, http.MethodGet} {
			for _, to := range []string{other.URL, otherHost} {
				c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to+r.URL.Path, status) }, func(cfg *Config) {
					cfg.BasicAuth = &BasicAuth{Username: "u", Password: "geheim"}
					cfg.Headers, cfg.Tenant, cfg.Verb = map[string]string{"X-Api-Key": "geheim"}, &Tenant{Header: "X-Scope-OrgID", Value: "t"}, verb
				})
				if _, err := c.Query(t.Context(), "up", time.Now()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("HTTP %d: it redirects to %s, and", status, to)) {
					t.Errorf("%d: %v", status, err)
				}
			}
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests went to another server", leaked.Load())
	}
}

func TestRedirectsWithinTheServerAreFollowed(t *testing.T) {
	t.Parallel()
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/prefix") {
			http.Redirect(w, r, "/new"+strings.TrimPrefix(r.URL.Path, "/prefix"), http.StatusPermanentRedirect)
			return
		}
		user, _, _ := r.BasicAuth()
		got = fmt.Sprint(r.Method, r.URL.Path, r.PostFormValue("query"), user)
		answer(200, oneRow)(w, r)
	}, func(cfg *Config) { cfg.BasicAuth = &BasicAuth{Username: "u"} })
	if _, err := c.Query(t.Context(), "up", time.Now()); err != nil || got != "POST/new/api/v1/queryupu" {
		t.Errorf("sent %s, %v", got, err)
	}
}

// No more than maxConcurrent requests are in flight; the others wait, and are counted.
func TestMaxConcurrent(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var inFlight, most atomic.Int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := inFlight.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		inFlight.Add(-1)
		answer(200, oneRow)(w, r)
	}, func(cfg *Config) { cfg.MaxConcurrent = 2 })
	errs := make(chan error)
	for range 6 {
		go func() { _, err := c.Query(context.Background(), "up", time.Now()); errs <- err }()
	}
	waiting := func() float64 { return testutil.ToFloat64(c.core.metrics.waiting.WithLabelValues(c.Server())) }
	eventually(t, func() bool { return inFlight.Load() == 2 && waiting() == 4 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Query(ctx, "up", time.Now())
	if kind, _ := KindOf(err); kind != Timeout || !strings.Contains(err.Error(), "2 other requests were in flight (maxConcurrent)") {
		t.Errorf("got %v", err)
	}
	close(release)
	for range 6 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 2 || waiting() != 0 {
		t.Errorf("%d were in flight at most, and %v wait", most.Load(), waiting())
	}
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// net/http may report the end of a request during its body as a closed connection.
func TestABodyThatEndsWithItsRequest(t *testing.T) {
	late, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want Kind
	}{
		{t.Context(), sourceError{net.ErrClosed}, Unavailable},
		{late, sourceError{net.ErrClosed}, Timeout},
		{late, sourceError{fetch.ErrTooLarge}, TooLarge},
		{late, errNoVector, BadAnswer},
	} {
		if kind, err := readError(c.ctx, c.err, 1); kind != c.want {
			t.Errorf("%v with %v: %s %v, want %s", c.err, c.ctx.Err(), kind, err, c.want)
		}
	}
}
