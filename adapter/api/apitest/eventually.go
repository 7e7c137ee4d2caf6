package apitest

import (
	"testing"
	"time"
)

// Eventually waits until a condition comes true, and fails the test where it does not.
func Eventually(t testing.TB, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatal("the condition does not come true")
		case <-tick.C:
		}
	}
}
