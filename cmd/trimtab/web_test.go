package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/trimtab/trimtab/adapter/api/apitest"
	"github.com/trimtab/trimtab/internal/text"
)

// startWeb serves the ports of a configuration, and gives their addresses.
func startWeb(t *testing.T, change func(*serverConfig, *shared)) (plain, debug string) {
	t.Helper()
	cfg := withAllSections()
	r := wire(t, "trimtab.yaml", cfg)
	cfg.Server.Address, cfg.Server.DebugAddress = "127.0.0.1:0", "localhost:0"
	if change != nil {
		change(&cfg.Server, &r.shared)
	}
	web, err := listen(cfg.Server, r.shared, r.services)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if web.debug != nil {
		debug = web.debug.Addr()
	}
	return web.Addr(), debug
}

// raw sends a request as it is written, and gives the status line and the rest.
func raw(t *testing.T, address, request string) (status string, rest string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }() // the server may answer before it has read all
	b := bufio.NewReader(c)
	line, err := b.ReadString('\n')
	if err != nil {
		t.Fatalf("%.100q: %v", request, err)
	}
	all, _ := io.ReadAll(b)
	_, status, _ = strings.Cut(strings.TrimSpace(line), " ")
	return status, string(all)
}

func get(path, host string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
}

// What anyone in the cluster may ask of server.address: health and metrics, and nothing about a namespace.
func TestThePlainPort(t *testing.T) {
	plain, debug := startWeb(t, nil)
	for request, want := range map[string]string{
		get("/healthz", "x"):                                  "200 ok",
		get("/readyz", "x"):                                   "503 waiting  adapter",
		get("/metrics", "x"):                                  "200 trimtab_",
		get("/debug/decisions", "x"):                          "404 the debug pages are at server.debugAddress, localhost:0 of this pod",
		get("/debug/explain?pod=a", ""):                       "404 the debug pages are at",
		get("/debug/pprof/", "x"):                             "404 the debug pages are at",
		get("/", "x"):                                         "404 ",
		get("/metrics/../debug/decisions", "x"):               "307 ",
		get("/../../etc/passwd", "x"):                         "307 ",
		get("/%2e%2e/%2e%2e/etc/passwd", "x"):                 "404 ",
		get("//metrics", "x"):                                 "307 ",
		"HEAD /metrics HTTP/1.0\r\n\r\n":                      "200 ",
		"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n": "405 ",
		"DELETE /debug/decisions HTTP/1.0\r\n\r\n":            "405 ",
		"CONNECT evil:80 HTTP/1.0\r\n\r\n":                    "404 ",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                    "",
		"GET /readyz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n": "431 ",
		"GET /" + strings.Repeat("x", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n":              "431 ",
		"GET /readyz HTTP/1.1\r\n\r\n":            "400 ",
		"\x16\x03\x01\x00\x05hello\r\n\r\n":       "400 ",
		get("/debug/decisions", "localhost:8081"): "404 the debug pages are at",
	} {
		status, rest := raw(t, plain, request)
		code, says, _ := strings.Cut(want, " ")
		if !strings.HasPrefix(status, code) || !strings.Contains(rest, says) {
			t.Errorf("%.80q: %s\n%.300s\nwant %s", request, status, rest, want)
		}
		if strings.Contains(rest, "SUBJECT") {
			t.Errorf("%.80q shows decisions", request)
		}
	}
	if status, rest := raw(t, debug, get("/debug/decisions", "localhost")); !strings.HasPrefix(status, "200") || !strings.Contains(rest, "SUBJECT") {
		t.Errorf("the debug pages: %s %s", status, rest)
	}
}

// A page of the web that has its name led to 127.0.0.1 reads nothing, and nobody asks for a profile without an end.
func TestDebugPagesOnLocalhostRefuseOtherNames(t *testing.T) {
	_, debug := startWeb(t, nil)
	for host, want := range map[string]string{"localhost:8081": "200", "127.0.0.1": "200", "evil.example": "403", "evil.example:8081": "403"} {
		if status, _ := raw(t, debug, get("/debug/decisions", host)); !strings.HasPrefix(status, want) {
			t.Errorf("Host %s: %s, want %s", host, status, want)
		}
	}
	for _, seconds := range []string{"1e9", "-1", "0", "61", "", "99999999999999999999"} {
		for _, profile := range []string{"heap", "profile"} {
			if status, rest := raw(t, debug, get("/debug/pprof/"+profile+"?seconds="+seconds, "localhost")); !strings.HasPrefix(status, "400") {
				t.Errorf("%s for %q seconds: %s %s", profile, seconds, status, rest)
			}
		}
	}
	if status, rest := raw(t, debug, get("/debug/snapshot?x=1", "localhost")); !strings.HasPrefix(status, "400") || !strings.Contains(rest, `"x"`) {
		t.Errorf("a parameter that a snapshot does not have: %s %s", status, rest)
	}
	if status, _ := raw(t, debug, get("/debug/pprof/heap?gc=1", "localhost")); !strings.HasPrefix(status, "200") {
		t.Errorf("a profile of what is in use: %s", status)
	}
	plain, off := startWeb(t, func(c *serverConfig, _ *shared) { c.DebugAddress = "" })
	if status, rest := raw(t, plain, get("/debug/explain", "x")); off != "" || !strings.Contains(rest, "server.debugAddress is empty") {
		t.Errorf("turned off: %s %s", status, rest)
	}
}

// On an address that others reach, the API server says who may read which page.
func TestDebugPagesForOthersNeedATokenAndARight(t *testing.T) {
	cluster := apitest.Start(t)
	_, debug := startWeb(t, func(c *serverConfig, s *shared) { c.DebugAddress, s.kube.REST = "0.0.0.0:0", cluster.REST })
	_, port, _ := net.SplitHostPort(debug)
	ask := func(header http.Header) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:"+port+"/debug/decisions", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for _, c := range []struct {
		header http.Header
		code   int
		says   string
	}{
		{nil, 401, "a bearer token"},
		{bearer("nobody"), 401, "a bearer token"},
		{bearer(""), 401, "a bearer token"},
		{http.Header{"X-Remote-User": {"allowed"}, "X-Remote-Group": {"system:masters"}}, 401, "a bearer token"},
		{bearer(apitest.Known), 403, `user "known" needs the right to get the nonResourceURL /debug/decisions`},
		{bearer(apitest.Allowed), 200, "SUBJECT"},
		{bearer(apitest.Allowed), 200, "SUBJECT"},
	} {
		if code, body := ask(c.header); code != c.code || !strings.Contains(body, c.says) || code != 200 && strings.Contains(body, "SUBJECT") {
			t.Errorf("%v: %d %s, want %d %s", c.header, code, body, c.code, c.says)
		}
	}
	reviews := cluster.Reviews()
	want := authorizationv1.NonResourceAttributes{Path: "/debug/decisions", Verb: "get"}
	if len(reviews) != 2 || reviews[0].NonResourceAttributes == nil || *reviews[0].NonResourceAttributes != want {
		t.Errorf("reviewed was %+v", reviews)
	}
}

