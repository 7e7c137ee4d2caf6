package peers

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/trimtab/trimtab/test/lab"
)

// Adapter is the name of prometheus-adapter.
const Adapter = "prometheus-adapter"

// StartAdapter runs prometheus-adapter on that port as its chart does, but for the limit of five calls a second to the
// API server: with it, it could not serve most of what the benches ask.
func StartAdapter(ctx context.Context, l *lab.Lab, port int, prometheus, rulesFile string) (Program, error) {
	url := "https://" + address(port)
	p := Program{Name: Adapter, Health: url + "/readyz", Metrics: url + "/metrics", Debug: url + "/debug/pprof"}
	kubeconfig, err := p.account(ctx, l)
	if err != nil {
		return Program{}, err
	}
	p.Process, err = l.Run(Adapter, Adapter, kubeconfig,
		"--lister-kubeconfig", kubeconfig, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--client-qps", "10000", "--client-burst", "10000",
		"--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(port), "--cert-dir", filepath.Join(l.Dir, Adapter),
		"--prometheus-url", prometheus, "--config", rulesFile, "--metrics-relist-interval", "1m", "--metrics-max-age", "5m")
	return p, err
}
