package migrate

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

const (
	// passwordFile and tokenFile are where secrets are expected that stood in a flag.
	passwordFile = "/etc/trimtab/secrets/prometheus-password"
	tokenFile    = "/etc/trimtab/secrets/prometheus-token"
	// serviceAccount is where every pod has the token of its service account, and the cluster's CA.
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

// url takes the user out of the URL; the password goes nowhere.
func (c *conversion) url(v value) error {
	u, err := url.Parse(v.last)
	unknown := c.unknownIn(v)
	switch {
	case err != nil && len(unknown) > 0, u != nil && len(unknown) > 0 && refers(u.Scheme+u.Host+u.Path+u.RawQuery+u.User.Username()):
		c.block(v.Flag, "%s; write %s by hand", c.in.env.whyUnknown(unknown), v.Setting)
		return nil
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		c.block(v.Flag, "the value (not shown) is no URL with http:// or https:// and a host; write %s by hand", v.Setting)
		return nil
	}
	user := u.User
	u.User = nil
	c.set(v, v.Setting, str(u.String()))
	if u.RawQuery != "" && c.text("prometheus-verb") == "GET" {
		c.note(v.Flag, "the URL's parameters are sent with each request; prometheus-adapter drops them when it asks by GET")
	}
	if user != nil && c.credentials() == "user" {
		c.basicAuth(v, user.Username(), "the password in the URL")
	} else if user != nil {
		c.note(v.Flag, "the user in the URL is not taken: prometheus-adapter sends the header Authorization instead")
	}
	return nil
}

func refers(s string) bool {
	return strings.Contains(s, "$(") || strings.Contains(s, "%28") // escaped, in a path
}

func (c *conversion) unknownIn(v value) []string {
	var names []string
	for _, a := range c.given[v.Name] {
		names = append(names, a.unknown...)
	}
	return names
}

func (c *conversion) basicAuth(v value, user, secret string) {
	c.set(v, "prometheus.basicAuth.username", str(user))
	c.set(v, "prometheus.basicAuth.passwordFile", str(passwordFile))
	c.note(v.Flag, "%s is not copied; put it into a Secret and mount that as %s", secret, passwordFile)
}

// credentials tells which of the ways to say who it is prometheus-adapter uses, if several are set.
func (c *conversion) credentials() string {
	for _, h := range c.given["prometheus-header"] {
		if name, _, _ := strings.Cut(h.text, "="); strings.EqualFold(name, "Authorization") {
			return "header"
		}
	}
	if u, err := url.Parse(c.text("prometheus-url")); err == nil && u.User != nil {
		return "user"
	}
	if c.text("prometheus-token-file") != "" {
		return "token"
	}
	return "in-cluster"
}

func (c *conversion) verb(v value) error {
	if v.last != "GET" && v.last != "POST" {
		c.block(v.Flag, "%s is neither GET nor POST; prometheus-adapter does not start with it", shown(v.last))
		return nil
	}
	return c.take(v)
}

func (c *conversion) token(v value) error {
	switch {
	case v.last == "":
	case c.credentials() == "token":
		return c.mounted(v)
	default:
		c.note(v.Flag, "is not taken: prometheus-adapter sends the header Authorization or the user in the URL instead")
	}
	return nil
}

func (c *conversion) clientCertificate(v value) error {
	switch certificate, key := c.text("prometheus-client-tls-cert-file"), c.text("prometheus-client-tls-key-file"); {
	case v.last == "":
	case c.text("prometheus-ca-file") == "":
		c.note(v.Flag, "is not taken: prometheus-adapter does not use it without --prometheus-ca-file. Write %s if the server asks for a certificate", v.Setting)
	case certificate == "" || key == "":
		c.note(v.Flag, "is not taken: prometheus-adapter does not use a certificate without its key, or a key without its certificate")
	default:
		return c.mounted(v)
	}
	return nil
}

func (c *conversion) inCluster(v value) error {
	switch {
	case !kindBool.truth(v.last):
		return nil
	case c.text("prometheus-ca-file") != "":
		c.note(v.Flag, "is not taken: beside --prometheus-ca-file it has no effect in prometheus-adapter")
		return nil
	case c.text("prometheus-auth-config") != "":
		c.block(v.Flag, "excludes --prometheus-auth-config; prometheus-adapter does not start with both")
		return nil
	}
	if c.credentials() == "in-cluster" {
		c.set(v, v.Setting, str(serviceAccount+"token"))
		c.note(v.Flag, "trimtab's service account takes the place of prometheus-adapter's; give it the same rights where Prometheus asks for them")
	}
	c.set(v, "prometheus.tls.caFile", str(serviceAccount+"ca.crt"))
	return nil
}

func (c *conversion) authConfig(v value) error {
	switch {
	case v.last == "":
		return nil
	case c.text("prometheus-ca-file") != "":
		c.note(v.Flag, "is not taken: beside --prometheus-ca-file it has no effect in prometheus-adapter")
		return nil
	}
	return c.refuse(v)
}

// headers become a mapping; who it is does not stand there, but in a file.
func (c *conversion) headers(v value) error {
	seen := map[string]bool{}
	for _, h := range c.given[v.Name] {
		name, content, _ := strings.Cut(h.text, "=")
		switch folded := strings.ToLower(name); {
		case seen[folded]:
			c.block(v.Flag, "%s is given twice; trimtab sends a header once", shown(name))
		case folded == "authorization":
			c.authorization(v, content)
		case slices.Contains(ownHeaders(), folded):
			c.block(v.Flag, "%s is a header that trimtab's client sets itself", shown(name))
		case len(h.unknown) > 0:
			c.block(v.Flag, "%s; write prometheus.headers by hand", c.in.env.whyUnknown(h.unknown))
		default:
			n := str(content)
			c.file.entry(v.Setting, name, n.node, v.spelling())
			c.result.Settings = append(c.result.Settings, Setting{v.spelling(), v.Setting + "." + name, n.shown})
		}
		seen[strings.ToLower(name)] = true
	}
	return nil
}

// ownHeaders cannot be chosen; they are what prometheus/common calls reserved.
func ownHeaders() []string {
	return []string{"host", "content-encoding", "content-length", "content-type", "user-agent", "connection", "keep-alive",
		"proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version",
		"x-prometheus-remote-read-version", "x-prometheus-scrape-timeout-seconds", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
}

// authorization names files for what the header holds.
func (c *conversion) authorization(v value, content string) {
	scheme, secret, _ := strings.Cut(content, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		c.set(v, "prometheus.bearerTokenFile", str(tokenFile))
		c.note(v.Flag, "the token in the header is not copied; put it into a Secret and mount that as %s", tokenFile)
	case "basic":
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(secret))
		if user, _, ok := strings.Cut(string(decoded), ":"); err == nil && ok {
			c.basicAuth(v, user, "the password in the header")
			return
		}
		c.block(v.Flag, "who it is in the header Authorization cannot be read; write prometheus.basicAuth by hand")
	default:
		c.block(v.Flag, "trimtab sends a header Authorization with Basic and Bearer only")
	}
}
