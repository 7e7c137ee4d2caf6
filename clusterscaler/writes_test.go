package clusterscaler

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// An API server that answers no write holds no loop up, and a later loop neither.
func TestLoopWaitsForNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, idle())
		r.provider.member = map[string]string{"n": "a"}
		r.held = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = r.scaler.marks.Run(ctx) }()
		go func() { _ = r.scaler.report.Run(ctx) }()
		loops := 0
		go func() {
			for range 3 {
				r.scaler.loop(ctx)
				loops++
			}
		}()
		synctest.Wait()
		if n := r.writes.Load(); loops != 3 || n != 2 {
			t.Errorf("%d loops ended while %d writes are not answered, want 3 and those of the mark and the status", loops, n)
		}
		close(r.held)
		synctest.Wait()
		cancel()
	})
}

// hanging is a provider that does not answer for one group.
type hanging struct {
	*stub
	group string
	ended chan struct{}
}

func (h *hanging) SetTarget(ctx context.Context, r fleet.Resize) (int, error) {
	if r.Group == h.group {
		<-h.ended
	}
	return h.stub.SetTarget(ctx, r)
}

// A group whose provider does not answer holds up the growth of no other. The loop ends when it is known what was done.
func TestGroupThatHangsHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		h := &hanging{r.provider, "a", make(chan struct{})}
		r.scaler.provider = h
		failed := make(chan map[string]bool, 1)
		go func() {
			failed <- r.scaler.request(t.Context(), &plan.Plan{
				GiveUp:  []plan.Decrease{{Group: "c", From: 1}},
				ScaleUp: []plan.Increase{{Group: "a", To: 1}, {Group: "b", To: 2}},
			}, &fleet.View{})
		}()
		synctest.Wait()
		if got := len(r.provider.grown); got != 2 || len(failed) != 0 {
			t.Errorf("asked of the provider: %v", r.provider.grown)
		}
		r.provider.refuse["a"] = true
		close(h.ended)
		if got := <-failed; !got["a"] || got["b"] {
			t.Errorf("failed are %v", got)
		}
		m := r.scaler.memory
		if _, backs := m.Backoffs["a"]; !backs || m.LastOf["b"].ScaleUp.IsZero() || !m.LastOf["a"].ScaleUp.IsZero() {
			t.Errorf("remembered: %+v", m)
		}
	})
}

// slow is a provider that takes time to say which groups there are.
type slow struct{ *stub }

func (s slow) Observe(ctx context.Context, nodes []*corev1.Node) ([]fleet.Group, error) {
	time.Sleep(11 * time.Second) // of the bubble
	return s.stub.Observe(ctx, nodes)
}

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

// histograms are those of that name, as "LABEL COUNT SUM" in the order of the labels.
func histograms(t *testing.T, reg *prometheus.Registry, name string) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			label := ""
			for _, l := range m.GetLabel() {
				label = l.GetValue()
			}
			out = append(out, fmt.Sprintf("%s %d %gs", label, m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()))
		}
	}
	return strings.Join(out, ", ")
}

// counted is the sum of the counters of that name.
func counted(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// The phases of a loop are measured, also of one that fails, and one that takes longer than the scan interval is said with
// them, once a minute.
func TestPhasesAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pendingPod())
		r.now = time.Now
		r.scaler.loop(t.Context())
		if said := r.log.take(); said != "" {
			t.Errorf("said of a fast loop: %s", said)
		}
		r.scaler.provider = slow{r.provider}
		for range 7 { // 77 s
			r.scaler.loop(t.Context())
		}
		log := r.log.take()
		for _, want := range []string{
			`level=WARN msg="a loop took longer than the scan interval" took=11s scanInterval=10s observe=11s decide=0s act=0s report=0s "slow loops since the last warning"=1`,
			`"slow loops since the last warning"=6`,
		} {
			if strings.Count(log, want) != 1 {
				t.Errorf("said\n%swant %s", log, want)
			}
		}
		r.provider.broken = context.DeadlineExceeded
		r.scaler.loop(t.Context())
		for name, want := range map[string]string{
			"trimtab_clusterscaler_loop_phase_duration_seconds": "act 8 0s, decide 8 0s, observe 9 88s, report 8 0s",
			"cluster_autoscaler_function_duration_seconds":      "cloudProviderRefresh 9 88s, main 9 88s, updateClusterState 9 88s",
			"trimtab_clusterscaler_loop_duration_seconds":       " 9 88s",
		} {
			if got := histograms(t, r.registry, name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

// lateAnswer is a provider that takes a minute to answer.
type lateAnswer struct {
	*stub
	now *time.Time
}

func (l lateAnswer) SetTarget(ctx context.Context, r fleet.Resize) (int, error) {
	*l.now = l.now.Add(time.Minute)
	return l.stub.SetTarget(ctx, r)
}

// Nodes are awaited since they were asked for: one that comes or fails before all providers have answered is one of them.
func TestAwaitedSinceTheyWereAskedFor(t *testing.T) {
	r := newRig(t)
	now := startTime()
	r.scaler.provider, r.now = lateAnswer{r.provider, &now}, func() time.Time { return now }
	r.scaler.request(t.Context(), &plan.Plan{ScaleUp: []plan.Increase{{Group: "a", To: 1}}}, &fleet.View{})
	m := r.scaler.memory
	if since := m.AwaitedSince["a"]; !since.Equal(startTime()) || !m.LastScaleUp.Equal(startTime()) || !m.Promises["a"].At.Equal(now) {
		t.Errorf("awaited since %s, want %s: %+v", since, startTime(), m)
	}
}

// halfway is a provider that lets a group grow by a node less than it was asked for.
type halfway struct{ *stub }

func (h halfway) SetTarget(_ context.Context, r fleet.Resize) (int, error) {
	return r.To - r.From - 1, &fleet.Failure{Class: fleet.Capacity, Message: "one is missing"}
}

// Of a growth that the cloud grants in part those nodes are awaited that it grants, and the group rests for the others.
func TestPartOfAGrowthBesideAnError(t *testing.T) {
	r := newRig(t)
	r.scaler.provider = halfway{r.provider}
	failed := r.scaler.request(t.Context(), &plan.Plan{ScaleUp: []plan.Increase{{Group: "a", To: 3}, {Group: "b", To: 1}}}, &fleet.View{})
	m := r.scaler.memory
	if !failed["a"] || m.Backoffs["a"].Class != fleet.Capacity || m.Promises["a"].By != 2 || m.Promises["a"].Size != 2 || m.AwaitedSince["a"].IsZero() || m.LastOf["a"].ScaleUp.IsZero() {
		t.Errorf("failed %v, remembered %+v", failed, m)
	}
	_, promised := m.Promises["b"]
	if _, rests := m.Backoffs["b"]; !failed["b"] || !rests || promised || !m.AwaitedSince["b"].IsZero() || !m.LastOf["b"].ScaleUp.IsZero() {
		t.Errorf("nothing was granted to b: failed %v, remembered %+v", failed, m)
	}
	if n := counted(t, r.registry, "trimtab_clusterscaler_nodes_added_total"); n != 2 {
		t.Errorf("counted %v nodes added, want the 2 that were granted", n)
	}
}
