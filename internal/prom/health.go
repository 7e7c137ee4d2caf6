package prom

import "time"

const (
	firstRest = time.Second
	// longestRest is the latest time at which a recovered server is asked again.
	longestRest = 30 * time.Second
	// patience is how long a request must have waited before its end counts as the server's failure.
	patience = time.Second
)

// health is the known state of one server. The zero value is a healthy server. It is a value: its methods return the
// next state.
//
//	well --failure--> resting (1s, 2s, 4s ... 30s) --time--> due --one request probes--> well or resting
//
// A resting server is asked only if there is no other.
type health struct {
	failures int
	failedAt time.Time
	// until is when the next request may probe the server.
	until time.Time
	// probing says that a request probes it now.
	probing bool
}

func (h health) resting(now time.Time) bool { return h.failures > 0 && now.Before(h.until) }

// failed records a request that started at began and failed. Requests that were in flight together count as one
// failure. Otherwise twenty of them would turn a short failure into the longest rest.
func (h health) failed(began, now time.Time, retryAfter time.Duration) health {
	if h.failures > 0 && began.Before(h.failedAt) {
		return h
	}
	rest := longestRest
	if h.failures < 5 {
		rest = firstRest << h.failures
	}
	rest = min(max(rest, retryAfter), longestRest)
	return health{failures: h.failures + 1, failedAt: now, until: now.Add(rest)}
}

// probed keeps other requests away from a server while one request probes it, for at most atMost.
func (h health) probed(now time.Time, atMost time.Duration) health {
	if h.failures > 0 {
		h.until, h.probing = now.Add(atMost), true
	}
	return h
}

// untold records a request that showed nothing about the server. The next one may probe.
func (h health) untold(now time.Time) health {
	if h.probing {
		h.until, h.probing = now, false
	}
	return h
}
