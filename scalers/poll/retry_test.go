package poll

import (
	"testing"
	"time"
)

func TestRetryDoublesToItsMostAndSpreads(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var early, late Retry
	if early.Waits(now) || !early.At().IsZero() {
		t.Error("what did not fail waits")
	}
	for i, want := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300} {
		want *= time.Second
		early.Failed(now, 1, RetryMost)
		late.Failed(now, 0, RetryMost)
		if late.At().Sub(now) != want || early.At().Sub(now) != want*4/5 {
			t.Errorf("failure %d waits %s to %s, want %s to %s", i, early.At().Sub(now), late.At().Sub(now), want*4/5, want)
		}
		if !late.Waits(now.Add(want-1)) || late.Waits(now.Add(want)) {
			t.Errorf("failure %d is not tried again after %s", i, want)
		}
	}
	for range 1000 {
		late.Failed(now, 0, RetryMost)
	}
	if late.At().Sub(now) != RetryMost {
		t.Errorf("after 1000 failures it waits %s", late.At().Sub(now))
	}
	now = late.At().Add(RetryMost + time.Second)
	if late.Failed(now, 0, RetryMost); late.At().Sub(now) != retryFirst {
		t.Errorf("a failure long after the last one waits %s", late.At().Sub(now))
	}
	for range 20 {
		late.Failed(now, 0, RetrySoon)
	}
	if late.At().Sub(now) != RetrySoon {
		t.Errorf("after 20 failures within a bound it waits %s", late.At().Sub(now))
	}
}
