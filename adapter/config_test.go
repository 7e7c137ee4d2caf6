package adapter

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/internal/config"
)

func TestConfigProblems(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"securePort: 70000\nmetricsRelistInterval: 2m\nmetricsMaxAge: 1m\nrequestTimeout: 0s\ntlsCertFile: x", `f: securePort: 70000 is not a port: 1 to 65535, or 0 for any free one
f: tlsCertFile: tlsCertFile and tlsPrivateKeyFile belong together; one is missing
f: metricsMaxAge: 1m0s is shorter than metricsRelistInterval (2m0s); metrics would come and go
f: requestTimeout: 0s is not above zero: a request without a limit can hang for ever`},
		{"rulesFile: x\nrules: [{seriesQuery: a, metricsQuery: b}]", "f: rulesFile: excludes rules, externalRules and resourceRules; keep one of them"},
		{"rules: [{seriesQuery: a}]", "f: rules[0].metricsQuery: is required; for example sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"},
		{"bindAddress: localhost\ntlsMinVersion: TLS12", `f: bindAddress: "localhost" is not an IP address; 0.0.0.0 is all of them
f: tlsMinVersion: "TLS12" is neither VersionTLS12 nor VersionTLS13`},
		{"bindAddress: '::1'\ntlsCipherSuites: [X]\ndisableHttp2: true", "f: tlsCipherSuites: there is no \"X\"; known are"},
		{"evaluationInterval: 10ms", "f: evaluationInterval: 10ms is too short: at least 1s"},
		{"sources: [{name: a}, {name: a}]\nrules: [{seriesQuery: a, metricsQuery: b, source: c}]", "f: sources[1].name: \"a\" stands twice"},
		{"rulesfile: x", `f:1: rulesfile: unknown key; did you mean "rulesFile"?`},
	} {
		var cfg Config
		cfg.SetDefaults()
		got := ""
		if err := config.Decode("f", []byte(c.in), &cfg); err != nil {
			got = err.Error()
		}
		if got, _, _ = strings.Cut(got, " TLS_"); got != c.want {
			t.Errorf("%s\n got: %s\nwant: %s", c.in, got, c.want)
		}
	}
}

func TestRuleFilesAreReadWithAllTheirMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte("rules:\n- seriesQuery: a\n  metricQuery: x\n- seriesQuery: [b]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var cfg Config
	cfg.SetDefaults()
	for file, want := range map[string][]string{
		path:            {path + ":3: rules[0].metricQuery: unknown key", path + ":4: rules[1].seriesQuery"},
		"/nowhere.yaml": {"/nowhere.yaml"},
	} {
		cfg.RulesFile = file
		_, err := New(cfg, Deps{Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
		for _, line := range want {
			if err == nil || !strings.Contains(err.Error(), line) {
				t.Errorf("error %v, want one with %s", err, line)
			}
		}
	}
}

func TestRulesNeedAPrometheus(t *testing.T) {
	var cfg Config
	cfg.SetDefaults()
	if _, err := New(cfg, Deps{Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Errorf("without rules: %v", err)
	}
	if err := config.Decode("f", []byte("rules: [{seriesQuery: a, metricsQuery: b}]"), &cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, Deps{Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "no Prometheus") {
		t.Errorf("with rules: %v", err)
	}
}

// A metric is known as long as a query can find it.
func TestMaxAge(t *testing.T) {
	for _, c := range []struct{ relist, maxAge, want time.Duration }{
		{time.Minute, 0, 5 * time.Minute}, {10 * time.Minute, 0, 10 * time.Minute}, {time.Minute, 2 * time.Minute, 2 * time.Minute},
		{10 * time.Minute, 5 * time.Minute, 10 * time.Minute}, {time.Minute, 5 * time.Minute, 5 * time.Minute},
	} {
		cfg := Config{MetricsRelistInterval: config.Duration(c.relist), MetricsMaxAge: config.Duration(c.maxAge)}
		if got := cfg.maxAge(); got != c.want {
			t.Errorf("relist %s, max age %s: looks back %s, want %s", c.relist, c.maxAge, got, c.want)
		}
	}
}
