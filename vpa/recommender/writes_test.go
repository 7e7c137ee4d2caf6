package recommender

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// An API server that answers no write holds no round up, and one object whose write hangs none of the others.
func TestRoundWaitsForNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := web(t, deployment("db"), pod("db", "db-1"), autoscaler("db", "Deployment", "db"))
		w.cores["db-1/app"], w.bytes["db-1/app"] = 0.2, 200<<20
		w.cfg.UpdateWorkerCount, w.clock = 1, time.Time{}
		w.held = func(o client.Object) bool { return o.GetName() == "db" || o.GetName() == "db-app" } // which come first
		r := w.start()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		synctest.Wait()
		if err := r.Ready(); err != nil {
			t.Errorf("the first round waits for the writes: %v", err)
		}
		time.Sleep(10 * time.Minute) // of the bubble
		synctest.Wait()
		if w.target("web") == "none" || len(w.checkpoints()) != 1 {
			t.Errorf("the other has %s and %d checkpoints", w.target("web"), len(w.checkpoints()))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The history that could not be written for a while is written at the end, although its pause is not over.
func TestTheEndWritesWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := web(t)
		w.clock = time.Time{}
		held := true
		w.held = func(o client.Object) bool { return held && o.GetName() == "web-app" }
		r := w.start()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(writeTimeout + time.Second) // of the bubble: the first write has failed
		synctest.Wait()
		held = false
		cancel()
		if err := <-done; err != nil || len(w.checkpoints()) != 1 {
			t.Errorf("%v; %d checkpoints at the end", err, len(w.checkpoints()))
		}
	})
}
