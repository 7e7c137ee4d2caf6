package redis

import (
	"crypto/tls"
	"crypto/x509"
	"math"
	"net"
	"strings"

	"github.com/trimtab/trimtab/internal/fetch"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// endpoint is all that decides whether two triggers can share connections. It is comparable.
type endpoint struct {
	address            string
	username, password string
	database           int
	tls, insecure      bool
	ca, cert, key      string
}

// list is a checked trigger.
type list struct {
	endpoint endpoint
	// server is how errors call the address.
	server     string
	name       string
	target     float64
	activation float64
}

func parse(d trigger.Definition, policy *fetch.Policy) (list, error) {
	p := d.Params()
	l := list{
		name:       p.Required("listName"),
		target:     float64(p.Whole("listLength", 5, 1, math.MaxInt32)),
		activation: float64(p.Whole("activationListLength", 0, 0, math.MaxInt32)),
	}
	where, shown := address(p)
	l.server = shown
	l.endpoint = endpoint{
		address:  where,
		username: p.Secret("username"), password: p.Secret("password"),
		database: int(p.Whole("databaseIndex", 0, 0, math.MaxInt32)),
		tls:      p.Bool("enableTLS", false), insecure: p.Bool("unsafeSsl", false),
		ca: p.Auth("ca"), cert: p.Auth("cert"), key: p.Auth("key"),
	}
	switch p.Auth("tls") {
	case "", "disable":
	case "enable":
		l.endpoint.tls = true
	default:
		p.Fail("enableTLS", "the parameter tls of the trigger's authentication is neither enable nor disable")
	}
	if _, err := l.endpoint.tlsConfig(); err != nil {
		p.Fail("enableTLS", "%v", err)
	}
	if host, _, err := net.SplitHostPort(l.endpoint.address); err == nil {
		if err := policy.CheckHost(l.endpoint.scheme(), host); err != nil {
			p.Fail("address", "%v", err)
		}
	}
	return l, p.Err()
}

// address is host:port, from the one key or from the two, and how errors call it.
func address(p *trigger.Params) (address, shown string) {
	whole, shown := p.Address("address")
	host, shownHost := p.Address("host")
	port, shownPort := p.Address("port")
	switch {
	case whole != "" && (host != "" || port != ""):
		p.Fail("address", "excludes host and port; keep address, or the two")
	case whole != "":
		if host, _, err := net.SplitHostPort(whole); err != nil || !isHost(host) {
			p.Fail("address", "%s is not host:port; write it with a port, and without scheme, credentials and path", shown)
		}
	case !p.AuthKnown() && (host == "" || port == ""):
	case host == "" && port == "":
		p.Fail("address", "is required (or host and port)")
	case host == "":
		p.Fail("host", "is required beside port")
	case port == "":
		p.Fail("port", "is required beside host")
	case !isHost(host):
		p.Fail("host", "%s is not the name of a host", shownHost)
	default:
		return net.JoinHostPort(host, port), shownHost + " port " + shownPort
	}
	return whole, shown
}

// isHost says that host has no user, password or path: where it is shown, these would be too.
func isHost(host string) bool { return !strings.ContainsAny(host, "@/") }

// scheme is how a URL would begin.
func (e endpoint) scheme() string {
	if e.tls {
		return "rediss"
	}
	return "redis"
}

type tlsError string

func (e tlsError) Error() string { return string(e) }

// tlsConfig is nil where TLS is off.
func (e endpoint) tlsConfig() (*tls.Config, error) {
	if !e.tls {
		return nil, nil
	}
	host, _, _ := net.SplitHostPort(e.address)
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: e.insecure}
	if e.ca != "" {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(e.ca)) {
			return nil, tlsError("the parameter ca of the trigger's authentication holds no PEM certificate")
		}
	}
	if e.cert != "" || e.key != "" {
		pair, err := tls.X509KeyPair([]byte(e.cert), []byte(e.key))
		if err != nil {
			return nil, tlsError("the parameters cert and key of the trigger's authentication are not a PEM pair")
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
