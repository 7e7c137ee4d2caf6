package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/test/bench/command"
	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/conformance/proxy"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		want string // the adapters, or a part of the error
	}{
		{"", "[prometheus-adapter trimtab]"},
		{"--adapter=both", "[prometheus-adapter trimtab]"},
		{"--adapter=trimtab", "[trimtab]"},
		{"--adapter=prometheus-adapter", "[prometheus-adapter]"},
		{"--adapter=keda", "none of trimtab"},
		{"--cycles=0", "--cycles at least 1"},
		{"more", "no other arguments"},
	} {
		var said bytes.Buffer
		o, err := parse(strings.Fields(c.args), &said)
		if got := fmt.Sprint(o.adapters, err); !strings.Contains(got, c.want) {
			t.Errorf("%q: %s, want %s", c.args, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		of   []time.Duration
		p    int
		want time.Duration
	}{
		{nil, 50, 0}, {hundred[:1], 99, 1}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred[:3], 50, 2}, {hundred[:2], 99, 2},
	} {
		if got := percentile(c.of, c.p); got != c.want {
			t.Errorf("percentile %d of %d is %d, want %d", c.p, len(c.of), got, c.want)
		}
	}
}

// slow answers after a while, with an error to each tenth request.
func slow(t *testing.T, d time.Duration) *callers {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(d)
		if asked.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("four"))
	}))
	t.Cleanup(s.Close)
	return &callers{http: s.Client(), url: s.URL}
}

func TestClosedLoopKeepsAllCallersBusy(t *testing.T) {
	t.Parallel()
	const each, long = 20 * time.Millisecond, 400 * time.Millisecond
	l, err := slow(t, each).closed(t.Context(), long, func(n int) string { return fmt.Sprintf("/%d", n) })
	if err != nil {
		t.Fatal(err)
	}
	n := len(l.latency)
	if n < parallel || n > parallel*int(long/each+1) {
		t.Errorf("%d requests in %s", n, l.took)
	}
	if l.latency[0] < each || l.bytes != int64(4*n) || l.failures != n/10 {
		t.Errorf("shortest %s, %d bytes, %d failures of %d", l.latency[0], l.bytes, l.failures, n)
	}
}

// Requests that an interrupt cuts off are no result.
func TestInterruptEndsAMeasurement(t *testing.T) {
	t.Parallel()
	c := slow(t, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.open(ctx, 1000, []string{"/a"}); err == nil {
		t.Error("no error of the open loop")
	}
	if _, err := c.closed(ctx, time.Hour, func(int) string { return "/" }); err == nil {
		t.Error("no error of the closed loop")
	}
}

func TestReportIsATableAndJSON(t *testing.T) {
	t.Parallel()
	l := load{took: 2 * time.Second, latency: []time.Duration{time.Millisecond, 3 * time.Millisecond}, bytes: 20, failures: 1}
	r := newReport(options{objects: 10})
	r.Throughput = append(r.Throughput, newThroughput(ours, 10, "external", l, 4*time.Millisecond, 1))
	asked := []proxy.Request{{Path: "/api/v1/query"}, {Path: "/api/v1/query"}, {Path: "/api/v1/series"}}
	r.Cycles = append(r.Cycles, newCycle(original, 2, slowAnswer, l, time.Second, asked, usage.Calls{"list pods": 6, "create": 2}))
	r.Memory = append(r.Memory, memoryFigures{Adapter: ours, Series: 5, ResidentMiB: 1.4, PeakMiB: 2.6, Served: true})
	path := filepath.Join(t.TempDir(), "figures.json")
	if err := command.WriteJSON(path, r); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(raw, &back); err != nil || !reflect.DeepEqual(&back, r) {
		t.Errorf("JSON is %+v, %v", back, err)
	}
	var said bytes.Buffer
	r.print(&said)
	for _, want := range [][]string{
		{"10", "external", "trimtab", "1.0", "1.0", "3.0", "2.000", "500", "0.500", "10", "1"},
		{"300", "ms", "prometheus-adapter", "1.0", "3.0", "3.0", "1", "of", "2", "1.0", "4.0", "3.0", "0.50"},
		{"5", "trimtab", "1", "3", "0.0", "true"},
	} {
		if !strings.Contains(strings.Join(strings.Fields(said.String()), " "), strings.Join(want, " ")) {
			t.Errorf("%q is not in\n%s", want, said.String())
		}
	}
}

// The series are what the rules and the requests speak of: one of each for each object.
func TestSeriesFitTheObjects(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, 3)
	got := map[string]int{}
	for s := range f.series(0, 3, []time.Time{f.began, f.began.Add(scrape)}) {
		got[s.Labels["__name__"]+" "+s.Labels["namespace"]]++
		if len(s.Samples) != 2 {
			t.Errorf("%v has %d samples", s.Labels, len(s.Samples))
		}
	}
	for s := range f.series(3, 5, nil) {
		got[s.Labels["__name__"]+" "+s.Labels["namespace"]]++
	}
	want := map[string]int{"http_requests_total bench": 3, serviceMetric + " bench": 3, queueMetric + " ": 3, "http_requests_total other-3": 1, "http_requests_total other-4": 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("are %v, want %v", got, want)
	}
}

// The empty handler uses the chosen protocol, and answers with as many bytes as the others.
func TestFloor(t *testing.T) {
	t.Parallel()
	for _, protocol := range floors() {
		t.Run(strings.ReplaceAll(protocol, "/", " "), func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server, err := newFloor(protocol)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			go func() { _ = server.ServeTLS(listener, "", "") }()
			client := http.Client{Transport: &http.Transport{
				ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it signs for itself
			}}
			resp, err := client.Get("https://" + listener.Addr().String() + "/apis")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || len(body) != floorBytes || !strings.HasPrefix(resp.Proto, protocol) {
				t.Errorf("%d bytes over %s (%v), want %d over %s", len(body), resp.Proto, err, floorBytes, protocol)
			}
		})
	}
}
