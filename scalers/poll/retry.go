package poll

import "time"

const (
	// retryFirst is the wait after the first failure.
	retryFirst = 5 * time.Second
	// RetryMost is the longest wait, whatever the number of failures.
	RetryMost = 5 * time.Minute
	// RetrySoon is the longest wait if no event reports that the cause was corrected. It is KEDA's polling interval,
	// after which KEDA tries again.
	RetrySoon = 30 * time.Second
)

// Retry is the back-off of something that failed: 5 seconds, doubled with each failure in a row up to a bound. The zero
// value means that nothing failed.
type Retry struct {
	failures int
	at       time.Time
}

// Failed records a failure. The wait is at most most; RetryMost is the largest bound. spread, from 0 to 1, shortens the
// wait by up to a fifth, so that common failures are not all retried at the same time. A failure more than RetryMost
// after the last retry was due counts as the first.
func (r *Retry) Failed(now time.Time, spread float64, most time.Duration) {
	if now.Sub(r.at) > RetryMost {
		r.failures = 0
	}
	wait := most
	if r.failures < 10 { // 5s * 2^10 exceeds the bound and does not overflow
		wait = min(retryFirst<<r.failures, most)
	}
	r.failures++
	r.at = now.Add(wait - time.Duration(spread*float64(wait)/5))
}

// Waits is true if it is too early to try again.
func (r *Retry) Waits(now time.Time) bool { return now.Before(r.at) }

// At is when to try again; zero where nothing failed.
func (r *Retry) At() time.Time { return r.at }
