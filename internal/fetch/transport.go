package fetch

import (
	"crypto/tls"
	"net/http"
	"time"
)

// MaxHeaderBytes bounds the headers of an answer, including the informational (1xx) ones before it.
const MaxHeaderBytes = 64 << 10

const (
	// dialTimeout bounds a dial if the request allows more time.
	dialTimeout = 30 * time.Second
	// idleTimeout is how long an idle connection is kept.
	idleTimeout = 90 * time.Second
	// http2Ping is how long an HTTP/2 connection may be silent before it is pinged.
	http2Ping = time.Minute
)

// Options are the settings of a Transport. The zero value uses HTTP/1.1 and keeps no idle connection.
type Options struct {
	// Policy is checked at each dial.
	Policy *Policy
	// TLS is used for https; the transport may change it.
	TLS *tls.Config
	// HTTP2 is used if the server supports it.
	HTTP2 bool
	// MaxIdle and MaxIdlePerHost bound the idle connections.
	MaxIdle, MaxIdlePerHost int
}

// Transport is an http.RoundTripper. Each of its errors is an *Error and repeats nothing of an answer.
type Transport struct{ http *http.Transport }

// NewTransport makes a transport that reads at most MaxHeaderBytes of headers and decompresses nothing. It connects to
// the server directly. It ignores HTTP_PROXY and similar variables, since a proxy's dial would avoid the Policy.
func NewTransport(o Options) *Transport {
	return &Transport{&http.Transport{
		DialContext:            o.Policy.Dialer(dialTimeout).DialContext,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    10 * time.Second,
		DisableCompression:     true,
		DisableKeepAlives:      o.MaxIdle == 0,
		MaxIdleConns:           o.MaxIdle,
		MaxIdleConnsPerHost:    o.MaxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: MaxHeaderBytes,
		ForceAttemptHTTP2:      o.HTTP2,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: http2Ping},
	}}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.http.RoundTrip(req)
	if err != nil {
		return nil, WithoutAnswer(err)
	}
	return resp, nil
}

// CloseIdleConnections closes idle connections.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

// maxRedirects is how many redirects of a server to itself are followed.
const maxRedirects = 5

// Stay follows a redirect only to the same server with the same verb. The credentials of one server are not for
// another, and a POST that becomes a GET loses its body. It is for http.Client.CheckRedirect. If a redirect is not
// followed, the redirect itself is the answer.
func Stay(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || req.Method != first.Method || req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
