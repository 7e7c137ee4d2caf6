package migrate

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

const (
	// passwordFile and tokenFile are the files for secrets that were in a flag.
	passwordFile = "/etc/trimtab/secrets/prometheus-password"
	tokenFile    = "/etc/trimtab/secrets/prometheus-token"
	// serviceAccount is the directory with the token of the pod's service account, and the cluster's CA.
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

// address removes the user from the URL. The password is not written anywhere.
func address(c *migration.Conversion, v migration.Value) error {
	u, err := url.Parse(v.Last)
	unknown := unknownIn(c, v)
	switch {
	case err != nil && len(unknown) > 0, u != nil && len(unknown) > 0 && refers(u.Scheme+u.Host+u.Path+u.RawQuery+u.User.Username()):
		c.Block(v.Flag, "%s; write %s by hand", migration.WhyUnknown(unknown), v.Setting)
		return nil
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		c.Block(v.Flag, "the value (not shown) is no URL with http:// or https:// and a host; write %s by hand", v.Setting)
		return nil
	}
	user := u.User
	u.User = nil
	c.Set(v, v.Setting, migration.Str(u.String()))
	if u.RawQuery != "" && c.Text("prometheus-verb") == "GET" {
		c.Note(v.Flag, "the URL's parameters are sent with each request; prometheus-adapter drops them when it asks by GET")
	}
	if user != nil && credentials(c) == "user" {
		basicAuth(c, v, user.Username(), "the password in the URL")
	} else if user != nil {
		c.Note(v.Flag, "the user in the URL is not taken: prometheus-adapter sends the header Authorization instead")
	}
	return nil
}

func refers(s string) bool {
	return strings.Contains(s, "$(") || strings.Contains(s, "%28") // escaped, in a path
}

func unknownIn(c *migration.Conversion, v migration.Value) []string {
	var names []string
	for _, a := range c.Given(v.Name) {
		names = append(names, a.Unknown...)
	}
	return names
}

func basicAuth(c *migration.Conversion, v migration.Value, user, secret string) {
	c.Set(v, "prometheus.basicAuth.username", migration.Str(user))
	c.Set(v, "prometheus.basicAuth.passwordFile", migration.Str(passwordFile))
	c.Note(v.Flag, "%s is not copied; put it into a Secret and mount that as %s", secret, passwordFile)
}

// credentials says which credentials prometheus-adapter uses, if several are set.
func credentials(c *migration.Conversion) string {
	for _, h := range c.Given("prometheus-header") {
		if name, _, _ := strings.Cut(h.Text, "="); strings.EqualFold(name, "Authorization") {
			return "header"
		}
	}
	if u, err := url.Parse(c.Text("prometheus-url")); err == nil && u.User != nil {
		return "user"
	}
	if c.Text("prometheus-token-file") != "" {
		return "token"
	}
	return "in-cluster"
}

func verb(c *migration.Conversion, v migration.Value) error {
	if v.Last != "GET" && v.Last != "POST" {
		c.Block(v.Flag, "%s is neither GET nor POST; prometheus-adapter does not start with it", text.Quote(v.Last))
		return nil
	}
	return migration.Take(c, v)
}

func token(c *migration.Conversion, v migration.Value) error {
	switch {
	case v.Last == "":
	case credentials(c) == "token":
		return migration.Mounted(c, v)
	default:
		c.Note(v.Flag, "is not taken: prometheus-adapter sends the header Authorization or the user in the URL instead")
	}
	return nil
}

func clientCertificate(c *migration.Conversion, v migration.Value) error {
	switch certificate, key := c.Text("prometheus-client-tls-cert-file"), c.Text("prometheus-client-tls-key-file"); {
	case v.Last == "":
	case c.Text("prometheus-ca-file") == "":
		c.Note(v.Flag, "is not taken: prometheus-adapter does not use it without --prometheus-ca-file. Write %s if the server asks for a certificate", v.Setting)
	case certificate == "" || key == "":
		c.Note(v.Flag, "is not taken: prometheus-adapter does not use a certificate without its key, or a key without its certificate")
	default:
		return migration.Mounted(c, v)
	}
	return nil
}

func inCluster(c *migration.Conversion, v migration.Value) error {
	switch {
	case !migration.Truth(v.Last):
		return nil
	case c.Text("prometheus-ca-file") != "":
		c.Note(v.Flag, "is not taken: beside --prometheus-ca-file it has no effect in prometheus-adapter")
		return nil
	case c.Text("prometheus-auth-config") != "":
		c.Block(v.Flag, "excludes --prometheus-auth-config; prometheus-adapter does not start with both")
		return nil
	}
	if credentials(c) == "in-cluster" {
		c.Set(v, v.Setting, migration.Str(serviceAccount+"token"))
		c.Note(v.Flag, "trimtab's service account takes the place of prometheus-adapter's; give it the same rights where Prometheus asks for them")
	}
	c.Set(v, "prometheus.tls.caFile", migration.Str(serviceAccount+"ca.crt"))
	return nil
}

func authConfig(c *migration.Conversion, v migration.Value) error {
	switch {
	case v.Last == "":
		return nil
	case c.Text("prometheus-ca-file") != "":
		c.Note(v.Flag, "is not taken: beside --prometheus-ca-file it has no effect in prometheus-adapter")
		return nil
	}
	return migration.Refuse(c, v)
}

// headers become a mapping. Credentials are not in it, but in a file.
func headers(c *migration.Conversion, v migration.Value) error {
	seen := map[string]bool{}
	for _, h := range c.Given(v.Name) {
		name, content, _ := strings.Cut(h.Text, "=")
		switch folded := strings.ToLower(name); {
		case seen[folded]:
			c.Block(v.Flag, "%s is given twice; trimtab sends a header once", text.Quote(name))
		case folded == "authorization":
			authorizationHeader(c, v, content)
		case slices.Contains(ownHeaders(), folded):
			c.Block(v.Flag, "%s is a header that trimtab's client sets itself", text.Quote(name))
		case len(h.Unknown) > 0:
			c.Block(v.Flag, "%s; write prometheus.headers by hand", migration.WhyUnknown(h.Unknown))
		default:
			c.Entry(v, v.Setting, name, migration.Str(content))
		}
		seen[strings.ToLower(name)] = true
	}
	return nil
}

// ownHeaders cannot be set by the user; prometheus/common calls them reserved.
func ownHeaders() []string {
	return []string{"host", "content-encoding", "content-length", "content-type", "user-agent", "connection", "keep-alive",
		"proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version",
		"x-prometheus-remote-read-version", "x-prometheus-scrape-timeout-seconds", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
}

// authorizationHeader names files for the credentials in the header.
func authorizationHeader(c *migration.Conversion, v migration.Value, content string) {
	scheme, secret, _ := strings.Cut(content, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		c.Set(v, "prometheus.bearerTokenFile", migration.Str(tokenFile))
		c.Note(v.Flag, "the token in the header is not copied; put it into a Secret and mount that as %s", tokenFile)
	case "basic":
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(secret))
		if user, _, ok := strings.Cut(string(decoded), ":"); err == nil && ok {
			basicAuth(c, v, user, "the password in the header")
			return
		}
		c.Block(v.Flag, "who it is in the header Authorization cannot be read; write prometheus.basicAuth by hand")
	default:
		c.Block(v.Flag, "trimtab sends a header Authorization with Basic and Bearer only")
	}
}
