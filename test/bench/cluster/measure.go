package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
)

const (
	polled = 500 * time.Millisecond
	// settling is how long the start may take: the first rounds of all parts, and what they write.
	settling = 90 * time.Second
	// profiled is for how long the CPU is profiled; the debug page takes less than 30s.
	profiled = 20 * time.Second
)

// bench is the cluster, and what is known of it.
type bench struct {
	options
	out   io.Writer
	began time.Time

	lab        *lab.Lab
	writer     client.Client
	ports      lab.Ports
	prometheus *lab.Prometheus
	// Samples reach from fedFrom to fed.
	fedFrom, fed time.Time
	trimtab      *lab.Trimtab
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, "bench +%-5s %s\n", time.Since(b.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// run builds the cluster, measures, and prints the figures.
func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, out: stderr, began: time.Now()}
	lo := lab.Options{Out: stderr, Trimtab: true, ControllerManagerArgs: []string{"--controllers=*,-deployment-controller,-replicaset-controller"}}
	if _, err := lab.Build(ctx, lo); err != nil {
		return err
	}
	b.say("a cluster of %d nodes", o.nodes)
	if b.lab, err = lab.Start(ctx, lo); err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() == nil {
			b.lab.Keep()
		}
		b.lab.Stop()
	}()
	if err := b.build(ctx); err != nil {
		return err
	}
	for i, binary := range o.binaries {
		if i > 0 {
			b.trimtab.Process.Stop()
		}
		r, err := b.measure(ctx, binary)
		if err != nil {
			return err
		}
		r.print(stdout)
		if err := r.write(numbered(o.json, i)); err != nil {
			return err
		}
	}
	if !o.hold {
		return nil
	}
	b.say("the cluster is kept until an interrupt: KUBECONFIG=%s, Prometheus %s, debug pages %s", b.lab.Kubeconfig, b.prometheus.URL, b.trimtab.Debug)
	<-ctx.Done()
	return nil
}

// build makes the cluster, and what is in it.
func (b *bench) build(ctx context.Context) (err error) {
	if b.ports, err = b.lab.Install(ctx); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	if b.prometheus, err = b.lab.StartPrometheus(ctx); err != nil {
		return err
	}
	return b.scale(ctx)
}

// numbered is the name of a file or folder of the i-th binary.
func numbered(path string, i int) string {
	if i == 0 || path == "" {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), i+1, ext)
}

// measure starts a trimtab, and lets it run. Without a file it is that of this checkout.
func (b *bench) measure(ctx context.Context, binary string) (_ *report, err error) {
	if binary != "" {
		program, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(b.lab.Dir, "bin", "trimtab")
		if err := errors.Join(os.Remove(path), os.WriteFile(path, program, 0o755)); err != nil {
			return nil, err
		}
	}
	if err := b.feed(ctx); err != nil {
		return nil, err
	}
	r := newReport(b.options)
	b.say("trimtab starts %s", binary)
	if r.Ready, err = b.start(ctx); err != nil {
		return nil, err
	}
	if r.Start, err = b.look(ctx); err != nil {
		return nil, err
	}
	b.say("ready; the start has %s to settle", settling)
	if err := sleep(ctx, settling); err != nil {
		return nil, err
	}
	if err := b.rest(ctx, r); err != nil {
		return nil, err
	}
	return r, b.profile(ctx, r, binary)
}

// start runs trimtab with all parts and the settings and rights of deploy/. It returns after how many seconds each part
// was ready.
func (b *bench) start(ctx context.Context) (map[string]float64, error) {
	file := filepath.Join(b.lab.Dir, "bench-rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`
server: {address: "127.0.0.1:%d"}
prometheus: {url: %q}
adapter: {bindAddress: 127.0.0.1, securePort: %d, rulesFile: %q, disableHttp2: true}
scalers: {sources: {allowedNetworks: [127.0.0.0/8]}}
vpa: {}
clusterScaler:
  kwok:
    groups:
`, b.ports.HTTP, b.prometheus.URL, b.ports.MetricsAPI, file)
	for g := range b.groups() {
		text += fmt.Sprintf("    - {name: %s, max: 200, template: {capacity: {cpu: \"4\", memory: 16Gi, pods: \"110\"}}}\n", groupName(g))
	}
	began := time.Now()
	ready := map[string]float64{}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for watching.Err() == nil {
			b.readiness(watching, began, ready)
			_ = sleep(watching, 50*time.Millisecond)
		}
	}()
	var err error
	b.trimtab, err = b.lab.StartTrimtab(ctx, b.ports, text)
	stop()
	<-watched
	ready["all"] = time.Since(began).Seconds()
	return ready, err
}

// readiness notes which parts have become ready. Nothing answers at first.
func (b *bench) readiness(ctx context.Context, began time.Time, ready map[string]float64) {
	text, _ := get(ctx, fmt.Sprintf("http://127.0.0.1:%d/readyz", b.ports.HTTP), http.StatusOK, http.StatusServiceUnavailable)
	for line := range strings.Lines(string(text)) {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ':' || r == '\n' })
		if len(fields) > 1 && fields[0] == "ok" && ready[fields[1]] == 0 {
			ready[fields[1]] = time.Since(began).Seconds()
		}
	}
}

// rest watches the cluster in which nothing happens.
func (b *bench) rest(ctx context.Context, r *report) error {
	user := "system:serviceaccount:" + lab.Namespace + ":trimtab"
	b.say("at rest, for %s", b.time)
	calls, err := usage.Audited(b.lab.AuditLog, user)
	if err != nil {
		return err
	}
	before, err := b.look(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := sleep(ctx, b.time); err != nil {
		return err
	}
	if r.Rest, err = b.look(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	now, err := usage.Audited(b.lab.AuditLog, user)
	if err != nil {
		return err
	}
	r.compare(before, now.Since(calls), took)
	return nil
}

// look reads what the kernel and the process itself say.
func (b *bench) look(ctx context.Context) (figures, error) {
	kernel, err := usage.Of(b.trimtab.Process.PID())
	if err != nil {
		return figures{}, fmt.Errorf("%w\n%s", err, b.trimtab.Process.Tail(10))
	}
	text, err := get(ctx, b.trimtab.URL+"/metrics", http.StatusOK)
	if err != nil {
		return figures{}, err
	}
	m, err := readMetrics(string(text))
	return newFigures(kernel, m), err
}

// profile writes the profiles, and takes the heap after the collection that the first of them begins with.
func (b *bench) profile(ctx context.Context, r *report, binary string) error {
	pages := []struct{ file, page string }{
		{"heap.pb.gz", "/debug/pprof/heap?gc=1"}, {"cpu.pb.gz", fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", profiled.Seconds())},
	}
	if b.profiles == "" {
		pages = pages[:1]
	}
	for i, p := range pages {
		data, err := get(ctx, b.trimtab.Debug+p.page, http.StatusOK)
		if err != nil {
			return err
		}
		if i == 0 {
			if r.Collected, err = b.look(ctx); err != nil {
				return err
			}
		}
		if b.profiles == "" {
			continue
		}
		folder := numbered(b.profiles, slices.Index(b.binaries, binary))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, p.file), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// get reads a page of trimtab.
func get(ctx context.Context, url string, allowed ...int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, profiled+10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	for _, code := range allowed {
		if resp.StatusCode == code {
			return body, nil
		}
	}
	return nil, fmt.Errorf("%s answers %s: %.300s", url, resp.Status, body)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
