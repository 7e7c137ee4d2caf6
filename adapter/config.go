package adapter

import (
	"fmt"
	"os"
	"time"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
)

// Config is the section `adapter` of the configuration file.
type Config struct {
	// RulesFile is the path of a rule file of prometheus-adapter (its --config), in a configuration file
	// relative to that. Default none; excludes
	// rules given here.
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
	// as an instant query looks back; raised to MetricsRelistInterval where that is longer and this is
	// not set. Mirrors --metrics-max-age.
	MetricsMaxAge config.Duration `yaml:"metricsMaxAge"`
	// RequestTimeout bounds each request, whatever it waits for. Default 15s.
	RequestTimeout config.Duration `yaml:"requestTimeout"`
}

// defaultMaxAge is Prometheus's default look-back, past which no query finds a series anyway.
const defaultMaxAge = 5 * time.Minute

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.BindAddress = "0.0.0.0"
	c.SecurePort = 6443
	c.MetricsRelistInterval = config.Duration(time.Minute)
	c.RequestTimeout = config.Duration(15 * time.Second)
}

// Validate checks what the types cannot. The rules that stand here are checked one by one by the decoder; a
// rule file is read by New.
func (c *Config) Validate() config.Problems {
	ps := c.File.Validate()
	if c.RulesFile != "" && (len(c.Rules) > 0 || len(c.ExternalRules) > 0) {
		ps.Add("rulesFile", "excludes rules and externalRules; keep one of them")
	}
	if c.SecurePort < 0 || c.SecurePort > 65535 {
		ps.Add("securePort", "%d is not a port: 1 to 65535, or 0 for any free one", c.SecurePort)
	}
	if (c.TLSCertFile == "") != (c.TLSPrivateKeyFile == "") {
		ps.Add("tlsCertFile", "tlsCertFile and tlsPrivateKeyFile belong together; one is missing")
	}
	if c.MetricsRelistInterval <= 0 {
		ps.Add("metricsRelistInterval", "must be above zero")
	}
	if c.MetricsMaxAge > 0 && c.MetricsMaxAge < c.MetricsRelistInterval {
		ps.Add("metricsMaxAge", "%s is shorter than metricsRelistInterval (%s); metrics would come and go", c.MetricsMaxAge, c.MetricsRelistInterval)
	}
	if c.RequestTimeout <= 0 {
		ps.Add("requestTimeout", "must be above zero: a request without a limit can hang for ever")
	}
	return ps
}

// maxAge is MetricsMaxAge or what stands for it.
func (c *Config) maxAge() time.Duration {
	if c.MetricsMaxAge > 0 {
		return c.MetricsMaxAge.Std()
	}
	return max(defaultMaxAge, c.MetricsRelistInterval.Std())
}

// loadRules compiles the rules of the configuration or of the file it names.
func (c *Config) loadRules() (*rules.Set, error) {
	file := c.File
	if c.RulesFile != "" {
		var err error
		if file, err = LoadRules(c.RulesFile); err != nil {
			return nil, err
		}
	}
	return rules.Compile(file)
}

// LoadRules reads and checks a rule file; the error names every problem with file, line and path.
func LoadRules(path string) (rules.File, error) {
	var file rules.File
	data, err := os.ReadFile(path)
	if err != nil {
		return file, fmt.Errorf("read rules: %w", err)
	}
	return file, config.Decode(path, data, &file)
}
