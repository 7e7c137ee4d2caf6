package report

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/journal"
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

// take is what was logged since it was called last.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// desk is a Reporter whose status is written by apply.
type desk struct {
	*Reporter
	events *events.FakeRecorder
	log    logBuffer
}

func newDesk(now func() time.Time, name string, apply func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error) *desk {
	d := &desk{events: events.NewFakeRecorder(1000)}
	log, reg := slog.New(slog.NewTextHandler(&d.log, nil)), prometheus.NewRegistry()
	d.Reporter = New(Config{Status: types.NamespacedName{Namespace: "kube-system", Name: name}, ScanInterval: 10 * time.Second}, Deps{
		Client: fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{Apply: apply}).Build(),
		Events: d.events, Journal: journal.New(100, log, reg, now), Log: log, Registry: reg, Now: now,
	})
	return d
}

// told are the Events since it was called last.
func (d *desk) told() []string {
	var out []string
	for len(d.events.Events) > 0 {
		out = append(out, <-d.events.Events)
	}
	return out
}

// An API server that does not answer the write of the status is said once, until it answers, and asked less and less often.
// Events wait for the first write only. The end of the process is no trouble.
func TestStatusThatCannotBeWrittenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int64
		d := newDesk(time.Now, "cluster-autoscaler-status", func(ctx context.Context, _ client.WithWatch, _ runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
			writes.Add(1)
			<-ctx.Done()
			return ctx.Err()
		})
		d.status.events.normal("ScaledUpGroup", "first")
		p := &plan.Plan{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		d.status.write(p)
		d.status.tell(p)
		synctest.Wait()
		if told, said := d.told(), d.log.take(); len(told) > 0 || said != "" || writes.Load() != 1 {
			t.Errorf("%d writes, told %v before the first was answered: %s", writes.Load(), told, said)
		}
		for range 360 { // an hour
			time.Sleep(10 * time.Second) // of the bubble
			synctest.Wait()
			d.status.write(p)
		}
		const want = `level=ERROR msg="the status cannot be written" configmap=kube-system/cluster-autoscaler-status error="context deadline exceeded"`
		if said := d.log.take(); strings.Count(said, want) != 1 {
			t.Errorf("said\n%s\nwant once %s", said, want)
		}
		if told := d.told(); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if n := writes.Load(); n < 12 || n > 30 {
			t.Errorf("%d writes in an hour, want that they become rare", n)
		}
		time.Sleep(statusMaxPause)
		synctest.Wait()
		d.status.write(p)
		synctest.Wait()
		cancel()
		if err, said := <-done, d.log.take(); err != nil || said != "" {
			t.Errorf("%v, said at the end of the process: %s", err, said)
		}
	})
}

// A status that says nothing new is written once a minute, a new one at once, but not more often than all ten seconds.
func TestStatusIsWrittenWhenItSaysSomethingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int64
		d := newDesk(time.Now, "cluster-autoscaler-status", func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
			writes.Add(1)
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		loops := func(n int, p *plan.Plan, want int64) {
			t.Helper()
			writes.Store(0)
			for range n {
				d.status.write(p)
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

// Where no status is to be written nothing is, no Event is told, and none waits for ever.
func TestNoStatus(t *testing.T) {
	var writes int
	d := newDesk(time.Now, "", func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
		writes++
		return nil
	})
	for range 2 {
		d.Increased(plan.Increase{Group: "a", To: 1}, 1, nil)
		l := d.Begin()
		l.Decided(Outcome{Plan: &plan.Plan{}, Policy: &plan.Policy{}})
		l.End()
		d.Finish(t.Context())
	}
	if told := d.told(); writes != 0 || len(told) > 0 || len(d.status.events.waiting)+len(d.status.untold) > 0 {
		t.Errorf("%d writes, told %v, waiting %v", writes, told, d.status)
	}
}
