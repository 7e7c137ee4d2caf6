package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/verdict"
)

const (
	// quiet is how long a file must be left alone before it is read: an editor writes in several steps.
	quiet = 200 * time.Millisecond
	// longestWait is when it is read although it is still being written.
	longestWait = 2 * time.Second
	// pollInterval is for file systems that tell nobody of changes.
	pollInterval = 30 * time.Second
)

// reloader reads the configuration and its rule file again when they change, and gives the adapter the new one. If
// anything in it is wrong, the old one stays. It is a service that needs no configuration.
type reloader struct {
	path string
	// started is the configuration at the start of the process. current is the last accepted one.
	started, current *configFile

	shared  shared
	adapter *adapter.Adapter
	// ofVPA is the client that vpa started with, and keeps; nil without vpa.
	ofVPA *prom.Client

	successful prometheus.Gauge
	last       prometheus.Gauge
	seen       string
}

// newReloader starts to watch the files. cfg is the content of the file at path.
func newReloader(path string, cfg *configFile, s shared, part *adapter.Adapter) *reloader {
	r := &reloader{
		path: path, started: cfg, current: cfg, shared: s, adapter: part,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_config_last_reload_successful", Help: "Whether the configuration and the rule file as they are now are in force (1) or were refused (0).",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trimtab_config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was read.",
		}),
	}
	if cfg.VPA != nil {
		r.ofVPA = s.prom
	}
	s.registry.MustRegister(r.successful, r.last)
	r.successful.Set(1)
	r.last.SetToCurrentTime()
	r.seen = r.content()
	return r
}

// files are the watched files: none for standard input.
func (r *reloader) files() []string {
	var out []string
	if r.path != "-" {
		out = append(out, r.path)
	}
	if a := r.current.Adapter; a != nil && a.RulesFile != "" {
		out = append(out, a.RulesFile)
	}
	return out
}

// content changes when one of the files does. A missing file counts as empty.
func (r *reloader) content() string {
	h := sha256.New()
	for _, file := range r.files() {
		data, _ := config.ReadFile(file, maxInputBytes) // a missing file is reported when it is really read
		fmt.Fprintf(h, "%d ", len(data))
		h.Write(data)
	}
	return string(h.Sum(nil))
}

// Run watches until ctx ends.
func (r *reloader) Run(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		r.shared.log.Warn("changes of the configuration are looked for only now and then", "every", pollInterval, "error", err)
		watcher = &fsnotify.Watcher{}
	} else {
		defer watcher.Close()
	}
	r.watch(watcher)
	var waiting silence
	timer := time.NewTimer(quiet) // for what changed before the files were watched
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Errors: // events may be lost
			timer.Reset(waiting.wait(time.Now()))
		case event := <-watcher.Events:
			if r.concerns(event.Name) {
				timer.Reset(waiting.wait(time.Now()))
			}
		case <-timer.C:
			if now := r.content(); now != r.seen {
				r.seen = now
				r.reload()
			}
			waiting.over()
			r.watch(watcher)
			timer.Reset(pollInterval)
		}
	}
}

// watch watches the directories of the files, since a mounted ConfigMap changes by a link beside the file. A second
// call does nothing.
func (r *reloader) watch(watcher *fsnotify.Watcher) {
	for _, file := range r.files() {
		if watcher.Events != nil {
			_ = watcher.Add(filepath.Dir(file)) // without it the timer finds changes
		}
	}
}

// concerns is true if a change of name can change the content of a file. name is the file or, for a mounted ConfigMap,
// the link to the directory with its content.
func (r *reloader) concerns(name string) bool {
	for _, file := range r.files() {
		through := ""
		if target, err := os.Readlink(file); err == nil && !filepath.IsAbs(target) {
			through, _, _ = strings.Cut(filepath.ToSlash(target), "/")
		}
		if sameFile(name, file) || through != "" && sameFile(name, filepath.Join(filepath.Dir(file), through)) {
			return true
		}
	}
	return false
}

func sameFile(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }

// silence is how long to wait before a changing file is read: until it no longer changes, but not for ever.
type silence struct{ since time.Time }

