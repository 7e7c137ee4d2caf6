package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

func defaults() Config {
	var c Config
	c.SetDefaults()
	return c
}

const contextX = `
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: c, user: a}}]
`

// An error is one line that names the file and what to do, and holds nothing secret.
func TestLoadErrors(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // not in a cluster
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"missing":  {"", "no such file or directory"},
		"empty":    {"\n", "no Kubernetes API server is configured in "},
		"not-yaml": {"users: [{name: a, user: {token: s3cret}", "did not find expected"},
		"wrong":    {"apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: [s3cret]}}]", "cannot unmarshal array"},
		"no-context": {"apiVersion: v1\nkind: Config\ncurrent-context: other\nusers: [{name: a, user: {token: s3cret}}]",
			`context was not found for specified context: other`},
		"base64": {contextX + "clusters: [{name: c, cluster: {server: 'https://h'}}]\nusers: [{name: a, user: {client-key-data: 's3cret!'}}]",
			"illegal base64 data"},
		"twice": {contextX + "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: /none}}]\nusers: [{name: a, user: {token: s3cret, username: u, password: s3cret}}]",
			"more than one authentication method found for a"},
	} {
		cfg := defaults()
		cfg.Kubeconfig = filepath.Join(dir, name)
		if c.text != "" {
			if err := os.WriteFile(cfg.Kubeconfig, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := Load(cfg)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		got := err.Error()
		for _, part := range []string{c.want, cfg.Kubeconfig, "kubernetes.kubeconfig", "$KUBECONFIG"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q does not say %q", name, got, part)
			}
		}
		if strings.Contains(got, "s3cret") || strings.Contains(got, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLoadWithoutAnyConfiguration(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("KUBECONFIG", missing)
	_, _, err := Load(defaults())
	if err == nil || !strings.Contains(err.Error(), "no Kubernetes API server is configured in "+missing) {
		t.Errorf("%v", err)
	}
}

func TestLoadAppliesTheLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := contextX + "clusters: [{name: c, cluster: {server: 'https://h'}}]\nusers: [{name: a, user: {token: s3cret}}]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
	cfg := defaults()
	cfg.QPS, cfg.Burst, cfg.Timeout = 5, 7, config.Duration(time.Second)
	got, namespace, err := Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != "https://h" || got.QPS != 5 || got.Burst != 7 || got.Timeout != time.Second || got.UserAgent != "trimtab" || namespace != "default" {
		t.Errorf("%v", got)
	}
}

func TestConfigValidate(t *testing.T) {
	good := defaults()
	if ps := good.Validate(); len(ps) > 0 {
		t.Errorf("the defaults: %v", ps)
	}
	for want, c := range map[string]Config{
		"kubeClientQps: 0 is not between 0.001 and 1000000":                              {QPS: 0, Burst: 1, Timeout: 1},
		"kubeClientBurst: 0 is not between 1 and 1000000\ntimeout: 0s is not above zero": {QPS: 1, Burst: 0, Timeout: 0},
		"timeout: -1s is not above zero":                                                 {QPS: 1, Burst: 1, Timeout: config.Duration(-time.Second)},
	} {
		ps := c.Validate()
		if got := strings.ReplaceAll(strings.TrimPrefix(ps.Error(), ": "), "\n: ", "\n"); got != want {
			t.Errorf("%+v\n got %q\nwant %q", c, got, want)
		}
	}
}

func TestLeaderElectionValidate(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "elsewhere")
	var good LeaderElection
	good.SetDefaults()
	if ps := good.Validate(); len(ps) > 0 || good.Namespace != "elsewhere" || !good.Enabled {
		t.Errorf("the defaults %+v: %v", good, ps)
	}
	for _, c := range []struct {
		name   string
		change func(*LeaderElection)
		want   string
	}{
		{"no name", func(c *LeaderElection) { c.Name = "" }, "leaderElectResourceName: must not be empty"},
		{"no namespace", func(c *LeaderElection) { c.Namespace = "" }, "leaderElectResourceNamespace: must not be empty"},
		{"no retry", func(c *LeaderElection) { c.RetryPeriod = 0 }, "leaderElectRetryPeriod: 0s is not between 1ns and 24h0m0s"},
		{"a lease shorter than renewing it", func(c *LeaderElection) { c.RenewDeadline = c.LeaseDuration },
			"leaderElectLeaseDuration: 15s by default is not longer than leaderElectRenewDeadline (15s)"},
		{"retries as long as the deadline", func(c *LeaderElection) { c.RetryPeriod = c.RenewDeadline },
			"leaderElectRenewDeadline: 10s by default is not longer than 1.2 times leaderElectRetryPeriod (10s)"},
		{"half a second", func(c *LeaderElection) {
			c.LeaseDuration, c.RenewDeadline, c.RetryPeriod = config.Duration(time.Second/2), config.Duration(time.Second/4), config.Duration(time.Second/8)
		}, "leaderElectLeaseDuration: 500ms is not between 1s and 24h0m0s"},
		{"off", func(c *LeaderElection) { *c = LeaderElection{} }, ""},
	} {
		cfg := good
		c.change(&cfg)
		if got := strings.TrimPrefix(cfg.Validate().Error(), ": "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The command line names a context, and what it holds is the context's.
func TestLoadOfAContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := contextX + "clusters: [{name: c, cluster: {server: 'https://h'}}]\nusers: [{name: a, user: {token: s3cret}}]"
	text = strings.Replace(text, "contexts: [", "contexts: [{name: two, context: {cluster: c, user: a, namespace: shop}}, ", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	cfg.Kubeconfig = path
	for context, want := range map[string]string{"": "default", "x": "default", "two": "shop"} {
		cfg.Context = context
		if _, namespace, err := Load(cfg); err != nil || namespace != want {
			t.Errorf("context %q: namespace %s, %v", context, namespace, err)
		}
	}
	cfg.Context = "other"
	if _, _, err := Load(cfg); err == nil || !strings.Contains(err.Error(), `context "other" does not exist`) {
		t.Errorf("an unknown context: %v", err)
	}
	if contexts, err := Contexts(cfg); err != nil || len(contexts) != 2 {
		t.Errorf("%v, %v", contexts, err)
	}
	cfg.Kubeconfig += "-missing"
	if contexts, err := Contexts(cfg); err == nil {
		t.Errorf("a missing file that is named: %v", contexts)
	}
	t.Setenv("KUBECONFIG", cfg.Kubeconfig)
	if contexts, err := Contexts(defaults()); err != nil || contexts != nil {
		t.Errorf("no file: %v, %v", contexts, err)
	}
}
