package prom

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// Config says how to reach one server, or several with the same data.
type Config struct {
	// URL is the server's root. The API's path is appended to its path. Its parameters are sent with every request.
	// Default http://localhost:9090. Mirrors prometheus-adapter's --prometheus-url and VPA's --prometheus-address.
	URL string `yaml:"url"`
	// FailoverURLs are the roots of further servers with the same data. A server is asked while all servers before it
	// are down, with the same credentials. Default none.
	FailoverURLs []string `yaml:"failoverUrls"`
	// Verb is POST or GET. Default POST, since a query may be longer than a URL. The values of a label are always
	// requested with GET, the only verb for them. Mirrors --prometheus-verb.
	Verb string `yaml:"verb"`
	// Timeout bounds each request to one server. It is also sent to the server, unless the URL has a parameter timeout.
	// Default 10s.
	Timeout config.Duration `yaml:"timeout"`
	// MaxResponseBytes bounds how much of an answer is read, after decompression. Default 64 MiB.
	MaxResponseBytes int64 `yaml:"maxResponseBytes"`
	// MaxConcurrent bounds the concurrent requests to one server; further requests wait. Default 20, which is
	// Prometheus's own limit of concurrent queries.
	MaxConcurrent int `yaml:"maxConcurrent"`
	// Headers are sent with every request. Their values are not printed.
	Headers map[string]string `yaml:"headers" secret:"true"`
	// Tenant is the header that names the tenant. Default none.
	Tenant *Tenant `yaml:"tenant"`
	// BearerTokenFile holds a token, read again when the file changes.
	BearerTokenFile string `yaml:"bearerTokenFile"`
	// BasicAuth, OAuth2 and SigV4 exclude each other and BearerTokenFile.
	BasicAuth *BasicAuth `yaml:"basicAuth"`
	OAuth2    *OAuth2    `yaml:"oauth2"`
	SigV4     *SigV4     `yaml:"sigv4"`
	TLS       TLS        `yaml:"tls"`
}

// maxFailoverURLs is more than anyone needs. A request asks each server at most once.
const maxFailoverURLs = 16

// DefaultConfig is the configuration of an empty section.
func DefaultConfig() Config {
	var c Config
	c.SetDefaults()
	return c
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.URL = "http://localhost:9090"
	c.Verb = http.MethodPost
	c.Timeout = config.Duration(10 * time.Second)
	c.MaxResponseBytes = 64 << 20
	c.MaxConcurrent = 20
}

// Validate checks what the types cannot, in all sections.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	c.validateURLs(&ps)
	if c.Verb != http.MethodPost && c.Verb != http.MethodGet {
		ps.Add("verb", "%.20q is neither POST nor GET", c.Verb)
	}
	if c.Timeout <= 0 {
		ps.Add("timeout", "%s is not above zero: a request without a limit can hang for ever", c.Timeout)
	}
	if c.MaxResponseBytes <= 0 {
		ps.Add("maxResponseBytes", "%d is not above zero", c.MaxResponseBytes)
	}
	config.Between(&ps, "maxConcurrent", c.MaxConcurrent, 1, 100_000)
	c.validateAuth(&ps)
	c.Tenant.validate(&ps, c.Headers)
	return ps
}

func (c *Config) validateURLs(ps *config.Problems) {
	if wrong := wrongURL(c.URL); wrong != "" {
		ps.Add("url", "%s", wrong)
	}
	if len(c.FailoverURLs) > maxFailoverURLs {
		ps.Add("failoverUrls", "there are %d, and %d are allowed", len(c.FailoverURLs), maxFailoverURLs)
	}
	seen := map[string]bool{c.URL: true}
	for i, address := range c.FailoverURLs {
		path := fmt.Sprintf("failoverUrls[%d]", i)
		if wrong := wrongURL(address); wrong != "" {
			ps.Add(path, "%s", wrong)
		} else if seen[address] {
			ps.Add(path, "stands above already; a server that is down is down twice")
		}
		seen[address] = true
	}
}

// wrongURL says what is wrong with a server's address. It does not repeat the address, which may contain a password.
func wrongURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.Host == "":
		return "names no host"
	case u.User != nil:
		return "must not hold credentials; use basicAuth"
	case u.Fragment != "":
		return "must not have a part behind #, which no server sees"
	}
	for _, own := range []string{"query", "time", "start", "end", "step", "match[]"} {
		if u.Query().Has(own) {
			return fmt.Sprintf("must not have the parameter %s, which each request sets itself", own)
		}
	}
	return ""
}
