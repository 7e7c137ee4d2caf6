package fetch

import (
	"context"
	"crypto/tls"
	"net/http"

	promconfig "github.com/prometheus/common/config"
)

// Files are the TLS settings of a server that the operator names. The files are read again when they change.
type Files struct {
	CA, Cert, Key      string
	ServerName         string
	InsecureSkipVerify bool
}

// keptIdle bounds the idle connections to the operator's servers: as many as requests may be in flight.
const keptIdle = 1000

// Transport makes a transport for a server that the operator names. No Policy applies to it.
func (f Files) Transport() (http.RoundTripper, error) {
	first, err := promconfig.NewTLSConfig(&promconfig.TLSConfig{
		CAFile: f.CA, CertFile: f.Cert, KeyFile: f.Key, ServerName: f.ServerName, InsecureSkipVerify: f.InsecureSkipVerify,
	})
	if err != nil {
		return nil, err
	}
	again := promconfig.TLSRoundTripperSettings{CA: File(f.CA), Cert: File(f.Cert), Key: File(f.Key)}
	return promconfig.NewTLSRoundTripperWithContext(context.Background(), first, again, func(c *tls.Config) (http.RoundTripper, error) {
		return NewTransport(Options{TLS: c, HTTP2: true, MaxIdle: keptIdle, MaxIdlePerHost: keptIdle}), nil
	})
}

// File reads a file at each use. It is nil without a path.
func File(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}
