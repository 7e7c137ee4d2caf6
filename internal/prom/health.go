package prom

import "time"

const (
	firstRest = time.Second
	// longestRest is how late a server that is well again is taken at the latest.
	longestRest = 30 * time.Second
	// patience is how long a request must have waited for its running out of time to be the server's fault.
	patience = time.Second
)

// health is what is known of one server. The zero value is a server that is well. It is a value:
// its methods return what follows.
//
//	well --failure--> resting (1s, 2s, 4s ... 30s) --time--> due --one request probes--> well or resting
//
// A server that rests is asked only where no other is left.
type health struct {
	failures int
	failedAt time.Time
	// until is when the next request may probe the server.
	until time.Time
	// probing says that one does.
	probing bool
}

func (h health) resting(now time.Time) bool { return h.failures > 0 && now.Before(h.until) }

// failed takes note of a request that began and failed. Requests that were in flight together count as one,
// or twenty of them would make the longest rest of one hiccup.
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

// probed keeps other requests away from a server that is due while one finds out how it is, for as long as
// that may take.
func (h health) probed(now time.Time, atMost time.Duration) health {
	if h.failures > 0 {
		h.until, h.probing = now.Add(atMost), true
	}
	return h
}

// untold takes note of a request that ended without telling anything of the server; the next one may probe.
func (h health) untold(now time.Time) health {
	if h.probing {
		h.until, h.probing = now, false
	}
	return h
}
