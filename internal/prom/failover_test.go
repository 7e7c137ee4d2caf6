package prom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/trimtab/trimtab/internal/config"
)

const oneRow = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`

// switchable is a server whose behaviour can be changed while it runs.
type switchable struct {
	url    string
	handle atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func newSwitchable(t *testing.T, handle http.HandlerFunc) *switchable {
	t.Helper()
	s := &switchable{}
	s.become(handle)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.handle.Load())(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *switchable) become(handle http.HandlerFunc) { s.handle.Store(&handle) }

// pair is a client for two servers, and a clock that stands still.
func pair(t *testing.T, first, second *switchable, change func(*Config)) (c *Client, clock *atomic.Int64, reg *prometheus.Registry) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.URL, cfg.FailoverURLs = first.url, []string{second.url}
	if change != nil {
		change(&cfg)
	}
	reg = prometheus.NewRegistry()
	c, err := NewClient(cfg, Deps{Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	clock = new(atomic.Int64)
	c.core.now = func() time.Time { return time.Unix(1_700_000_000, clock.Load()) }
	return c, clock, reg
}

func TestFailover(t *testing.T) {
	t.Parallel()
	well := answer(200, oneRow)
	first, second := newSwitchable(t, answer(503, "down")), newSwitchable(t, well)
	c, clock, reg := pair(t, first, second, nil)
	ask := func(what, want string) {
		t.Helper()
		before1, before2 := first.asked.Load(), second.asked.Load()
		_, err := c.Query(t.Context(), "up", time.Now())
		if got := fmt.Sprintf("first %d second %d %v", first.asked.Load()-before1, second.asked.Load()-before2, err); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	up := func(want string) {
		t.Helper()
		if err := testutil.GatherAndCompare(reg, strings.NewReader("# HELP trimtab_prometheus_endpoint_up Whether the last request to a Prometheus server that told how it is found it well (1) or down (0).\n# TYPE trimtab_prometheus_endpoint_up gauge\n"+strings.NewReplacer("first", first.url, "second", second.url).Replace(want)), "trimtab_prometheus_endpoint_up"); err != nil {
			t.Error(err)
		}
	}
	ask("the first is down", "first 1 second 1 <nil>")
	up("trimtab_prometheus_endpoint_up{server=\"first\"} 0\ntrimtab_prometheus_endpoint_up{server=\"second\"} 1\n")
	ask("and rests", "first 0 second 1 <nil>")
	clock.Add(int64(time.Second))
	ask("it is due", "first 1 second 1 <nil>")
	clock.Add(int64(time.Second))
	ask("it rests longer", "first 0 second 1 <nil>")
	first.become(well)
	ask("still", "first 0 second 1 <nil>")
	clock.Add(int64(time.Second))
	ask("it is well again", "first 1 second 0 <nil>")
	ask("and stays the first", "first 1 second 0 <nil>")
	up("trimtab_prometheus_endpoint_up{server=\"first\"} 1\ntrimtab_prometheus_endpoint_up{server=\"second\"} 1\n")

	first.become(answer(500, "broken"))
	second.become(answer(200, "<html>log in"))
	all := fmt.Sprintf("query \"up\" at %s: unavailable: HTTP 500: application/json of 6 bytes, where JSON of Prometheus's API is expected, then at %s: bad_answer: not JSON of Prometheus's API: application/json of 12 bytes", first.url, second.url)
	ask("both are down", "first 1 second 1 "+all)
	ask("both rest, and are asked for want of better", "first 1 second 1 "+all)
}

func TestWhatFailsOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first http.HandlerFunc
		over  bool
	}{
		"unavailable":     {answer(502, ""), true},
		"overloaded":      {answer(429, ""), true},
		"query timed out": {answer(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), true},
		"it shuts down":   {answer(499, `{"status":"error","errorType":"canceled","error":"query was canceled"}`), true},
		"a login page":    {answer(200, "<html>"), true},
		"hangs":           {hang, true},
		"breaks off":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, oneRow[:60]); panic(http.ErrAbortHandler) }, true},
		"bad query":       {answer(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), false},
		"cannot execute":  {answer(422, `{"status":"error","errorType":"execution","error":"too many samples"}`), false},
		"too large":       {answer(200, `{"status":"success","stats":[`+strings.Repeat(" ", 2000)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newSwitchable(t, c.first), newSwitchable(t, answer(200, oneRow))
			client, _, _ := pair(t, first, second, func(cfg *Config) {
				cfg.MaxResponseBytes = 1000
				cfg.Timeout = config.Duration(10 * time.Second)
				if name == "hangs" {
					cfg.Timeout = config.Duration(3 * time.Second) // which the second has too
				}
			})
			_, err := client.Query(t.Context(), "up", time.Now())
			if over := second.asked.Load() == 1; over != c.over || (err == nil) != c.over {
				t.Errorf("the second was asked: %v, %v", over, err)
			}
		})
	}
}

// The caller's deadline bounds all attempts together. A server that took all of a second of it is down, one
// whose caller had less time is not.
func TestFailoverKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	for took, firstDown := range map[time.Duration]bool{time.Second: true, 900 * time.Millisecond: false} {
		t.Run(took.String(), func(t *testing.T) {
			t.Parallel()
			first, second := newSwitchable(t, nil), newSwitchable(t, answer(200, oneRow))
			c, clock, _ := pair(t, first, second, nil)
			first.become(func(w http.ResponseWriter, r *http.Request) {
				clock.Add(int64(took))
				hang(w, r)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := c.Query(ctx, "up", time.Now())
			cancel()
			if kind, _ := KindOf(err); kind != Timeout || first.asked.Load() != 1 || second.asked.Load() != 0 || strings.Contains(err.Error(), second.url) {
				t.Errorf("%v; the second was asked %d times", err, second.asked.Load())
			}
			first.become(answer(200, oneRow))
			if _, err := c.Query(t.Context(), "up", time.Now()); err != nil {
				t.Error(err)
			}
			if down := second.asked.Load() == 1; down != firstDown {
				t.Errorf("after %s the first is down: %v, want %v", took, down, firstDown)
			}
		})
	}
}

// A caller that goes away leaves no mark on the server, and asks no other.
func TestACallerThatGivesUpTellsNothing(t *testing.T) {
	t.Parallel()
	first, second := newSwitchable(t, nil), newSwitchable(t, answer(200, oneRow))
	c, clock, _ := pair(t, first, second, nil)
	ctx, cancel := context.WithCancel(t.Context())
	first.become(func(w http.ResponseWriter, r *http.Request) {
		clock.Add(int64(time.Minute))
		cancel()
		hang(w, r)
	})
	_, err := c.Query(ctx, "up", time.Now())
	first.become(answer(200, oneRow))
	_, err2 := c.Query(t.Context(), "up", time.Now())
	if !errors.Is(err, context.Canceled) || err2 != nil || second.asked.Load() != 0 {
		t.Errorf("%v, then %v; the second was asked %d times", err, err2, second.asked.Load())
	}
}
