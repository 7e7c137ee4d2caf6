package delegate

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/internal/config"
)

// The APIs that a delegate may serve.
const (
	CustomAPI   = "custom"
	ExternalAPI = "external"
)

// podToken is where the kubelet puts the token of a pod's own ServiceAccount.
const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Config is one entry of `adapter.delegates`.
type Config struct {
	// Name is the delegate's name in messages. Required.
	Name string `yaml:"name"`
	// APIs are the APIs to ask it for: custom, external. Default both. An API that it does not serve is no error.
	APIs []string `yaml:"apis"`
	// Service reaches it inside the cluster, at https://NAME.NAMESPACE.svc:PORT. This or URL is required.
	Service *ServiceRef `yaml:"service"`
	// URL is its root elsewhere. It begins with https://. The path of the API is appended to its path.
	URL string `yaml:"url"`
	TLS TLS    `yaml:"tls"`
	// BearerTokenFile holds the token for the delegate, read for each request. Default: the token of the pod's own
	// ServiceAccount, if there is one. A delegate can use a token that it receives. If you trust it less than trimtab
	// itself, give it the token of an account that may only read metrics.
	BearerTokenFile string `yaml:"bearerTokenFile"`
	// Timeout bounds each request to it. Default 10s.
	Timeout config.Duration `yaml:"timeout"`
}

// ServiceRef names a Service.
type ServiceRef struct {
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	// Port is the Service's port. Default 443.
	Port int `yaml:"port"`
}

// TLS says what certificate the delegate must show.
type TLS struct {
	// CAFile holds the CAs to trust, read again when it changes. Default: the CAs of the system.
	CAFile string `yaml:"caFile"`
	// ServerName is expected in the certificate. Default: the host of the URL.
	ServerName string `yaml:"serverName"`
	// InsecureSkipVerify accepts any certificate. It requires bearerTokenFile, so that trimtab's own token is never
	// sent to an unknown server.
	InsecureSkipVerify bool `yaml:"insecureSkipVerify"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.APIs = []string{CustomAPI, ExternalAPI}
	c.Timeout = config.Duration(10 * time.Second)
}

// SetDefaults fills in the port.
func (r *ServiceRef) SetDefaults() { r.Port = 443 }

// Validate checks what the types cannot. The list checks that names are unique.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	if strings.TrimSpace(c.Name) == "" {
		ps.Add("name", "is missing; messages call the delegate by it")
	}
	if len(c.APIs) == 0 {
		ps.Add("apis", "is empty; name custom, external or both, or leave it out")
	}
	for i, api := range c.APIs {
		if api != CustomAPI && api != ExternalAPI {
			ps.Add(fmt.Sprintf("apis[%d]", i), "%q is no API that can be passed on; known are custom and external", api)
		}
	}
	switch {
	case c.Service == nil && c.URL == "":
		ps.Add("service", "is missing: give service (namespace, name) or url")
	case c.Service != nil && c.URL != "":
		ps.Add("url", "excludes service; keep one of them")
	case c.URL != "":
		c.validateURL(&ps)
	}
	if c.TLS.InsecureSkipVerify && c.TLS.CAFile != "" {
		ps.Add("tls.caFile", "has no effect with insecureSkipVerify; keep one of them")
	}
	if c.TLS.InsecureSkipVerify && c.BearerTokenFile == "" {
		ps.Add("tls.insecureSkipVerify", "would hand trimtab's own token to whoever answers; set tls.caFile instead, or bearerTokenFile to the token of an account that may only read metrics")
	}
	if c.Timeout <= 0 {
		ps.Add("timeout", "%s is not above zero: a request without a limit can hang for ever", c.Timeout)
	}
	return ps
}

func (c *Config) validateURL(ps *config.Problems) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		ps.Add("url", "is not a URL") // the parser's error would print a password in it
	case u.Scheme != "https":
		ps.Add("url", "must begin with https://: metrics servers speak nothing else, and a token is sent")
	case u.Hostname() == "":
		ps.Add("url", "names no host")
	case u.User != nil:
		ps.Add("url", "must not hold credentials; use bearerTokenFile")
	case u.RawQuery != "" || u.Fragment != "":
		ps.Add("url", "must end with its path: without ? and #")
	}
}

// Validate checks that the parts make a host name.
func (r *ServiceRef) Validate() config.Problems {
	var ps config.Problems
	for _, label := range []struct{ path, value string }{{"namespace", r.Namespace}, {"name", r.Name}} {
		if label.value == "" {
			ps.Add(label.path, "is missing")
		} else if len(validation.IsDNS1123Label(label.value)) > 0 {
			ps.Add(label.path, "%q is no name of a %s", label.value, map[string]string{"namespace": "namespace", "name": "Service"}[label.path])
		}
	}
	if r.Port < 1 || r.Port > 65535 {
		ps.Add("port", "%d is not a port: 1 to 65535", r.Port)
	}
	return ps
}

// address is the root URL.
func (c *Config) address() (*url.URL, error) {
	if c.Service != nil {
		return url.Parse(fmt.Sprintf("https://%s.%s.svc:%d", c.Service.Name, c.Service.Namespace, c.Service.Port))
	}
	return url.Parse(c.URL)
}
