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

	"github.com/trimtab/trimtab/test/bench/command"
	"github.com/trimtab/trimtab/test/bench/peers"
	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
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
	command.Log

	lab        *lab.Lab
	writer     client.Client
	ports      lab.Ports
	prometheus *lab.Prometheus
	// Samples reach from fedFrom to fed.
	fedFrom, fed time.Time
	// pages reads the pages of all programs.
	pages   *http.Client
	trimtab *lab.Trimtab
}

// run builds the cluster, measures, and prints the figures.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return command.Usage{Err: err}
	}
	b := &bench{options: o, Log: command.Log{Out: stderr, Began: time.Now()}}
	lo := lab.Options{Out: stderr, Trimtab: true, ControllerManagerArgs: []string{"--controllers=*,-deployment-controller,-replicaset-controller"}}
	if _, err := lab.Build(ctx, lo); err != nil {
		return err
	}
	if o.peers {
		if err := programs.Build(ctx, programs.Peers(), stderr); err != nil {
			return err
		}
	}
	b.Say("a cluster of %d nodes", o.nodes)
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
	if err := b.measureAll(ctx, stdout); err != nil || !o.hold {
		return err
	}
	b.Say("the cluster is kept until an interrupt: KUBECONFIG=%s, Prometheus %s", b.lab.Kubeconfig, b.prometheus.URL)
	<-ctx.Done()
	return nil
}

// measureAll measures one after another: each trimtab, then the peers.
func (b *bench) measureAll(ctx context.Context, stdout io.Writer) error {
	var last *report
	for i, binary := range b.binaries {
		if i > 0 {
			b.trimtab.Process.Stop()
		}
		r, err := b.measure(ctx, binary)
		if err != nil {
			return err
		}
		r.print(stdout)
		if err := command.WriteJSON(numbered(b.json, i), r); err != nil {
			return err
		}
		last = r
	}
	if !b.peers {
		return nil
	}
	b.trimtab.Process.Stop()
	r, err := b.measurePeers(ctx)
	if err != nil {
		return err
	}
	r.print(stdout, last)
	return command.WriteJSON(withSuffix(b.json, "-peers"), r)
}

// build makes the cluster, and what is in it.
func (b *bench) build(ctx context.Context) (err error) {
	if b.ports, err = b.lab.Install(ctx); err != nil {
		return err
	}
	if b.pages, err = b.lab.AdminClient(); err != nil {
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
	if i == 0 {
		return path
	}
	return withSuffix(path, fmt.Sprint("-", i+1))
}

func withSuffix(path, suffix string) string {
	if path == "" {
		return ""
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + suffix + ext
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
	b.Say("trimtab starts %s", binary)
	if r.Ready, err = b.start(ctx); err != nil {
		return nil, err
	}
	program := peers.Program{
		Name: "trimtab", Process: b.trimtab.Process, User: lab.User("trimtab"), Metrics: b.trimtab.URL + "/metrics", Debug: b.trimtab.Debug + "/debug/pprof",
	}
	if r.Start, err = b.look(ctx, program); err != nil {
		return nil, err
	}
	if err := b.rest(ctx, []peers.Program{program}, []*measured{&r.measured}); err != nil {
		return nil, err
	}
	r.goRound()
	return r, b.profile(ctx, program, r, binary)
}

// start runs trimtab with all parts and the settings and rights of deploy/. It returns after how many seconds each part
// was ready, and when all ScaledObjects had their HPAs, without which nothing of them would be measured.
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
			_ = command.Sleep(watching, 50*time.Millisecond)
		}
	}()
	var err error
	b.trimtab, err = b.lab.StartTrimtab(ctx, b.ports, text)
	stop()
	<-watched
	if err != nil {
		return nil, err
	}
	ready["all"] = time.Since(began).Seconds()
	if err := lab.Poll(ctx, polled, b.hasHPAs); err != nil {
		return nil, fmt.Errorf("the HPAs of ScaledObjects and as many others: %w\n%s", err, b.trimtab.Process.Tail(10))
	}
	ready[hpasMade] = time.Since(began).Seconds()
	return ready, nil
}

// hpasMade is when each ScaledObject has its HPA, among the times when parts were ready.
const hpasMade = "HPAs made"

// readiness notes which parts have become ready. Nothing answers at first.
func (b *bench) readiness(ctx context.Context, began time.Time, ready map[string]float64) {
	text, _ := b.get(ctx, fmt.Sprintf("http://127.0.0.1:%d/readyz", b.ports.HTTP), http.StatusOK, http.StatusServiceUnavailable)
	for line := range strings.Lines(string(text)) {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ':' || r == '\n' })
		if len(fields) > 1 && fields[0] == "ok" && ready[fields[1]] == 0 {
			ready[fields[1]] = time.Since(began).Seconds()
		}
	}
}

// rest lets the start settle, and then watches the cluster in which nothing happens.
func (b *bench) rest(ctx context.Context, all []peers.Program, into []*measured) (err error) {
	b.Say("ready; the start has %s to settle", settling)
	if err := command.Sleep(ctx, settling); err != nil {
		return err
	}
	b.Say("at rest, for %s", b.time)
	calls, err := usage.AuditedAll(b.lab.AuditLog)
	if err != nil {
		return err
	}
	for i, p := range all {
		if into[i].before, err = b.look(ctx, p); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := command.Sleep(ctx, b.time); err != nil {
		return err
	}
	for i, p := range all {
		if into[i].Rest, err = b.look(ctx, p); err != nil {
			return err
		}
	}
	took := time.Since(began)
	now, err := usage.AuditedAll(b.lab.AuditLog)
	if err != nil {
		return err
	}
	for i, p := range all {
		into[i].compare(now[p.User].Since(calls[p.User]), took)
	}
	return nil
}

// look reads what the kernel and the process itself say.
func (b *bench) look(ctx context.Context, p peers.Program) (figures, error) {
	kernel, err := p.Usage()
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w\n%s", p.Name, err, p.Process.Tail(10))
	}
	m, err := b.readMetrics(ctx, p)
	return newFigures(kernel, m), err
}

func (b *bench) readMetrics(ctx context.Context, p peers.Program) (metrics, error) {
	text, err := b.get(ctx, p.Metrics, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return readMetrics(string(text))
}

// collect takes the figures after a garbage collection, with which the profile of the heap begins. The profile goes to
// the folder, if there is one.
func (b *bench) collect(ctx context.Context, p peers.Program, folder, file string) (figures, error) {
	if err := b.writePage(ctx, p.Debug+"/heap?gc=1", folder, file); err != nil {
		return figures{}, err
	}
	return b.look(ctx, p)
}

// profile writes profiles of trimtab.
func (b *bench) profile(ctx context.Context, p peers.Program, r *report, binary string) (err error) {
	folder := numbered(b.profiles, slices.Index(b.binaries, binary))
	if r.Collected, err = b.collect(ctx, p, folder, "heap.pb.gz"); err != nil || folder == "" {
		return err
	}
	return b.writePage(ctx, fmt.Sprintf("%s/profile?seconds=%.0f", p.Debug, profiled.Seconds()), folder, "cpu.pb.gz")
}

func (b *bench) writePage(ctx context.Context, url, folder, file string) error {
	data, err := b.get(ctx, url, http.StatusOK)
	if err != nil || folder == "" {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, file), data, 0o644)
}

// get reads a page.
func (b *bench) get(ctx context.Context, url string, allowed ...int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, profiled+10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := b.pages.Do(req)
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
