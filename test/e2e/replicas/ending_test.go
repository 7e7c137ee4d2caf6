package replicas

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
)

func TestMain(m *testing.M) { cluster.Main(m) }

const (
	// probePeriod and probeFailures are those of the readiness probe in deploy/deployment.yaml.
	probePeriod   = 2 * time.Second
	probeFailures = 2
)

// serving answers for metrics, though there are none.
const serving = `
server: {address: "127.0.0.1:%d"}
prometheus: {url: "http://127.0.0.1:1"}
adapter: {bindAddress: 127.0.0.1, securePort: %d}
scalers: {}
`

// A client asks without pause while one of two replicas ends. Its requests go to replicas whose readiness probe succeeds,
// as by a Service. No request is refused, and the other replica leads before the first has ended.
func TestNoRequestIsRefusedWhenAReplicaEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	first := cluster.Start(ctx, t)
	first.Scale(ctx, t, fmt.Sprintf(serving, first.Ports.HTTP, first.Ports.MetricsAPI))
	second := *first
	for _, port := range []*int{&second.Ports.HTTP, &second.Ports.MetricsAPI} {
		var err error
		if *port, err = lab.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	second.Scale(ctx, t, fmt.Sprintf(serving, second.Ports.HTTP, second.Ports.MetricsAPI))
	admin, err := first.AdminClient()
	if err != nil {
		t.Fatal(err)
	}
	both := []*replica{{Cluster: first}, {Cluster: &second}}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	for _, r := range both {
		r.ready.Store(true)
		running.Go(func() { r.probe(asking) })
	}
	traffic := traffic{client: admin, to: both}
	for range 2 {
		running.Go(func() { traffic.run(asking) })
	}
	first.Wait(ctx, t, "both answer", func(context.Context) error {
		return errors.Join(both[0].answeredMoreThan(20), both[1].answeredMoreThan(20))
	})
	if err := first.Trimtab.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	second.Wait(ctx, t, "the other leads", func(ctx context.Context) error {
		text, err := second.Read(ctx, "/readyz")
		if err == nil && text != "ok       scalers\nok       scalers.answers\nok       adapter\nok       reload\n" {
			err = errors.New(text)
		}
		return err
	})
	select {
	case <-first.Trimtab.Process.Done():
		t.Error("the first ended before another replica led")
	default:
	}
	select {
	case <-first.Trimtab.Process.Done():
	case <-ctx.Done():
		t.Fatal("the first does not end")
	}
	if err := first.Trimtab.Process.Err(); err != nil {
		t.Errorf("the first ended with %v:\n%s", err, first.Trimtab.Process.Tail(5))
	}
	before := both[1].answered.Load()
	second.Wait(ctx, t, "the other answers on", func(context.Context) error { return both[1].answeredMoreThan(before + 50) })
	stop()
	running.Wait()
	if len(traffic.refused) > 0 {
		t.Errorf("%d of %d requests failed; the first: %v", len(traffic.refused), both[0].answered.Load()+both[1].answered.Load(), traffic.refused[0])
	}
	first.Trimtab = second.Trimtab
}

// replica is a trimtab as a Service sees it.
type replica struct {
	*cluster.Cluster
	ready    atomic.Bool
	answered atomic.Int64
}

func (r *replica) answeredMoreThan(n int64) error {
	if got := r.answered.Load(); got <= n {
		return fmt.Errorf("%d answers so far", got)
	}
	return nil
}

// probe is the kubelet's readiness probe.
func (r *replica) probe(ctx context.Context) {
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := r.Read(ctx, "/readyz"); err == nil {
			failures = 0
		} else if failures++; failures >= probeFailures {
			r.ready.Store(false)
		}
	}
}

// traffic asks the ready replicas in turn.
type traffic struct {
	client *http.Client
	to     []*replica
	next   atomic.Int64

	mu      sync.Mutex
	refused []error
}

func (f *traffic) run(ctx context.Context) {
	for ctx.Err() == nil {
		r := f.to[int(f.next.Add(1))%len(f.to)]
		if !r.ready.Load() {
			continue
		}
		if err := f.ask(ctx, r); err != nil && ctx.Err() == nil {
			f.mu.Lock()
			f.refused = append(f.refused, fmt.Errorf("%s: %w", time.Now().Format(time.TimeOnly), err))
			f.mu.Unlock()
		}
	}
}

// ask makes one request on a connection of its own, or on one that is open.
func (f *traffic) ask(ctx context.Context, r *replica) error {
	url := fmt.Sprintf("https://127.0.0.1:%d/apis/external.metrics.k8s.io/v1beta1/namespaces/default/none", r.Ports.MetricsAPI)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Close = f.next.Load()%2 == 0
	answer, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	// There is no such metric: that is an answer.
	if answer.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	r.answered.Add(1)
	return nil
}