// slowCollector holds whoever gathers metrics.
type slowCollector struct{ entered, release chan struct{} }

func (slowCollector) Describe(chan<- *prometheus.Desc) {}

func (c slowCollector) Collect(chan<- prometheus.Metric) {
	c.entered <- struct{}{}
	<-c.release
}

// A pod that asks for metrics without end gets 503; health checks are answered all the same.
func TestAFloodOfRequestsLeavesHealthAnswered(t *testing.T) {
	slow := slowCollector{make(chan struct{}, 100), make(chan struct{})}
	plain, _ := startWeb(t, func(c *serverConfig, s *shared) {
		c.MaxRequests = 8
		registry := prometheus.NewRegistry()
		registry.MustRegister(slow)
		s.registry = registry
	})
	for range 2 { // a quarter of eight
		c, err := net.Dial("tcp", plain)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, get("/metrics", "x")); err != nil {
			t.Fatal(err)
		}
		<-slow.entered
	}
	status, rest := raw(t, plain, get("/metrics", "x"))
	if !strings.HasPrefix(status, "503") || !strings.Contains(rest, "Retry-After: 1") || !strings.Contains(rest, "server.maxRequests") {
		t.Errorf("%s %s", status, rest)
	}
	for range 50 {
		if status, _ := raw(t, plain, get("/healthz", "x")); !strings.HasPrefix(status, "200") {
			t.Errorf("health: %s", status)
		}
	}
	close(slow.release)
}

// Connections that say nothing, or half a request, are bounded, and new ones are answered.
func TestSlowConnectionsLeaveHealthAnswered(t *testing.T) {
	const most = 20
	plain, _ := startWeb(t, func(c *serverConfig, _ *shared) { c.MaxConnections = most })
	var slow []net.Conn
	for n := range 5 * most {
		c, err := net.Dial("tcp", plain)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		slow = append(slow, c)
		if n%2 == 0 {
			_, _ = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
		if n%10 == 0 {
			if status, _ := raw(t, plain, get("/healthz", "x")); !strings.HasPrefix(status, "200") {
				t.Fatalf("after %d connections: %s", n, status)
			}
		}
	}
	open := 0
	for _, c := range slow[:4*most] { // the server closes them as new ones come, long before a time-out
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			open++
		}
	}
	if open > most {
		t.Errorf("%d of the first %d connections are still open, at most %d may be", open, 4*most, most)
	}
}

func isTimeout(err error) bool {
	failed, ok := err.(net.Error)
	return ok && failed.Timeout()
}

// unready is a part that waits for what a server said.
type unready struct{ runner }

func (unready) Ready() error {
	return fmt.Errorf("waits for the group \x1b[31ma\n%s", strings.Repeat("secret ", 1000))
}

// /readyz is read by anyone: it names parts and objects, on one bounded line each.
func TestReadinessIsBounded(t *testing.T) {
	answer := httptest.NewRecorder()
	writeReadiness(answer, []service{{name: "vpa", runner: unready{}}}, false, false)
	body := answer.Body.String()
	if answer.Code != http.StatusServiceUnavailable || len(body) > text.Most+20 || strings.Count(body, "\n") != 1 || strings.Contains(body, "\x1b") {
		t.Errorf("%d, %d bytes: %q", answer.Code, len(body), body)
	}
}
