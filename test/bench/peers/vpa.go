package peers

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/trimtab/trimtab/test/lab"
)

// VPA is its three programs.
type VPA struct{ Recommender, Updater, Admission Program }

// Programs are all three.
func (v VPA) Programs() []Program { return []Program{v.Recommender, v.Updater, v.Admission} }

// VPAWebhook is the webhook configuration that the admission controller registers, ten seconds after its caches are
// filled.
const VPAWebhook = "vpa-webhook-config"

// StartVPA runs the three programs with the flags of VPA's manifests. It does not wait for them. They need
// metrics.k8s.io. The webhook is registered by its URL, since no Service leads to it. Profiling is switched on; it
// costs nothing until it is asked.
func StartVPA(ctx context.Context, l *lab.Lab) (v VPA, err error) {
	certs, err := l.Certificate("vpa")
	if err != nil {
		return VPA{}, err
	}
	var webhook int
	if err := freePorts(&webhook); err != nil {
		return VPA{}, err
	}
	for _, one := range []struct {
		program *Program
		name    string
		args    []string
	}{
		{&v.Recommender, "vpa-recommender", nil},
		{&v.Updater, "vpa-updater", nil},
		{&v.Admission, "vpa-admission-controller", []string{
			"--v=4", "--stderrthreshold=info", "--reload-cert",
			"--client-ca-file", filepath.Join(certs, "ca.crt"), "--tls-cert-file", filepath.Join(certs, "tls.crt"),
			"--tls-private-key", filepath.Join(certs, "tls.key"), "--port", strconv.Itoa(webhook),
			"--register-by-url", "--webhook-address", "https://localhost", "--webhook-port", strconv.Itoa(webhook),
		}},
	} {
		if *one.program, err = startVPAProgram(ctx, l, one.name, one.args); err != nil {
			for _, started := range v.Programs() {
				started.Stop()
			}
			return VPA{}, err
		}
	}
	return v, nil
}

func startVPAProgram(ctx context.Context, l *lab.Lab, name string, args []string) (Program, error) {
	p := Program{Name: name}
	kubeconfig, err := p.account(ctx, l)
	if err != nil {
		return Program{}, err
	}
	var port int
	if err := freePorts(&port); err != nil {
		return Program{}, err
	}
	url := "http://" + address(port)
	p.Health, p.Metrics, p.Debug = url+"/health-check", url+"/metrics", url+"/debug/pprof"
	p.Process, err = l.RunEnv(name, name, []string{"KUBECONFIG=" + kubeconfig, "NAMESPACE=" + lab.Namespace},
		append([]string{"--kubeconfig", kubeconfig, "--address", address(port), "--profiling"}, args...)...)
	return p, err
}
