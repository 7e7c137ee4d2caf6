package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/internal/journal"
)

// A changed file is taken although something is written beside it all the time, although it is itself written all the
// time, and where it is a link as in a mounted ConfigMap.
func TestAChangeIsTakenWhateverIsWritten(t *testing.T) {
	plain := func(t *testing.T, dir, text string) { replace(t, filepath.Join(dir, "trimtab.yaml"), text) }
	for name, c := range map[string]struct {
		change  func(t *testing.T, dir, text string)
		disturb func(t *testing.T, dir string)
	}{
		"undisturbed": {plain, nil},
		"beside":      {plain, func(t *testing.T, dir string) { replace(t, filepath.Join(dir, "neighbour"), "x") }},
		"itself": {plain, func(t *testing.T, dir string) {
			now := time.Now()
			if err := os.Chtimes(filepath.Join(dir, "trimtab.yaml"), now, now); err != nil {
				t.Error(err)
			}
		}},
		"ConfigMap":         {mount, nil},
		"ConfigMap, beside": {mount, func(t *testing.T, dir string) { replace(t, filepath.Join(dir, "..neighbour"), "x") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "trimtab.yaml")
			text := func(minutes int) string {
				return fmt.Sprintf("prometheus: {url: http://localhost:9090}\nadapter:\n  rules: [{seriesQuery: up, metricsQuery: up, resources: {overrides: {pod: {resource: pod}}}}]\n  metricsMaxAge: %dm\n", minutes)
			}
			c.change(t, dir, text(10))
			cfg, err := decodeConfig(path, []byte(text(10)))
			if err != nil {
				t.Fatal(err)
			}
			p := wire(t, path, cfg)
			reload := p.services[slices.IndexFunc(p.services, func(s service) bool { return s.name == "reload" })]
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := reload.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			if c.disturb != nil {
				running.Go(func() {
					for tick := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; <-tick.C {
						c.disturb(t, dir)
					}
				})
			}
			defer running.Wait()
			defer stop()
			// The second is seen by its event alone: the first look is over by then.
			for n := 1; n <= 2; n++ {
				c.change(t, dir, text(10+n))
				await(t, func() bool {
					return len(p.shared.journal.Recent(journal.Filter{Code: "ConfigurationLoaded"})) == n
				})
			}
		})
	}
}

// A reload refuses what check refuses, in its words, and takes an empty section for its defaults as it does.
func TestReloadReadsAnEmptySectionAsCheckDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trimtab.yaml")
	all := withAllSections()
	r := reloader{path: path, started: all, current: all}
	for _, text := range []string{"adapter:\n", "adapter: ~\nclusterScaler:\n", "vpa:\nadapter: {delegates: [{name: a, service: }]}\n"} {
		replace(t, path, text)
		checked := runTrimtab(t, "", "check", path)
		if _, _, err := r.take(); err == nil || checked.code != exitWrong || "trimtab: "+strings.ReplaceAll(err.Error(), "\n", "\ntrimtab: ")+"\n" != checked.err {
			t.Errorf("%q: reload says\n%v\ncheck says\n%s", text, err, checked.err)
		}
	}
	replace(t, path, "prometheus:\nadapter:\nscalers: ~\nvpa:\n  # all defaults\n")
	cfg, err := decodeConfig(path, []byte("prometheus: {}\nadapter: {}\nscalers: {}\nvpa: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.started, r.current = cfg, cfg
	p := wire(t, path, cfg)
	r.adapter, r.shared = p.services[2].runner.(*adapter.Adapter), p.shared
	next, waiting, err := r.take()
	if err != nil || len(waiting) > 0 || next.VPA == nil {
		t.Errorf("%+v, %v, %v", next, waiting, err)
	}
}

// What waits for a restart is what differs from what the process runs with: each change says so until then,
// and no more once the file says again what runs.
func TestReloadTellsWhatWaitsForARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trimtab.yaml")
	const started = "prometheus: {url: http://localhost:9090}\nadapter: {rules: [{seriesQuery: up, metricsQuery: up, resources: {overrides: {pod: {resource: pod}}}}]}\nvpa: {}\n"
	cfg, err := decodeConfig(path, []byte(started))
	if err != nil {
		t.Fatal(err)
	}
	p := wire(t, path, cfg)
	r := p.services[slices.IndexFunc(p.services, func(s service) bool { return s.name == "reload" })].runner.(*reloader)
	for _, step := range []struct {
		text    string
		waiting []string
	}{
		{started + "scalers: {}\n", []string{"scalers"}},
		{started + "scalers: {}\nserver: {decisions: 5}\n", []string{"server", "scalers"}},
		{strings.Replace(started, "9090", "9091", 1), []string{"prometheus (for vpa)"}},
		{strings.Replace(started, "9090", "9091", 1) + "scalers: {}\n", []string{"scalers", "prometheus (for vpa)"}},
		{started, nil},
	} {
		replace(t, path, step.text)
		next, waiting, err := r.take()
		if err != nil || !slices.Equal(waiting, step.waiting) {
			t.Errorf("%q: waits for a restart: %v, %v; want %v", step.text, waiting, err, step.waiting)
		}
		r.current = next
	}
}