// wait is the time from an event until the files are read.
func (s *silence) wait(now time.Time) time.Duration {
	if s.since.IsZero() {
		s.since = now
	}
	return min(quiet, s.since.Add(longestWait).Sub(now))
}

// over begins anew once the files were read.
func (s *silence) over() { s.since = time.Time{} }

// Ready is part of a service. The reloader is always ready.
func (r *reloader) Ready() error { return nil }

func (r *reloader) reload() {
	next, waiting, err := r.take()
	if err != nil {
		r.successful.Set(0)
		r.tell(corev1.EventTypeWarning, verdict.Because(verdict.On("configuration", ""), rules.ConfigurationRefused, verdict.Text("error", err.Error())))
		return
	}
	r.current = next
	r.seen = r.content() // the rule file may be another
	r.successful.Set(1)
	r.last.SetToCurrentTime()
	v := verdict.Because(verdict.On("configuration", ""), rules.ConfigurationLoaded, verdict.Text("files", strings.Join(r.files(), " ")))
	if len(waiting) > 0 {
		v.Facts = append(v.Facts, verdict.Text("changed, but in force only after a restart", strings.Join(waiting, " ")))
		r.shared.log.Warn("sections changed that need a restart", "sections", waiting)
	}
	r.tell(corev1.EventTypeNormal, v)
}

// take reads the files and gives them to the adapter. It returns the sections that need a restart.
func (r *reloader) take() (*configFile, []string, error) {
	next := *r.current
	if r.path == "-" {
		return &next, nil, r.hand(&next, r.shared.prom)
	}
	data, err := readFile(r.path)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := decodeConfig(r.path, data)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Adapter == nil {
		return nil, nil, errors.New("the section adapter is gone: that needs a restart")
	}
	main := r.shared.prom
	if !reflect.DeepEqual(cfg.Prometheus, r.current.Prometheus) {
		main = nil
		if cfg.Prometheus != nil {
			if main, err = prom.NewClient(*cfg.Prometheus, prom.Deps{Registry: r.shared.registry, Log: r.shared.log}); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := r.hand(cfg, main); err != nil {
		if main != nil && main != r.shared.prom {
			main.Close()
		}
		return nil, nil, err
	}
	if old := r.shared.prom; old != nil && old != main && old != r.ofVPA {
		old.Close()
	}
	r.shared.prom = main
	return cfg, r.waiting(cfg), nil
}

// hand gives the adapter its new configuration.
func (r *reloader) hand(cfg *configFile, main *prom.Client) error {
	if err := r.adapter.Reload(*cfg.Adapter, main); err != nil {
		return fmt.Errorf("adapter: %w", err)
	}
	return nil
}

// waiting are the sections that differ from the running configuration and need a restart.
func (r *reloader) waiting(cfg *configFile) []string {
	var out []string
	for _, s := range []struct {
		name     string
		old, new any
	}{
		{"log", r.started.Log, cfg.Log},
		{"server", r.started.Server, cfg.Server},
		{"kubernetes", r.started.Kubernetes, cfg.Kubernetes},
		{"leaderElection", r.started.LeaderElection, cfg.LeaderElection},
		{"scalers", r.started.Scalers, cfg.Scalers},
		{"vpa", r.started.VPA, cfg.VPA},
		{"clusterScaler", r.started.ClusterScaler, cfg.ClusterScaler},
	} {
		if !reflect.DeepEqual(s.old, s.new) {
			out = append(out, s.name)
		}
	}
	if cfg.VPA != nil && !reflect.DeepEqual(cfg.Prometheus, r.started.Prometheus) {
		out = append(out, "prometheus (for vpa)")
	}
	return out
}

// tell records the result of a change, and writes an Event on trimtab's own pod.
func (r *reloader) tell(kind string, v verdict.Verdict) {
	r.shared.journal.Happened("adapter", v)
	name := os.Getenv("POD_NAME")
	if name == "" {
		name, _ = os.Hostname() // it is the name of the pod
	}
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" || name == "" {
		r.shared.log.Log(context.Background(), slog.LevelDebug, "no Event: POD_NAMESPACE and POD_NAME are not set")
		return
	}
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	r.shared.kube.Events.Eventf(pod, nil, kind, string(v.Code), "Reload", "%s", v.Message())
}
