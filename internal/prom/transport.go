package prom

import (
	"net/http"

	promconfig "github.com/prometheus/common/config"

	"github.com/trimtab/trimtab/internal/fetch"
)

// userAgent is the User-Agent of requests.
const userAgent = "trimtab"

// newHTTPClient makes a client that authenticates as configured. It sends with sender, or with its own transport where
// that is nil.
func newHTTPClient(cfg Config, sender http.RoundTripper) (*http.Client, error) {
	if sender == nil {
		own, err := cfg.TLS.transport()
		if err != nil {
			return nil, err
		}
		sender = own
	}
	sender = cfg.authenticated(sender)
	if cfg.OAuth2 != nil {
		tokens, err := newTokens(*cfg.OAuth2, sender)
		if err != nil {
			return nil, err
		}
		sender = tokens
	}
	if cfg.SigV4 != nil {
		sender = newSigner(*cfg.SigV4, sender)
	}
	return &http.Client{Transport: sender, CheckRedirect: fetch.Stay}, nil
}

// transport makes a transport with these settings.
func (t TLS) transport() (http.RoundTripper, error) {
	return fetch.Files{
		CA: t.CAFile, Cert: t.CertFile, Key: t.KeyFile, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
	}.Transport()
}

// authenticated adds the configured credentials to requests.
func (c *Config) authenticated(next http.RoundTripper) http.RoundTripper {
	if c.BearerTokenFile != "" {
		next = promconfig.NewAuthorizationCredentialsRoundTripper("Bearer", fetch.File(c.BearerTokenFile), next)
	}
	if b := c.BasicAuth; b != nil {
		password := fetch.File(b.PasswordFile)
		if password == nil {
			password = promconfig.NewInlineSecret(b.Password)
		}
		next = promconfig.NewBasicAuthRoundTripper(promconfig.NewInlineSecret(b.Username), password, next)
	}
	if len(c.Headers) > 0 {
		headers := &promconfig.Headers{Headers: map[string]promconfig.Header{}}
		for name, value := range c.Headers {
			headers.Headers[name] = promconfig.Header{Secrets: []promconfig.Secret{promconfig.Secret(value)}}
		}
		next = promconfig.NewHeadersRoundTripper(headers, next)
	}
	return promconfig.NewUserAgentRoundTripper(userAgent, next)
}
