package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/test/bench/peers"
	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
)

const (
	ours     = "trimtab"
	original = peers.Adapter
)

// adapter is one of the two programs, running.
type adapter struct{ peers.Program }

// during is the CPU time that the process takes while run runs.
func (a adapter) during(run func() error) (time.Duration, error) {
	before, err := a.Usage()
	if err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	after, err := a.Usage()
	return after.CPU - before.CPU, err
}

// startAdapter starts the program in front of that Prometheus, and waits until the API server gives its answers.
func (b *bench) startAdapter(ctx context.Context, name, prometheus, rules string) (_ adapter, err error) {
	file := filepath.Join(b.lab.Dir, "bench-rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return adapter{}, err
	}
	start := b.startOurs
	if name == original {
		start = b.startOriginal
	}
	a, err := start(ctx, prometheus, file)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // discovery of very many series takes its time
	defer cancel()
	for _, n := range []int{0, 6, 8} { // one of each sort
		if err := b.untilServed(ctx, a, syncPath(n)); err != nil {
			a.Stop()
			return a, err
		}
	}
	return a, nil
}

// untilServed waits until the API server gives the adapter's answer.
func (b *bench) untilServed(ctx context.Context, a adapter, path string) error {
	err := lab.Poll(ctx, 250*time.Millisecond, func(ctx context.Context) error {
		status, body, err := b.callers.get(ctx, path)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%s answers %d: %.300s", path, status, body)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, a.Process.Tail(10))
	}
	return nil
}

// startOurs runs trimtab as deploy/ installs it.
func (b *bench) startOurs(ctx context.Context, prometheus, rules string) (adapter, error) {
	t, err := b.lab.StartTrimtab(ctx, b.ports, fmt.Sprintf(`
server: {address: "127.0.0.1:%d"}
prometheus: {url: %q}
adapter: {bindAddress: 127.0.0.1, securePort: %d, rulesFile: %q, disableHttp2: true}
`, b.ports.HTTP, prometheus, b.ports.MetricsAPI, rules))
	if err != nil {
		return adapter{}, err
	}
	return adapter{peers.Program{Process: t.Process, User: lab.User("trimtab")}}, nil
}

// startOriginal waits until it says that it is ready.
func (b *bench) startOriginal(ctx context.Context, prometheus, rules string) (adapter, error) {
	p, err := peers.StartAdapter(ctx, b.lab, b.ports.MetricsAPI, prometheus, rules)
	if err != nil {
		return adapter{}, err
	}
	return adapter{p}, p.Process.WaitOK(ctx, p.Health)
}

// audited counts what the adapter has asked of the API server so far.
func (b *bench) audited(a adapter) (usage.Calls, error) { return usage.Audited(b.lab.AuditLog, a.User) }

// queries is how many queries Prometheus has answered so far.
func (b *bench) queries(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.prometheus.URL+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total := 0
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(name, "prometheus_http_requests_total{") || !strings.Contains(name, `handler="/api/v1/query"`) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("metrics of Prometheus: %w", err)
		}
		total += int(n)
	}
	return total, lines.Err()
}
