package conformance

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write testdata/*.txt from the original's answers")
	flag.Parse()
	os.Exit(m.Run())
}

// scene is the cluster and the Prometheus that all comparisons have in common.
type scene struct {
	lab        *lab.Lab
	prometheus *lab.Prometheus
	world      world
	// seen counts how often each deviation was met.
	seen map[string]int
}

func startScene(ctx context.Context, t *testing.T) *scene {
	t.Helper()
	w, err := readWorld()
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
		}
		l.Stop()
	})
	if err := w.create(ctx, l); err != nil {
		t.Fatal(err)
	}
	p, err := l.StartPrometheus(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &scene{lab: l, prometheus: p, world: w, seen: map[string]int{}}
}

// trimtab is the path of the program.
func (s *scene) trimtab() string { return filepath.Join(s.lab.Dir, "bin", "trimtab") }

// The same rule file, cluster and Prometheus give the same answers, but for what is meant to be different.
func TestAnswersAreTheOriginals(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute) // programs may have to be built
	defer cancel()
	s := startScene(ctx, t)
	// Now, since the samples end nine minutes later.
	if err := s.world.push(ctx, s.prometheus, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"chart", "features"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", "rules", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			both := startPair(ctx, t, s.lab, s.prometheus, name, string(raw))
			kept := example{name: name, rules: string(raw), world: s.world}
			for _, x := range s.compareAll(ctx, t, both, s.world.plan(s.listed(ctx, t, both))) {
				kept.add(x)
			}
			kept.write(t)
			if name == "features" {
				s.compareBroken(ctx, t, both)
			}
		})
	}
	s.compareResources(ctx, t)
	s.compareRandom(ctx, t)
	s.compareMistakes(ctx, t)
	if t.Failed() {
		return
	}
	t.Run("deviations", s.checkDeviations)
}

// listed are the entries that either program lists, once each. What only one of them lists is a difference.
func (s *scene) listed(ctx context.Context, t *testing.T, both pair) (custom, external []entry) {
	t.Helper()
	for _, path := range discovery() {
		x := s.exchange(ctx, t, both, path)
		s.judge(t, x)
		all := append(entries(x.original), entries(x.ours)...)
		if path == externalV1 {
			external = all
		} else {
			custom = all
		}
	}
	if len(custom)+len(external) == 0 {
		t.Fatal("neither lists a metric; the test looks in the wrong place")
	}
	return custom, external
}

// compareAll returns the exchanges that are equal but for times, which no example speaks of.
func (s *scene) compareAll(ctx context.Context, t *testing.T, both pair, paths []string) (equal []exchange) {
	t.Helper()
	answered := 0
	for _, path := range paths {
		x := s.exchange(ctx, t, both, path)
		if met, ok := s.judge(t, x); ok && slices.IndexFunc(met, func(id string) bool { return id != timestamps }) < 0 {
			equal = append(equal, x)
		}
		if x.original.status == http.StatusOK {
			answered++
		}
	}
	t.Logf("%d requests compared, %d of them answered with 200 by the original", len(paths), answered)
	if answered*10 < len(paths) {
		t.Errorf("only %d of %d requests were answered; the comparison says little", answered, len(paths))
	}
	return equal
}

// compareBroken asks while Prometheus cannot answer.
func (s *scene) compareBroken(ctx context.Context, t *testing.T, both pair) {
	t.Helper()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusUnprocessableEntity} {
		both.original.proxy.Fail(status)
		both.ours.proxy.Fail(status)
		for _, path := range []string{
			customV1 + "/namespaces/shop/pods/web-1/http_requests_per_second",
			customV1 + "/namespaces/shop/pods/*/http_requests_per_second",
			externalV1 + "/namespaces/shop/queue_in_namespace",
		} {
			s.judge(t, s.exchange(ctx, t, both, path))
		}
	}
	both.original.proxy.Fail(0)
	both.ours.proxy.Fail(0)
}

// exchange asks both at the same time.
func (s *scene) exchange(ctx context.Context, t *testing.T, both pair, path string) exchange {
	t.Helper()
	x := exchange{path: path}
	failed := make(chan error)
	go func() {
		var err error
		x.original, err = both.original.ask(ctx, path)
		failed <- err
	}()
	var err error
	x.ours, err = both.ours.ask(ctx, path)
	if other := <-failed; other != nil {
		err = other
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return x
}

// judge fails the test for a difference that is not meant, and tells which deviations explain the others.
func (s *scene) judge(t *testing.T, x exchange) (met []string, ok bool) {
	t.Helper()
	rest := x
	for _, d := range deviations() {
		if rest.original.equal(rest.ours) {
			break
		}
		if forgiven := d.forgive(rest); !forgiven.equal(rest.ours) {
			rest.ours = forgiven
			met = append(met, d.id)
		}
	}
	if !rest.original.equal(rest.ours) {
		t.Errorf("differs: %s", x)
		return met, false
	}
	for _, id := range met {
		s.seen[id]++
	}
	return met, true
}

// checkDeviations fails for an entry that no request shows any more, and for an entry that the docs do not mention.
func (s *scene) checkDeviations(t *testing.T) {
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "migrate-prometheus-adapter.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deviations() {
		t.Logf("%-24s %5d times: %s", d.id, s.seen[d.id], d.why)
		if s.seen[d.id] == 0 {
			t.Errorf("%s: no request shows it any more; take it off the list, and off the page", d.id)
		}
		if !strings.Contains(string(page), "`"+d.id+"`") {
			t.Errorf("%s is not described in docs/migrate-prometheus-adapter.md", d.id)
		}
	}
}
