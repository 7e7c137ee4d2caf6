package prom

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Steps in seconds since the beginning, and what is known after each.
func TestHealth(t *testing.T) {
	begin := time.Unix(0, 0)
	at := func(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }
	var h health
	for i, step := range []struct {
		do    string
		began float64
		now   float64
		retry time.Duration
		want  string
	}{
		{"failed", 0, 1, 0, "1 failures, rests until 2"},
		{"failed", 0.5, 1.5, 0, "1 failures, rests until 2"}, // was in flight when the first one failed
		{"failed", 2, 3, 0, "2 failures, rests until 5"},
		{"failed", 5, 6, 0, "3 failures, rests until 10"},
		{"probed", 10, 10, 0, "3 failures, rests until 20"},
		{"untold", 10, 12, 0, "3 failures, rests until 12"},
		{"untold", 12, 13, 0, "3 failures, rests until 12"},
		{"failed", 13, 14, 0, "4 failures, rests until 22"},
		{"failed", 23, 24, 0, "5 failures, rests until 40"},
		{"failed", 41, 42, 0, "6 failures, rests until 72"},
		{"failed", 73, 74, 0, "7 failures, rests until 104"},
		{"well", 105, 105, 0, "0 failures, rests until -"},
		{"probed", 105, 105, 0, "0 failures, rests until -"},
		{"failed", 106, 106, 7 * time.Second, "1 failures, rests until 113"},
		{"failed", 114, 114, time.Hour, "2 failures, rests until 144"},
	} {
		switch step.do {
		case "failed":
			h = h.failed(at(step.began), at(step.now), step.retry)
		case "probed":
			h = h.probed(at(step.now), 10*time.Second)
		case "untold":
			h = h.untold(at(step.now))
		case "well":
			h = health{}
		}
		until := "-"
		if h.failures > 0 {
			until = fmt.Sprint(h.until.Sub(begin).Seconds())
		}
		if got := fmt.Sprintf("%d failures, rests until %s", h.failures, until); got != step.want {
			t.Errorf("step %d: %s: got %s, want %s", i, step.do, got, step.want)
		}
	}
}

// Which servers a request asks, in order, if all fail.
func TestFleetOrder(t *testing.T) {
	now := time.Unix(100, 0)
	rests := func(s int) health { return health{failures: 1, until: now.Add(time.Duration(s) * time.Second)} }
	for name, c := range map[string]struct {
		health []health
		want   string
	}{
		"all well":                           {[]health{{}, {}, {}}, "0 1 2"},
		"the first rests":                    {[]health{rests(5), {}, {}}, "1 2 0"},
		"the first is due":                   {[]health{rests(-1), {}, {}}, "0 1 2"},
		"all rest; the most rested first":    {[]health{rests(30), rests(2), rests(1)}, "2 1 0"},
		"one is well and the others resting": {[]health{rests(9), rests(3), {}}, "2 1 0"},
	} {
		f := fleet{probe: 10 * time.Second, health: map[*endpoint]health{}}
		index := map[*endpoint]string{}
		for i, h := range c.health {
			e := &endpoint{}
			e.name = fmt.Sprint(i)
			f.endpoints, f.health[e], index[e] = append(f.endpoints, e), h, e.name
		}
		var tried []*endpoint
		var got []string
		for range c.health {
			e := f.next(tried, now)
			tried, got = append(tried, e), append(got, index[e])
		}
		if strings.Join(got, " ") != c.want || f.next(tried, now) != nil {
			t.Errorf("%s: asked %v, want %s", name, got, c.want)
		}
	}
}

// One request at a time finds out whether a server is well again; the others go where it is safe.
func TestOneRequestProbes(t *testing.T) {
	now := time.Unix(100, 0)
	a, b := &endpoint{name: "a"}, &endpoint{name: "b"}
	f := fleet{endpoints: []*endpoint{a, b}, probe: 10 * time.Second, health: map[*endpoint]health{a: {failures: 1, until: now}}}
	if first, second := f.next(nil, now), f.next(nil, now); first != a || second != b {
		t.Errorf("asked %s and %s, want a and b", first.name, second.name)
	}
}
