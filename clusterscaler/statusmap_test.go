package clusterscaler

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// logBuffer keeps what several goroutines log.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take is what was logged since the last look.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// An API server that does not answer the write of the status is said once, until it answers, and asked less and less often.
// Events wait for the first write only. The end of the process is no trouble.
func TestStatusThatCannotBeWrittenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var writes atomic.Int64
		r.scaler.deps.Kube.Client = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(ctx context.Context, _ client.WithWatch, _ runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
				writes.Add(1)
				<-ctx.Done()
				return ctx.Err()
			},
		}).Build()
		var log logBuffer
		r.scaler.deps.Log, r.scaler.deps.Now = slog.New(slog.NewTextHandler(&log, nil)), time.Now
		r.scaler.status.events.normal("ScaledUpGroup", "first")
		p := &r.scaler.look.plan
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.scaler.status.writer.Run(ctx) }()
		r.scaler.writeStatus(p)
		r.scaler.tellStatus(p)
		synctest.Wait()
		if told, said := r.told(), log.take(); len(told) > 0 || said != "" || writes.Load() != 1 {
			t.Errorf("%d writes, told %v before the first was answered: %s", writes.Load(), told, said)
		}
		for range 360 { // an hour
			time.Sleep(10 * time.Second) // of the bubble
			synctest.Wait()
			r.scaler.writeStatus(p)
		}
		const want = `level=ERROR msg="the status cannot be written" configmap=kube-system/cluster-autoscaler-status error="context deadline exceeded"`
		if said := log.take(); strings.Count(said, want) != 1 {
			t.Errorf("said\n%s\nwant once %s", said, want)
		}
		if told := r.told(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if n := writes.Load(); n < 12 || n > 30 {
			t.Errorf("%d writes in an hour, want that they become rare", n)
		}
		time.Sleep(statusMaxPause)
		synctest.Wait()
		r.scaler.writeStatus(p)
		synctest.Wait()
		cancel()
		if err, said := <-done, log.take(); err != nil || said != "" {
			t.Errorf("%v, said at the end of the process: %s", err, said)
		}
	})
}

// A status that says nothing new is written once a minute, a new one at once, but not more often than all ten seconds.
func TestStatusIsWrittenWhenItSaysSomethingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var writes atomic.Int64
		r.scaler.deps.Kube.Client = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
				writes.Add(1)
				return nil
			},
		}).Build()
		r.scaler.deps.Now = time.Now
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.scaler.status.writer.Run(ctx) }()
		loops := func(n int, p *plan.Plan, want int64) {
			t.Helper()
			writes.Store(0)
			for range n {
				r.scaler.writeStatus(p)
				synctest.Wait()
				time.Sleep(5 * time.Second) // of the bubble
			}
			if got := writes.Load(); got != want {
				t.Errorf("%d writes, want %d", got, want)
			}
		}
		quiet := &plan.Plan{}
		busy := &plan.Plan{States: []plan.GroupState{{Name: "a", Coming: 1}}}
		loops(60, quiet, 5)
		loops(1, busy, 1)
		loops(1, quiet, 0) // five seconds later
		loops(1, quiet, 1)
		loops(11, quiet, 0)
		loops(1, quiet, 1)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
