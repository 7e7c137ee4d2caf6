package prom

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// BasicAuth has a user's name and password. The password is given here or in a file, which is read again when it
// changes.
type BasicAuth struct {
	Username     string `yaml:"username"`
	Password     string `yaml:"password" secret:"true"`
	PasswordFile string `yaml:"passwordFile"`
}

// OAuth2 gets tokens by the client credentials grant (RFC 6749, section 4.4). A token is used until it expires or the
// server refuses it.
type OAuth2 struct {
	ClientID string `yaml:"clientId"`
	// ClientSecretFile is read again when the file changes.
	ClientSecretFile string   `yaml:"clientSecretFile"`
	TokenURL         string   `yaml:"tokenUrl"`
	Scopes           []string `yaml:"scopes"`
	// TLS is for the server of TokenURL.
	TLS TLS `yaml:"tls"`
}

// SigV4 signs requests for Amazon Managed Service for Prometheus. Settings that are not given come from AWS's default
// chain: environment, shared files, web identity, instance role.
type SigV4 struct {
	Region    string `yaml:"region"`
	AccessKey string `yaml:"accessKey"`
	SecretKey string `yaml:"secretKey" secret:"true"`
	// Profile is a profile of the shared files.
	Profile string `yaml:"profile"`
	// RoleARN is the role to assume with these credentials.
	RoleARN string `yaml:"roleArn"`
}

// TLS settings for a server with an https URL. Files are read again when they change.
type TLS struct {
	CAFile             string `yaml:"caFile"`
	CertFile           string `yaml:"certFile"`
	KeyFile            string `yaml:"keyFile"`
	ServerName         string `yaml:"serverName"`
	InsecureSkipVerify bool   `yaml:"insecureSkipVerify"`
}

// validateAuth checks each authentication, and that there is at most one.
func (c *Config) validateAuth(ps *config.Problems) {
	ways := []struct {
		path string
		set  bool
	}{
		{"bearerTokenFile", c.BearerTokenFile != ""}, {"basicAuth", c.BasicAuth != nil}, {"oauth2", c.OAuth2 != nil}, {"sigv4", c.SigV4 != nil},
	}
	for i, way := range ways {
		for _, other := range ways[i+1:] {
			if way.set && other.set {
				ps.Add(way.path, "excludes %s; keep one of them", other.path)
			}
		}
	}
	if b := c.BasicAuth; b != nil && b.Password != "" && b.PasswordFile != "" {
		ps.Add("basicAuth.passwordFile", "excludes basicAuth.password; keep one of them")
	}
	c.TLS.validate(ps, "tls")
	c.OAuth2.validate(ps)
	c.SigV4.validate(ps)
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if !isToken(name) {
			ps.Add("headers", "%.40q is not the name of a header", name)
		} else if strings.ContainsFunc(c.Headers[name], func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			ps.Add("headers", "the value of %q has a character that no header may hold", name)
		}
		if http.CanonicalHeaderKey(name) == "Authorization" && (c.OAuth2 != nil || c.SigV4 != nil) {
			ps.Add("headers", "holds Authorization, which oauth2 and sigv4 set; keep one of them")
		}
	}
}

func (t *TLS) validate(ps *config.Problems, path string) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		ps.Add(path, "certFile and keyFile belong together; one is missing")
	}
}

func (o *OAuth2) validate(ps *config.Problems) {
	if o == nil {
		return
	}
	if o.ClientID == "" {
		ps.Add("oauth2.clientId", "is required")
	}
	if o.ClientSecretFile == "" {
		ps.Add("oauth2.clientSecretFile", "is required")
	}
	if wrong := wrongURL(o.TokenURL); wrong != "" {
		ps.Add("oauth2.tokenUrl", "%s", wrong)
	}
	o.TLS.validate(ps, "oauth2.tls")
}

func (s *SigV4) validate(ps *config.Problems) {
	if s == nil {
		return
	}
	if (s.AccessKey == "") != (s.SecretKey == "") {
		ps.Add("sigv4", "accessKey and secretKey belong together; one is missing")
	}
	if s.AccessKey != "" && s.Profile != "" {
		ps.Add("sigv4.profile", "excludes accessKey; keep one of them")
	}
}

// Paths are the settings that name files, so that a caller can resolve relative paths.
func (c *Config) Paths() []*string {
	paths := append(c.TLS.paths(), &c.BearerTokenFile)
	if b := c.BasicAuth; b != nil {
		paths = append(paths, &b.PasswordFile)
	}
	if o := c.OAuth2; o != nil {
		paths = append(append(paths, &o.ClientSecretFile), o.TLS.paths()...)
	}
	return paths
}

func (t *TLS) paths() []*string { return []*string{&t.CAFile, &t.CertFile, &t.KeyFile} }
