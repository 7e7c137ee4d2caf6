package kube

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// sink is an API server that answers all requests with the same code, or the first with another, and remembers their methods.
type sink struct {
	code, next int

	mu      sync.Mutex
	methods []string
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.methods = append(s.methods, r.Method)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.code)
	reason := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusForbidden: metav1.StatusReasonForbidden}[s.code]
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, s.code)
	s.code = s.next
}

func (s *sink) writes() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.methods {
		if m != http.MethodGet {
			n++
		}
	}
	return n
}

// sunk is a Kube on a sink, with a budget of burst requests that never comes back.
func sunk(t *testing.T, burst int) (*sink, *Kube, *prometheus.Registry) {
	t.Helper()
	server := &sink{code: http.StatusNotFound, next: http.StatusNotFound}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	cfg := defaults()
	cfg.Kubeconfig, cfg.QPS, cfg.Burst = filepath.Join(t.TempDir(), "config"), 1e-6, burst
	text := contextX + "clusters: [{name: c, cluster: {server: '" + listener.URL + "'}}]\nusers: [{name: a, user: {}}]"
	if err := os.WriteFile(cfg.Kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	k, err := New(cfg, slog.New(slog.DiscardHandler), registry)
	if err != nil {
		t.Fatal(err)
	}
	k.Mapper = testrestmapper.TestOnlyStaticRESTMapper(k.shared.scheme)
	return server, k, registry
}

func part(t *testing.T, make func(string) (*Kube, error), name string) *Kube {
	t.Helper()
	k, err := make(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ask sends one request that may not wait long, and says whether it was answered.
func ask(t *testing.T, k *Kube) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := k.Live.Get(ctx, client.ObjectKey{Name: "x"}, &corev1.Node{})
	if err != nil && !apierrors.IsNotFound(err) && !strings.Contains(err.Error(), "rate") {
		t.Fatal(err)
	}
	return apierrors.IsNotFound(err)
}

// A part that has used up its budget leaves those of the others alone, whichever of its clients it used.
func TestEachPartHasItsOwnBudget(t *testing.T) {
	t.Parallel()
	_, k, registry := sunk(t, 3)
	flooding, other := part(t, k.For, "flooding"), part(t, k.For, "other")
	for i := range 2 {
		if !ask(t, flooding) {
			t.Fatalf("request %d of 3 was not sent", i+1)
		}
	}
	if err := flooding.Client.Delete(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "x"}}); !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if ask(t, flooding) {
		t.Error("the budget of a part does not count the requests of all its clients")
	}
	if !ask(t, other) {
		t.Error("one part used up the budget of another")
	}
	for part, want := range map[string]float64{"flooding": 3, "other": 1} {
		if got := testutil.ToFloat64(k.shared.metrics.requests.WithLabelValues(part, "404")); got != want {
			t.Errorf("%s: %v requests are counted, want %v", part, got, want)
		}
	}
	if n, err := testutil.GatherAndCount(registry, "trimtab_kube_budget_wait_seconds"); err != nil || n == 0 {
		t.Errorf("%d parts tell how long they waited: %v", n, err)
	}
}

// A part that has more to tell than its Events are allowed leaves those of another alone.
func TestEachPartHasItsOwnEvents(t *testing.T) {
	t.Parallel()
	server, k, _ := sunk(t, 3)
	flooding, other := part(t, k.For, "flooding"), part(t, k.For, "other")
	k.shared.startEvents()
	defer k.shared.endEvents()
	tell := func(k *Kube, name string) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		k.Events.Eventf(pod, nil, corev1.EventTypeNormal, "Told", "Tell", "something")
	}
	for i := range 10 {
		tell(flooding, fmt.Sprint("flood-", i))
	}
	for _, want := range []int{3, 4} {
		deadline := time.Now().Add(patience)
		for server.writes() < want && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if n := server.writes(); n != want {
			t.Fatalf("%d Events were sent, want %d", n, want)
		}
		if want == 3 {
			tell(other, "web")
		}
	}
}

// An API server that comes late is waited for, one that does not come is an error that names it.
func TestAwaitTheAPIServer(t *testing.T) {
	t.Parallel()
	server, k, _ := sunk(t, 100)
	server.code = http.StatusServiceUnavailable
	server.next = http.StatusForbidden // it is there, though it tells this client nothing
	if err := k.Await(t.Context()); err != nil || len(server.methods) != 2 {
		t.Errorf("after %d questions: %v", len(server.methods), err)
	}
	server.code, server.next = http.StatusServiceUnavailable, http.StatusServiceUnavailable
	ended, end := context.WithCancel(t.Context())
	end()
	if err := k.Await(ended); err == nil || !strings.HasPrefix(err.Error(), "the API server does not answer: ") {
		t.Errorf("%v", err)
	}
}

// While another replica may lead, a leader's part reads and does not write; parts of all replicas do both.
func TestWritesOfALeadersPartNeedTheLease(t *testing.T) {
	t.Parallel()
	server, k, _ := sunk(t, 100)
	now := time.Now()
	k.shared.term.now = func() time.Time { return now }
	leads, always := part(t, k.ForLeader, "leads"), part(t, k.For, "always")
	write := func(k *Kube) error {
		return client.IgnoreNotFound(k.Client.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "x"}}))
	}
	check := func(when string, refusal string) {
		t.Helper()
		before := server.writes()
		err := write(leads)
		if sent := server.writes() > before; sent != (refusal == "") {
			t.Errorf("%s: the write was sent: %v", when, sent)
		}
		if may := leads.MayWrite(); (may == nil) != (refusal == "") {
			t.Errorf("%s: MayWrite says %v", when, may)
		}
		if refusal == "" && err != nil || refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)) {
			t.Errorf("%s: %v, want %q", when, err, refusal)
		}
		if !ask(t, leads) {
			t.Errorf("%s: a read was refused", when)
		}
		if err := write(always); err != nil || always.MayWrite() != nil {
			t.Errorf("%s: a part of all replicas: %v", when, err)
		}
	}
	check("before the Lease is held", "not written: this replica does not hold the Lease; another may lead")
	k.shared.term.renew(now, 15*time.Second)
	check("with the Lease", "")
	now = now.Add(14 * time.Second)
	check("late", "")
	now = now.Add(time.Second)
	check("too late", "not written: the Lease was last renewed 15s ago; another replica may lead")
	k.shared.term.renew(now, 15*time.Second)
	check("renewed", "")
	k.shared.term.close()
	check("in doubt", "not written: this replica does not hold the Lease; another may lead")
	k.shared.term.openForEver()
	check("without leader election", "")
}
