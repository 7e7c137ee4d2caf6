package redis

import (
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/scalers/param"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// list is a trigger of type redis.
type list struct {
	source              *Source
	name                string
	target, activation  int64
	address, host, port param.Address
	authTLS             string
	keyPassword         string
	tls                 trigger.TLS
	// endpoint and server are made by Check. server is the address in errors.
	endpoint endpoint
	server   string
}

// endpoint is everything that two triggers need in common to share connections.
type endpoint struct {
	address            string
	username, password string
	database           int
	encrypted          bool
	tls                trigger.TLS
}

// About implements trigger.Source.
func (s *Source) About() string {
	return "The length of a list, or the size of a set, sorted set or hash, under one key of one Redis server. A key that does not exist counts as 0."
}

// Example implements trigger.Exemplary.
func (s *Source) Example() trigger.Example {
	const server = "redis.shop.svc:6379"
	return trigger.Example{Server: server, Metadata: map[string]string{"address": server, "listName": "jobs", "listLength": "10"}}
}

// New implements trigger.Source.
func (s *Source) New() trigger.Spec { return &list{source: s} }

// Table implements trigger.Spec.
func (l *list) Table() param.Table {
	const envFirst, authFirst = param.Metadata + param.Env + param.Auth, param.Metadata + param.Auth + param.Env
	return slices.Concat(param.Table{
		{Name: "listName", To: &l.name, Required: true, About: "the key; it is in the name of the metric, which is public"},
		{Name: "listLength", To: &l.target, Default: "5", Range: param.Between(1, math.MaxInt32), About: "length for each replica"},
		{Name: "activationListLength", To: &l.activation, Default: "0", About: "the trigger is active above it"},
		{Name: "address", Aliases: []string{"addresses"}, From: authFirst, To: &l.address, About: "host:port of the server; of several, the first"},
		{Name: "host", Aliases: []string{"hosts"}, From: envFirst, To: &l.host, About: "the server's host, in place of `address`; of several, the first"},
		{Name: "port", Aliases: []string{"ports"}, From: envFirst, To: &l.port, About: "its port; of several, the first"},
		{Name: "databaseIndex", To: &l.endpoint.database, Default: "0", Range: param.Between(0, math.MaxInt32), About: "number of the database"},
		{Name: "username", From: envFirst, To: &l.endpoint.username, Secret: true, About: "user"},
		{Name: "password", From: envFirst, To: &l.endpoint.password, Secret: true, About: "password"},
		{Name: "enableTLS", To: &l.endpoint.encrypted, Default: "false", About: "connect with TLS"},
		{Name: "tls", From: param.Auth, To: &l.authTLS, OneOf: []string{"enable", "disable"}, About: "`enableTLS`, in the authentication"},
	}, l.tls.Table(), param.Table{
		{Name: "keyPassword", From: param.Auth, To: &l.keyPassword, Secret: true, About: "not supported with TLS: store the key without a password in the Secret"},
		{Name: "sentinelUsername", Aliases: []string{"sentinelPassword", "sentinelMaster"}, From: authFirst, Ignored: "is ignored, as by KEDA for this type; it is for redis-sentinel"},
	})
}

// Check implements trigger.Spec.
func (l *list) Check(p *param.Parsed) trigger.Metric {
	l.endpoint.address, l.server = l.where(p)
	if l.authTLS != "" {
		if l.endpoint.encrypted {
			p.Fail("enableTLS", "excludes the parameter tls of the trigger's authentication, as for KEDA; keep one of them")
		}
		l.endpoint.encrypted = l.authTLS == "enable"
	}
	if l.endpoint.encrypted {
		l.endpoint.tls = l.tls
		l.endpoint.tls.Check(p)
		if l.keyPassword != "" {
			p.Fail("keyPassword", "is not supported; store the key without a password in the Secret")
		}
	}
	if host, _, err := net.SplitHostPort(l.endpoint.address); err == nil {
		if err := l.source.env.Policy.CheckHost(l.endpoint.scheme(), host); err != nil {
			p.Fail("address", "%v", err)
		}
	}
	return trigger.Metric{Name: "redis-" + l.name, Target: float64(l.target), Activation: float64(l.activation), Timeout: l.source.env.Timeout}
}

// where returns host:port, from one parameter or from two, and its form for errors.
func (l *list) where(p *param.Parsed) (address, shown string) {
	whole, host, port := first(p, "address", l.address), first(p, "host", l.host), first(p, "port", l.port)
	switch {
	case whole.Value != "":
		if host.Value != "" || port.Value != "" {
			p.Warn("host", "host and port are ignored beside address, as by KEDA; keep address, or the two")
		}
		host, port, err := net.SplitHostPort(whole.Value)
		switch {
		case err != nil || !isHost(host):
			p.Fail("address", "%s is not host:port; write it with a port, and without scheme, credentials and path", whole.Shown)
		case !isPort(port):
			p.Fail("address", "%s does not end in a port: 1 to 65535", whole.Shown)
		}
		return whole.Value, whole.Shown
	case p.Wrong("address") || p.Wrong("host") || p.Wrong("port"):
	case !p.AuthKnown() && (host.Value == "" || port.Value == ""):
	case host.Value == "" && port.Value == "":
		p.Fail("address", "is required (or host and port)")
	case host.Value == "":
		p.Fail("host", "is required beside port")
	case port.Value == "":
		p.Fail("port", "is required beside host")
	case !isHost(host.Value):
		p.Fail("host", "%s is not the name of a host", host.Shown)
	case !isPort(port.Value):
		p.Fail("port", "%s is not a port: 1 to 65535", port.Shown)
	default:
		return net.JoinHostPort(host.Value, port.Value), host.Shown + " port " + port.Shown
	}
	return "", ""
}

// first is the first of several addresses. KEDA uses only this one.
func first(p *param.Parsed, key string, a param.Address) param.Address {
	one, others, several := strings.Cut(a.Value, ",")
	if !several {
		return a
	}
	if strings.Trim(others, ", ") != "" {
		p.Warn(key, "has several; the first alone is read, as by KEDA for this type")
	}
	return a.Part(strings.TrimSpace(one))
}

// isHost says that host has no user, password or path, which texts with the host would show.
func isHost(host string) bool { return host != "" && !strings.ContainsAny(host, "@/") }

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// scheme is the scheme of a URL for e.
func (e endpoint) scheme() string {
	if e.encrypted {
		return "rediss"
	}
	return "redis"
}
