package prom

import (
	"context"
	"crypto/tls"
	"net/http"

	promconfig "github.com/prometheus/common/config"

	"github.com/trimtab/trimtab/internal/fetch"
)

const (
	// userAgent is how requests introduce themselves.
	userAgent = "trimtab"
	// keptIdle bounds the connections that are kept to all servers of a client, and to one of them.
	keptIdle = 1000
)

// newHTTPClient sends by the transport, or by one of its own where that is nil, what the configuration authenticates.
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

// transport connects as the settings say; their files are read again when they change.
func (t TLS) transport() (http.RoundTripper, error) {
	settings := promconfig.TLSConfig{
		CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
	}
	first, err := promconfig.NewTLSConfig(&settings)
	if err != nil {
		return nil, err
	}
	files := promconfig.TLSRoundTripperSettings{CA: file(t.CAFile), Cert: file(t.CertFile), Key: file(t.KeyFile)}
	return promconfig.NewTLSRoundTripperWithContext(context.Background(), first, files, func(c *tls.Config) (http.RoundTripper, error) {
		return fetch.NewTransport(fetch.Options{TLS: c, HTTP2: true, MaxIdle: keptIdle, MaxIdlePerHost: keptIdle}), nil
	})
}

// file reads a file at each use; it is nil where there is none.
func file(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}

// authenticated puts what the configuration gives into requests.
func (c *Config) authenticated(next http.RoundTripper) http.RoundTripper {
	if c.BearerTokenFile != "" {
		next = promconfig.NewAuthorizationCredentialsRoundTripper("Bearer", file(c.BearerTokenFile), next)
	}
	if b := c.BasicAuth; b != nil {
		password := file(b.PasswordFile)
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
