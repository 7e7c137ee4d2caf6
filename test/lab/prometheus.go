package lab

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Prometheus is a real server that scrapes targets on this machine.
type Prometheus struct {
	URL     string
	Process *Process

	lab  *Lab
	args []string
}

// StartPrometheus scrapes the targets (host:port) each second, keeping the labels that they give; without
// targets it holds what Push gives it.
func (l *Lab) StartPrometheus(ctx context.Context, targets ...string) (*Prometheus, error) {
	dir := filepath.Join(l.Dir, "prometheus")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" +
		"scrape_configs:\n- job_name: workload\n  honor_labels: true\n  static_configs: [{targets: " + list(targets) + "}]\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	p := &Prometheus{URL: "http://" + address(port), lab: l, args: []string{
		"--config.file", config, "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", address(port), "--web.enable-remote-write-receiver", "--log.level", "warn",
	}}
	return p, p.Start(ctx)
}

// list writes texts as YAML has them.
func list(texts []string) string {
	if len(texts) == 0 {
		return "[]"
	}
	return "['" + strings.Join(texts, "','") + "']"
}

// Start brings the server back after it was stopped, with its data.
func (p *Prometheus) Start(ctx context.Context) (err error) {
	if p.Process, err = p.lab.program("prometheus", p.args...); err != nil {
		return err
	}
	return p.Process.until(ctx, httpOK(p.URL+"/-/ready"))
}

// Stop takes the server down.
func (p *Prometheus) Stop() { p.Process.Stop() }
