package prom

import (
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/trimtab/trimtab/internal/config"
)

// Config says how to reach one server.
type Config struct {
	// URL is the server's root; the API's path is put behind its path. Default http://localhost:9090.
	// Mirrors prometheus-adapter's --prometheus-url and VPA's --prometheus-address.
	URL string `yaml:"url"`
	// Timeout bounds each request, and is sent to the server as its own limit. Default 10s.
	Timeout config.Duration `yaml:"timeout"`
	// MaxResponseBytes bounds what is read of an answer. Default 64 MiB.
	MaxResponseBytes int64 `yaml:"maxResponseBytes"`
	// Headers are sent with every request. Their values are not printed.
	Headers map[string]string `yaml:"headers" secret:"true"`
	// BearerTokenFile holds a token, read again when the file changes.
	BearerTokenFile string `yaml:"bearerTokenFile"`
	// BasicAuth excludes BearerTokenFile.
	BasicAuth *BasicAuth `yaml:"basicAuth"`
	TLS       TLS        `yaml:"tls"`
}

// BasicAuth names a user; the password comes from a file, read again when it changes, or stands here.
type BasicAuth struct {
	Username     string `yaml:"username"`
	Password     string `yaml:"password" secret:"true"`
	PasswordFile string `yaml:"passwordFile"`
}

// TLS settings for a server with an https URL. Files are read again when they change.
type TLS struct {
	CAFile             string `yaml:"caFile"`
	CertFile           string `yaml:"certFile"`
	KeyFile            string `yaml:"keyFile"`
	ServerName         string `yaml:"serverName"`
	InsecureSkipVerify bool   `yaml:"insecureSkipVerify"`
}

// DefaultConfig is the configuration of an empty section.
func DefaultConfig() Config {
	var c Config
	c.SetDefaults()
	return c
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.URL = "http://localhost:9090"
	c.Timeout = config.Duration(10 * time.Second)
	c.MaxResponseBytes = 64 << 20
}

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		ps.Add("url", "is not a URL") // the parser's error would print a password in it
	case u.Scheme != "http" && u.Scheme != "https":
		ps.Add("url", "must begin with http:// or https://")
	case u.Host == "":
		ps.Add("url", "names no host")
	case u.User != nil:
		ps.Add("url", "must not hold a user and password; use basicAuth")
	}
	if c.Timeout <= 0 {
		ps.Add("timeout", "must be above zero: a request without a limit can hang for ever")
	}
	if c.MaxResponseBytes <= 0 {
		ps.Add("maxResponseBytes", "must be above zero")
	}
	if c.BasicAuth != nil && c.BearerTokenFile != "" {
		ps.Add("bearerTokenFile", "excludes basicAuth; keep one of them")
	}
	if b := c.BasicAuth; b != nil && b.Password != "" && b.PasswordFile != "" {
		ps.Add("basicAuth.passwordFile", "excludes basicAuth.password; keep one of them")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		ps.Add("tls", "certFile and keyFile belong together; one is missing")
	}
	return ps
}

// httpConfig is the configuration in the terms of prometheus/common, which does the work.
func (c *Config) httpConfig() promconfig.HTTPClientConfig {
	h := promconfig.HTTPClientConfig{
		FollowRedirects: true,
		EnableHTTP2:     true,
		TLSConfig: promconfig.TLSConfig{
			CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile,
			ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.InsecureSkipVerify,
		},
	}
	if c.BearerTokenFile != "" {
		h.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: c.BearerTokenFile}
	}
	if b := c.BasicAuth; b != nil {
		h.BasicAuth = &promconfig.BasicAuth{
			Username: b.Username, Password: promconfig.Secret(b.Password), PasswordFile: b.PasswordFile,
		}
	}
	if len(c.Headers) > 0 {
		h.HTTPHeaders = &promconfig.Headers{Headers: map[string]promconfig.Header{}}
		for name, value := range c.Headers {
			h.HTTPHeaders.Headers[name] = promconfig.Header{Secrets: []promconfig.Secret{promconfig.Secret(value)}}
		}
	}
	return h
}
