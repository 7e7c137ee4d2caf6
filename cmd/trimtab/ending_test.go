package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/config"
)

// fakePart runs until its context ends or a test makes it fail.
type fakePart struct {
	runs, ended chan struct{}
	fail        chan error
	notReady    error
}

func newFakePart() *fakePart {
	return &fakePart{runs: make(chan struct{}), ended: make(chan struct{}), fail: make(chan error)}
}

func (p *fakePart) Run(ctx context.Context) error {
	close(p.runs)
	defer close(p.ended)
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.fail:
		return err
	}
}

func (p *fakePart) Ready() error { return p.notReady }

// rehearsal is a program of a part that serves and one that leads.
type rehearsal struct {
	t             *testing.T
	serves, leads *fakePart
	url           string
	interrupt     context.CancelFunc
	done          chan error
}

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

func rehearse(t *testing.T, delay time.Duration, notReady error) *rehearsal {
	t.Helper()
	cfg := withAllSections()
	cfg.Server.Address, cfg.Server.ShutdownDelay = "127.0.0.1:0", config.Duration(delay)
	cfg.LeaderElection.Enabled = false
	r := &rehearsal{t: t, serves: newFakePart(), leads: newFakePart(), done: make(chan error, 1)}
	r.serves.notReady = notReady
	s := wire(t, "trimtab.yaml", cfg).shared
	services := []service{{name: "serves", runner: r.serves}, {name: "leads", runner: r.leads, leads: true}}
	web, err := listen(cfg.Server, s, services)
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + web.Addr()
	ctx, interrupt := context.WithCancel(t.Context())
	r.interrupt = interrupt
	go func() { r.done <- runAll(ctx, cfg, s, services, web) }()
	r.await("the part that serves", r.serves.runs)
	r.await("the part that leads", r.leads.runs)
	return r
}

func (r *rehearsal) await(what string, c <-chan struct{}) {
	r.t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		r.t.Fatalf("%s: waited in vain", what)
	}
}

func (r *rehearsal) ends() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatal("the program does not end")
		return nil
	}
}

// readyz is the answer of /readyz.
func (r *rehearsal) readyz() (code int, text string) {
	r.t.Helper()
	answer, err := http.Get(r.url + "/readyz")
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// What leads ends first and at once; what serves goes on for the delay, and /readyz says so.
func TestWhatServesEndsLast(t *testing.T) {
	r := rehearse(t, time.Hour, nil)
	if code, text := r.readyz(); code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	r.interrupt()
	r.await("the end of the part that leads", r.leads.ended)
	for code := 0; code != http.StatusServiceUnavailable; {
		var text string
		if code, text = r.readyz(); code != http.StatusOK && !strings.HasPrefix(text, "ending ") {
			t.Fatalf("%d %s", code, text)
		}
	}
	select {
	case <-r.serves.ended:
		t.Fatal("the part that serves ended with the others")
	default:
	}
	bad := errors.New("the port is gone")
	r.serves.fail <- bad
	if err := r.ends(); !errors.Is(err, bad) {
		t.Errorf("%v; what serves and fails is waited for no longer", err)
	}
}

func TestWhatServesEndsAfterTheDelay(t *testing.T) {
	r := rehearse(t, time.Millisecond, nil)
	r.interrupt()
	if err := r.ends(); err != nil {
		t.Error(err)
	}
	r.await("the end of the part that serves", r.serves.ended)
}

// A replica that is not ready is asked by nobody: it ends without a delay.
func TestAReplicaThatIsNotReadyEndsAtOnce(t *testing.T) {
	r := rehearse(t, time.Hour, errors.New("waits for its first plan"))
	r.interrupt()
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// Whichever part fails, all end.
func TestAFailureEndsAll(t *testing.T) {
	bad := errors.New("it cannot go on")
	for name, part := range map[string]func(*rehearsal) *fakePart{
		"serves": func(r *rehearsal) *fakePart { return r.serves },
		"leads":  func(r *rehearsal) *fakePart { return r.leads },
	} {
		t.Run(name, func(t *testing.T) {
			r := rehearse(t, time.Millisecond, nil)
			part(r).fail <- bad
			if err := r.ends(); !errors.Is(err, bad) || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%v", err)
			}
			r.await("the end of what serves", r.serves.ended)
			r.await("the end of what leads", r.leads.ended)
		})
	}
}

// The manifest gives an ending replica the time that it takes, and lets the readiness probe fail before the port closes.
func TestTheManifestLeavesTimeToEnd(t *testing.T) {
	data, err := os.ReadFile("../../deploy/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(data, &d); err != nil {
		t.Fatal(err)
	}
	cfg := withAllSections()
	pod := d.Spec.Template.Spec
	probe := pod.Containers[0].ReadinessProbe
	unready := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second
	if delay := cfg.Server.ShutdownDelay.Std(); unready == 0 || unready >= delay {
		t.Errorf("the readiness probe fails after %s, and the port closes after %s", unready, delay)
	}
	takes := cfg.Server.ShutdownDelay.Std() + cfg.Adapter.RequestTimeout.Std() + 5*time.Second
	if limit := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; limit < takes+10*time.Second {
		t.Errorf("the pod is killed after %s, and may take %s", limit, takes)
	}
	if update := d.Spec.Strategy.RollingUpdate; update.MaxUnavailable.IntValue() != 0 || update.MaxSurge.IntValue() < 1 {
		t.Errorf("an update takes a replica away before another is ready: %v", update)
	}
}
