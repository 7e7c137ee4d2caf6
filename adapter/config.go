package adapter

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/adapter/delegate"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/serve"
	"github.com/trimtab/trimtab/internal/text"
)

// Config is the section `adapter` of the configuration file.
type Config struct {
	// RulesFile is the path of a rule file of prometheus-adapter (its --config). In a configuration file it is relative
	// to that file. Default none; excludes rules given here.
	RulesFile string `yaml:"rulesFile"`
	// File holds `rules` and `externalRules` given here instead of in a file. Default none.
	rules.File `yaml:",inline"`
	// BindAddress is the IP address to serve on. Default 0.0.0.0. Mirrors --bind-address.
	BindAddress string `yaml:"bindAddress"`
	// SecurePort is the port to serve on, 0 for any free one. Default 6443. Mirrors --secure-port.
	SecurePort int `yaml:"securePort"`
	// TLSCertFile and TLSPrivateKeyFile are PEM files, read again when they change. Default none: the server
	// then signs a certificate for itself. Mirror --tls-cert-file and --tls-private-key-file.
	TLSCertFile       string `yaml:"tlsCertFile"`
	TLSPrivateKeyFile string `yaml:"tlsPrivateKeyFile"`
	// MetricsRelistInterval is the time between two rounds of discovery. Default 1m, where
	// prometheus-adapter has 10m. Mirrors --metrics-relist-interval.
	MetricsRelistInterval config.Duration `yaml:"metricsRelistInterval"`
	// MetricsMaxAge is how long ago a series may have had its last sample to be discovered. Default 5m, as far
	// as an instant query looks back; the default is raised to MetricsRelistInterval where that is longer. Mirrors
	// --metrics-max-age, whose 0 is the default too.
	MetricsMaxAge config.Duration `yaml:"metricsMaxAge"`
	// RequestTimeout bounds each request, whatever it waits for. Default 15s.
	RequestTimeout config.Duration `yaml:"requestTimeout"`
	// Compat sends exactly the queries of prometheus-adapter: each request's own PromQL, evaluated when the request
	// comes, never cached. Default false.
	Compat bool `yaml:"compat"`
	// EvaluationInterval is the time between two evaluations of a query. At each of these times a query is evaluated
	// once, however many requests need it. Default 15s, the HPA controller's own period.
	EvaluationInterval config.Duration `yaml:"evaluationInterval"`
	// Sources are further Prometheus servers. Rules name them in `source`. Default none.
	Sources []Source `yaml:"sources"`
	// Delegates are other metrics servers, asked in this order for metrics that no rule exposes. Default none.
	Delegates []delegate.Config `yaml:"delegates"`
	// TLSMinVersion is VersionTLS12 or VersionTLS13. Default VersionTLS12. Mirrors --tls-min-version.
	TLSMinVersion string `yaml:"tlsMinVersion"`
	// TLSCipherSuites are the suites of TLS 1.2, by Go's names. Default Go's own choice. Mirrors
	// --tls-cipher-suites.
	TLSCipherSuites []string `yaml:"tlsCipherSuites"`
	// DisableHTTP2 serves HTTP/1.1 only. Default false. Mirrors --disable-http2.
	DisableHTTP2 bool `yaml:"disableHttp2"`
	// AuthorizationWebhookCacheAuthorizedTTL is how long the API server's permission for a request is
	// believed. Default 5m, as the API server believes a webhook's; prometheus-adapter has 10s, less than the HPA
	// controller's period. Mirrors --authorization-webhook-cache-authorized-ttl.
	AuthorizationWebhookCacheAuthorizedTTL config.Duration `yaml:"authorizationWebhookCacheAuthorizedTtl"`
}

const (
	defaultRelist = time.Minute
	// defaultMaxAge is Prometheus's default look-back. Older series are found by no query.
	defaultMaxAge = 5 * time.Minute
)

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.BindAddress = "0.0.0.0"
	c.SecurePort = 6443
	c.MetricsRelistInterval = config.Duration(defaultRelist)
	c.MetricsMaxAge = config.Duration(defaultMaxAge)
	c.RequestTimeout = config.Duration(15 * time.Second)
	c.TLSMinVersion = "VersionTLS12"
	c.EvaluationInterval = config.Duration(15 * time.Second)
	c.AuthorizationWebhookCacheAuthorizedTTL = config.Duration(5 * time.Minute)
}

// Validate checks what the types cannot. The decoder checks rules in the configuration one by one. New reads a rule
// file.
func (c *Config) Validate() config.Problems {
	ps := c.File.Validate()
	if c.RulesFile != "" && !c.File.Empty() {
		ps.Add("rulesFile", "excludes rules, externalRules and resourceRules; keep one of them")
	}
	if net.ParseIP(c.BindAddress) == nil {
		ps.Add("bindAddress", "%s is not an IP address; 0.0.0.0 is all of them", text.Quote(text.Address(c.BindAddress)))
	}
	if c.SecurePort < 0 || c.SecurePort > 65535 {
		ps.Add("securePort", "%d is not a port: 1 to 65535, or 0 for any free one", c.SecurePort)
	}
	if (c.TLSCertFile == "") != (c.TLSPrivateKeyFile == "") {
		ps.Add("tlsCertFile", "tlsCertFile and tlsPrivateKeyFile belong together; one is missing")
	}
	if err := c.tls().Check(); err != nil {
		field, message, _ := strings.Cut(err.Error(), ": ")
		ps.Add(field, "%s", message)
	}
	if c.MetricsRelistInterval <= 0 {
		ps.Add("metricsRelistInterval", "%s is not above zero", c.MetricsRelistInterval)
	}
	if age := c.MetricsMaxAge.Std(); age != 0 && age != defaultMaxAge && age < c.MetricsRelistInterval.Std() {
		ps.Add("metricsMaxAge", "%s is shorter than metricsRelistInterval (%s); metrics would come and go",
			c.MetricsMaxAge, config.OrDefault(c.MetricsRelistInterval, config.Duration(defaultRelist)))
	}
	if c.RequestTimeout <= 0 {
		ps.Add("requestTimeout", "%s is not above zero: a request without a limit can hang for ever", c.RequestTimeout)
	}
	if c.EvaluationInterval < config.Duration(minInterval) {
		ps.Add("evaluationInterval", "%s is too short: at least %s", c.EvaluationInterval, minInterval)
	}
	if c.AuthorizationWebhookCacheAuthorizedTTL <= 0 {
		ps.Add("authorizationWebhookCacheAuthorizedTtl", "%s is not above zero", c.AuthorizationWebhookCacheAuthorizedTTL)
	}
	return append(ps, c.checkSources()...)
}

