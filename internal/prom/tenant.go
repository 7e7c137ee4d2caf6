package prom

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// Tenant is the header that names the tenant, for Mimir, Cortex, Loki and multi-tenant proxies.
type Tenant struct {
	// Header is its name. Default X-Scope-OrgID.
	Header string `yaml:"header"`
	// FromNamespace sends the namespace of the request. Default false.
	FromNamespace bool `yaml:"fromNamespace"`
	// Value is sent if a request has no namespace, such as in discovery, and always without FromNamespace. Mimir reads
	// `team-a|team-b` as the data of both. Default none: then there is no header.
	Value string `yaml:"value"`
}

// SetDefaults fills in the values documented at the fields.
func (t *Tenant) SetDefaults() { t.Header = "X-Scope-OrgID" }

func (t *Tenant) validate(ps *config.Problems, headers map[string]string) {
	if t == nil {
		return
	}
	name := http.CanonicalHeaderKey(t.Header)
	switch {
	case !isToken(t.Header):
		ps.Add("tenant.header", "is not the name of a header; X-Scope-OrgID is usual")
	case slices.Contains([]string{"Authorization", "Host", "Content-Type", "Content-Length", "Content-Encoding", "Connection", "Transfer-Encoding"}, name):
		ps.Add("tenant.header", "%s has another meaning; X-Scope-OrgID is usual", name)
	}
	for other := range headers {
		if http.CanonicalHeaderKey(other) == name {
			ps.Add("tenant.header", "stands in headers too; keep one of them")
		}
	}
	if t.Value == "" && !t.FromNamespace {
		ps.Add("tenant.value", "is required where fromNamespace is false")
	}
	if strings.ContainsFunc(t.Value, func(r rune) bool { return r < ' ' || r > '~' }) {
		ps.Add("tenant.value", "has a character that no header may hold")
	}
}

// isToken is true if s is a valid header name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// Tenant is what the header says in requests for namespace, "" where it is not sent. Answers to the same
// query are the same for the same tenant, and for no other. For a namespace that ForNamespace refuses it is a
// text that no header can hold, and so nobody's.
func (c *Client) Tenant(namespace string) string {
	t := c.core.tenant
	switch {
	case t == nil:
		return ""
	case t.FromNamespace && namespace != "":
		if !isNamespace(namespace) {
			return "\xff" + namespace
		}
		return namespace
	default:
		return t.Value
	}
}

// ForNamespace is the client for requests on behalf of namespace, "" for none. It shares everything with c,
// and is c itself where nothing depends on the namespace. Where the tenant is taken from it, a namespace that
// is not a name as Kubernetes knows them is refused by each request: `a|b` would read the data of two tenants.
func (c *Client) ForNamespace(namespace string) *Client {
	t := c.core.tenant
	if t == nil || !t.FromNamespace {
		return c
	}
	n := &Client{core: c.core, tenant: c.Tenant(namespace)}
	if namespace != "" && !isNamespace(namespace) {
		n.refused = fmt.Errorf("namespace %.80q cannot be the tenant: it is not the name of a namespace", namespace)
	}
	return n
}

// isNamespace says that s is a DNS label (RFC 1123), as the names of namespaces are.
func isNamespace(s string) bool {
	return len(s) <= 63 && !strings.HasPrefix(s, "-") && !strings.HasSuffix(s, "-") &&
		!strings.ContainsFunc(s, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') })
}
