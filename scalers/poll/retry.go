package poll

import "time"

const (
	// retryFirst is how long what failed once is left alone.
	retryFirst = 5 * time.Second
	// RetryMost is the longest time that something is left alone, however often it failed.
	RetryMost = 5 * time.Minute
	// RetrySoon is the longest for what may be mended without a notice. It is KEDA's polling interval, after which
	// KEDA tries again.
	RetrySoon = 30 * time.Second
)

// Retry is how long something that failed is left alone: 5 seconds, doubled with each failure in a row
// up to a bound. The zero value is that of something that did not fail.
type Retry struct {
	failures int
	at       time.Time
}

// Failed notes a failure, after which it is left alone for most at the longest; RetryMost is the largest bound.
// spread, from 0 to 1, takes up to a fifth off the time, so that what failed together is not tried again
// together. A failure long after the last one counts as the first.
func (r *Retry) Failed(now time.Time, spread float64, most time.Duration) {
	if now.Sub(r.at) > RetryMost {
		r.failures = 0
	}
	wait := most
	if r.failures < 10 { // 5s * 2^10 is past the most, and far from an overflow
		wait = min(retryFirst<<r.failures, most)
	}
	r.failures++
	r.at = now.Add(wait - time.Duration(spread*float64(wait)/5))
}

// Waits says whether it is too early to try again.
func (r *Retry) Waits(now time.Time) bool { return now.Before(r.at) }

// At is when to try again; zero where nothing failed.
func (r *Retry) At() time.Time { return r.at }