// tls is the TLS configuration of the port.
func (c *Config) tls() serve.TLS {
	return serve.TLS{
		CertFile: c.TLSCertFile, KeyFile: c.TLSPrivateKeyFile, DisableHTTP2: c.DisableHTTP2,
		MinVersion: c.TLSMinVersion, CipherSuites: c.TLSCipherSuites,
	}
}

// checkSources finds duplicate names.
func (c *Config) checkSources() config.Problems {
	var ps config.Problems
	seen := map[string]bool{}
	for i, s := range c.Sources {
		if seen[s.Name] {
			ps.Add(fmt.Sprintf("sources[%d].name", i), "%q stands twice", s.Name)
		}
		seen[s.Name] = true
	}
	for i, d := range c.Delegates {
		if slices.ContainsFunc(c.Delegates[:i], func(other delegate.Config) bool { return other.Name == d.Name }) {
			ps.Add(fmt.Sprintf("delegates[%d].name", i), "%q stands twice", d.Name)
		}
	}
	return ps
}

// CheckServers finds the rules of a file whose server is not configured. prometheus says whether the configuration has
// the section prometheus.
func (c *Config) CheckServers(file rules.File, prometheus bool) config.Problems {
	return missingServers(file, func(name string) bool {
		return name == "" && prometheus || slices.ContainsFunc(c.Sources, func(s Source) bool { return s.Name == name })
	})
}

// missingServers finds the rules of a file whose server does not exist. It reports only the first rule that names no
// server.
func missingServers(file rules.File, has func(name string) bool) config.Problems {
	var ps config.Problems
	sources, told := file.Sources(), false
	for _, path := range slices.Sorted(maps.Keys(sources)) {
		switch name := sources[path]; {
		case has(name), name == "" && told:
		case name == "":
			ps.Add(path, "there is no Prometheus to ask: write the section prometheus, or name a server of adapter.sources in source")
			told = true
		default:
			ps.Add(path, "%q is no server: name it in adapter.sources", name)
		}
	}
	return ps
}

// needsRestart names the first changed setting that a running server cannot change.
func (c *Config) needsRestart(next Config) string {
	for _, s := range []struct {
		name     string
		old, new any
	}{
		{"bindAddress", c.BindAddress, next.BindAddress},
		{"securePort", c.SecurePort, next.SecurePort},
		{"tlsCertFile", c.TLSCertFile, next.TLSCertFile},
		{"tlsPrivateKeyFile", c.TLSPrivateKeyFile, next.TLSPrivateKeyFile},
		{"tlsMinVersion", c.TLSMinVersion, next.TLSMinVersion},
		{"tlsCipherSuites", strings.Join(c.TLSCipherSuites, ","), strings.Join(next.TLSCipherSuites, ",")},
		{"disableHttp2", c.DisableHTTP2, next.DisableHTTP2},
		{"authorizationWebhookCacheAuthorizedTtl", c.AuthorizationWebhookCacheAuthorizedTTL, next.AuthorizationWebhookCacheAuthorizedTTL},
	} {
		if s.old != s.new {
			return s.name
		}
	}
	return ""
}

// minInterval is the shortest grid. In less time a query would hardly end before the next evaluation.
const minInterval = time.Second

// maxAge is MetricsMaxAge. If that is the default, it is raised to MetricsRelistInterval. Validate refuses any other
// value that is shorter than a round.
func (c *Config) maxAge() time.Duration {
	return max(cmp.Or(c.MetricsMaxAge.Std(), defaultMaxAge), c.MetricsRelistInterval.Std())
}

// loadRules reads the rules of the configuration or of the file it names.
func (c *Config) loadRules() (rules.File, error) {
	if c.RulesFile == "" {
		return c.File, nil
	}
	data, err := config.ReadFile(c.RulesFile, config.MaxFileBytes)
	if err != nil {
		return rules.File{}, fmt.Errorf("read rules: %w", err)
	}
	return c.DecodeRules(c.RulesFile, data, true)
}

// DecodeRules reads and checks a rule file. The error names every problem with file, line and path. prometheus says
// whether the configuration has the section prometheus.
func (c *Config) DecodeRules(name string, data []byte, prometheus bool) (rules.File, error) {
	var file rules.File
	ps, _ := errors.AsType[config.Problems](config.Decode(name, data, &file))
	for _, p := range c.CheckServers(file, prometheus) {
		p.File = name
		ps = append(ps, p)
	}
	ps.Locate(config.Document{Line: 1, Data: data})
	return file, ps.AsError()
}
