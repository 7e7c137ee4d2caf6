package prometheus

import (
	"maps"
	"math"
	"net/url"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// query is a checked trigger.
type query struct {
	server     prom.Config
	promql     string
	target     float64
	activation float64
	// emptyIsZero takes an answer without a series for zero.
	emptyIsZero bool
}

func parse(d trigger.Definition, cfg Config) (query, error) {
	p := d.Params()
	q := query{server: prom.DefaultConfig()}
	q.server.URL = p.Required("serverAddress") // its problems are told without its text
	q.promql = p.Required("query")
	q.target = p.Target("threshold", math.NaN())
	q.activation = p.Number("activationThreshold", 0)
	q.emptyIsZero = p.Bool("ignoreNullValues", true)
	q.server.Timeout = config.Duration(p.Duration("timeout", cfg.Timeout))
	q.server.MaxResponseBytes, q.server.MaxConcurrent = cfg.MaxResponseBytes, cfg.MaxConcurrent
	q.server.TLS.InsecureSkipVerify = p.Bool("unsafeSsl", false)
	q.server.Headers = p.Pairs("customHeaders")
	parameters := p.Pairs("queryParameters")
	if ns := p.Text("namespace", ""); ns != "" {
		parameters = withPair(parameters, "namespace", ns)
	}
	authenticate(p, &q.server)
	if q.server.URL != "" {
		q.server.URL = withQuery(q.server.URL, parameters)
		for _, problem := range q.server.Validate() {
			if problem.Path == "headers" {
				p.Fail("customHeaders", "a name or a value in it, or in the custom header of the authentication, is none that a header may have (not shown: it may be a credential)")
				continue
			}
			if u, err := url.Parse(q.server.URL); err == nil && u.User != nil {
				p.Fail("serverAddress", "must not hold credentials; put them in a TriggerAuthentication, with authModes: basic")
				break
			}
			p.Fail("serverAddress", "%s", problem.Message)
		}
		if u, err := url.Parse(q.server.URL); err == nil {
			if err := cfg.Policy.CheckHost(u.Scheme, u.Hostname()); err != nil {
				p.Fail("serverAddress", "%v", err)
			}
		}
	}
	return q, p.Err()
}

// authenticate adds what authModes asks for.
func authenticate(p *trigger.Params, server *prom.Config) {
	modes := p.Words("authModes")
	user, password, token := p.Auth("username"), p.Auth("password"), p.Auth("bearerToken")
	name, value := p.Auth("customAuthHeader"), p.Auth("customAuthValue")
	header := func(name, value string) { server.Headers = withPair(server.Headers, name, value) }
	for _, mode := range modes {
		switch mode {
		case "basic":
			if user == "" && p.AuthKnown() {
				p.Fail("authModes", "basic needs the parameter username in the trigger's authentication")
			}
			server.BasicAuth = &prom.BasicAuth{Username: user, Password: password}
		case "bearer":
			if token == "" && p.AuthKnown() {
				p.Fail("authModes", "bearer needs the parameter bearerToken in the trigger's authentication")
			}
			header("Authorization", "Bearer "+token)
		case "custom":
			if (name == "" || value == "") && p.AuthKnown() {
				p.Fail("authModes", "custom needs the parameters customAuthHeader and customAuthValue in the trigger's authentication")
			}
			header(name, value)
		default:
			p.Fail("authModes", "%s is not supported; supported: basic, bearer, custom", text.Quote(text.Address(mode)))
		}
	}
}

func withPair(m map[string]string, name, value string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out[name] = value
	return out
}

// withQuery puts parameters behind the address; one that is no URL is left for Validate to refuse.
func withQuery(address string, parameters map[string]string) string {
	u, err := url.Parse(address)
	if err != nil || len(parameters) == 0 {
		return strings.TrimSuffix(address, "/")
	}
	values := u.Query()
	for name, value := range parameters {
		values.Set(name, value)
	}
	u.RawQuery = values.Encode()
	return u.String()
}