// The client of a server that no part asks any more is let go, with its series. vpa keeps the one that it began with.
func TestReloadLetsGoOfServersThatNobodyAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trimtab.yaml")
	text := func(port int) string {
		return fmt.Sprintf("prometheus: {url: http://localhost:%d}\nadapter: {rules: [{seriesQuery: up, metricsQuery: up, resources: {overrides: {pod: {resource: pod}}}}]}\nvpa: {}\n", port)
	}
	cfg, err := decodeConfig(path, []byte(text(1)))
	if err != nil {
		t.Fatal(err)
	}
	p := wire(t, path, cfg)
	r := p.services[slices.IndexFunc(p.services, func(s service) bool { return s.name == "reload" })].runner.(*reloader)
	for port := 1; port <= 3; port++ {
		replace(t, path, text(port))
		if r.current, _, err = r.take(); err != nil {
			t.Fatal(err)
		}
		_, _ = r.shared.prom.Query(t.Context(), "up", time.Now()) // nobody answers there
	}
	var servers []string
	families, err := r.shared.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "trimtab_prometheus_endpoint_up" {
			for _, m := range family.GetMetric() {
				servers = append(servers, m.GetLabel()[0].GetValue())
			}
		}
	}
	if want := []string{"http://localhost:1", "http://localhost:3"}; !slices.Equal(servers, want) {
		t.Errorf("series of %v, want %v", servers, want)
	}
}

// Only what leads to a file's content concerns it.
func TestWritesBesideTheFilesDoNotConcernThem(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, "")
	replace(t, filepath.Join(dir, "rules.yaml"), "")
	cfg := withAllSections()
	cfg.Adapter.RulesFile = filepath.Join(dir, "rules.yaml")
	r := reloader{path: filepath.Join(dir, "trimtab.yaml"), current: cfg}
	for name, want := range map[string]bool{
		"trimtab.yaml": true, "rules.yaml": true, "..data": true, "./rules.yaml": true,
		"..data_tmp": false, "rules.yaml~": false, "other.yaml": false, "..2026_11_30": false,
	} {
		if got := r.concerns(dir + "/" + name); got != want {
			t.Errorf("a change of %s concerns the files: %v", name, got)
		}
	}
}

// The wait for silence has an end, counted from the first event.
func TestTheWaitForSilenceIsBounded(t *testing.T) {
	var s silence
	at := time.Unix(0, 0)
	var waited time.Duration
	for waited < longestWait {
		next := s.wait(at.Add(waited))
		if waited+next > longestWait || next > quiet {
			t.Fatalf("after %s it waits %s more", waited, next)
		}
		waited += min(next, quiet/2)
	}
	if next := s.wait(at.Add(longestWait)); next > 0 {
		t.Errorf("after the longest wait it waits %s more", next)
	}
	s.over()
	if next := s.wait(at.Add(longestWait)); next != quiet {
		t.Errorf("after a look it waits %s", next)
	}
}

// mount changes the file as the kubelet changes a mounted ConfigMap: by a link to another folder.
func mount(t *testing.T, dir, text string) {
	t.Helper()
	folder, err := os.MkdirTemp(dir, "..20")
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(folder, "trimtab.yaml"), text)
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, name+"_tmp"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+"_tmp", name); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Base(folder), filepath.Join(dir, "..data"))
	if _, err := os.Lstat(filepath.Join(dir, "trimtab.yaml")); err != nil {
		link(filepath.Join("..data", "trimtab.yaml"), filepath.Join(dir, "trimtab.yaml"))
	}
}

// replace writes a file in one step.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Error(err)
	}
}

// await fails when a condition does not come well before the files are looked at without an event.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(pollInterval / 2)
	for tick := time.NewTicker(10 * time.Millisecond); !condition(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the change was not taken")
		}
	}
}
