package prometheus

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// query is a trigger of type prometheus.
type query struct {
	source            *Source
	address           param.Address
	promql, namespace string
	awsRegion         string
	// Credentials of Google Cloud: the variable that holds them, the variable that names their file, the credentials
	// themselves.
	googleEnv, googleFile, google string

	target, activation  float64
	emptyIsZero         bool
	timeout             time.Duration
	headers, parameters map[string]string
	auth                trigger.HTTPAuth
	// server is the configuration that Check makes from them.
	server prom.Config
}

// About implements trigger.Source.
func (s *Source) About() string {
	return "The number that a PromQL query gives at a server of Prometheus's HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics. An answer without a series counts as 0 unless `ignoreNullValues` is false."
}

// Example implements trigger.Exemplary.
func (s *Source) Example() trigger.Example {
	const server = "prometheus.monitoring.svc:9090"
	return trigger.Example{Server: server, Metadata: map[string]string{
		"serverAddress": "http://" + server, "query": `sum(rate(http_requests_total{app="web"}[2m]))`, "threshold": "50",
	}}
}

// New implements trigger.Source.
func (s *Source) New() trigger.Spec { return &query{source: s} }

// Table implements trigger.Spec.
func (q *query) Table() param.Table {
	return slices.Concat(param.Table{
		{Name: "serverAddress", To: &q.address, Required: true, Schemes: []string{"http", "https"}, About: "root of the server's API"},
		{Name: "query", To: &q.promql, Required: true, About: "PromQL that gives one number"},
		{Name: "threshold", To: &q.target, Required: true, Range: param.AtLeast(0.001), About: "value for each replica"},
		{Name: "activationThreshold", To: &q.activation, Default: "0", About: "the trigger is active above it"},
		{Name: "ignoreNullValues", To: &q.emptyIsZero, Default: "true", About: "take an answer without a series for 0; with false it is an error"},
		{Name: "timeout", To: &q.timeout, About: "time-out of one query; `scalers.httpDefaultTimeout` where it is absent or 0"},
		{Name: "namespace", To: &q.namespace, About: "parameter `namespace` of each request, as for the Thanos Querier of OpenShift"},
		{Name: "customHeaders", To: &q.headers, Secret: true, About: "headers of each request"},
		{Name: "queryParameters", To: &q.parameters, Secret: true, About: "parameters of each request"},
		{Name: "awsRegion", From: param.Metadata + param.Auth, To: &q.awsRegion, About: "not supported: requests are not signed for AWS; ignored beside `authModes`, as by KEDA"},
		{Name: "credentialsFromEnv", To: &q.googleEnv, About: noToken},
		{Name: "credentialsFromEnvFile", To: &q.googleFile, About: noToken},
		{Name: "GoogleApplicationCredentials", From: param.Auth, To: &q.google, Secret: true, About: noToken},
	}, q.auth.Table(), param.Table{
		{Name: "metricName", Ignored: "is ignored, as by KEDA since 2.12: the metric has the name of the trigger's type; take it out"},
		{Name: "cortexOrgID", Ignored: "is ignored, as by KEDA since 2.15; write customHeaders: X-Scope-OrgID=TENANT"},
		{Name: "apiKey", Aliases: []string{"method", "keyParamName"}, From: param.Metadata + param.Auth, Ignored: noKey},
		{Name: "disableScaleToZero", Ignored: "is ignored, as by KEDA, which never read it; write minReplicaCount: 1"},
		{Name: "identityOwner", Ignored: "is ignored, as by KEDA without awsRegion"},
	})
}

const noToken = "not supported: requests get no token of Google Cloud; ignored beside `authModes`, as by KEDA"

const noKey = "is ignored, as by KEDA, which sends no API key to Prometheus; write authModes: custom"

// Check implements trigger.Spec.
func (q *query) Check(p *param.Parsed) trigger.Metric {
	env := q.source.env
	q.auth.Check(p)
	if q.auth.Has("apiKey") {
		p.Warn("authModes", "apiKey %s", noKey)
	}
	q.checkClouds(p)
	if q.timeout == 0 {
		q.timeout = env.Timeout
	}
	if q.namespace != "" {
		q.parameters = with(q.parameters, "namespace", q.namespace)
	}
	q.server = prom.DefaultConfig()
	q.server.Timeout = config.Duration(q.timeout)
	q.server.MaxResponseBytes, q.server.MaxConcurrent = env.MaxBytes, env.MaxReadings
	q.server.Headers = q.headers
	for name, value := range q.auth.Headers() {
		q.server.Headers = with(q.server.Headers, name, value)
	}
	if q.address.Value != "" && !p.Wrong("serverAddress") {
		q.checkServer(p)
	}
	return trigger.Metric{Name: "prometheus", Target: q.target, Activation: q.activation, Timeout: q.timeout}
}

// checkClouds refuses the credentials of clouds. KEDA uses them only if authModes is empty.
func (q *query) checkClouds(p *param.Parsed) {
	const aws, google = "requests are not signed for AWS", "requests get no token of Google Cloud"
	for _, c := range []struct{ key, value, why string }{
		{"awsRegion", q.awsRegion, aws}, {"credentialsFromEnv", q.googleEnv, google}, {"credentialsFromEnvFile", q.googleFile, google},
		{"GoogleApplicationCredentials", q.google, google},
	} {
		switch {
		case c.value == "":
		case len(q.auth.Modes) == 0:
			p.Fail(c.key, "is not supported: %s", c.why)
		case c.key != "GoogleApplicationCredentials": // another trigger may use the same authentication
			p.Warn(c.key, "is ignored beside authModes, as by KEDA")
		}
	}
}

// checkServer records what the client will refuse. The address is a URL.
func (q *query) checkServer(p *param.Parsed) {
	u, err := url.Parse(q.address.Value)
	if err != nil {
		return // the table has reported it
	}
	if err := q.source.env.Policy.CheckHost(u.Scheme, u.Hostname()); err != nil {
		p.Fail("serverAddress", "%v", err)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if len(q.parameters) > 0 {
		values := u.Query()
		for name, value := range q.parameters {
			values.Set(name, value)
		}
		u.RawQuery = values.Encode()
	}
	q.server.URL = u.String()
	for _, problem := range q.server.Validate() {
		if problem.Path == "headers" {
			p.Fail("customHeaders", "a name or a value in it, or in the custom header of the authentication, is none that a header may have (not shown: it may be a credential)")
			continue
		}
		p.Fail("serverAddress", "%s", problem.Message)
	}
}

// with is m with one more entry.
func with(m map[string]string, name, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[name] = value
	return m
}

// key is everything that two triggers need in common to share a client. Each namespace has its own: a client has a
// bounded number of requests in flight, and slow queries of one namespace must not delay another.
func (q *query) key(namespace string) clientKey {
	return clientKey{namespace, q.server.URL, fmt.Sprintf("%q", q.server.Headers), q.timeout, q.auth.TLS}
}
