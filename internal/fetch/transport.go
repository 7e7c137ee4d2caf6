package fetch

import (
	"crypto/tls"
	"net/http"
	"time"
)

// MaxHeaderBytes bounds the headers of an answer, those before the final ones included.
const MaxHeaderBytes = 64 << 10

const (
	// dialTimeout bounds a dial where the request allows more.
	dialTimeout = 30 * time.Second
	// idleTimeout is how long a connection is kept that nobody uses.
	idleTimeout = 90 * time.Second
	// http2Ping is how long a connection of HTTP/2 may be silent before it is asked whether it is there.
	http2Ping = time.Minute
)

// Options say how a Transport connects. The zero value does so with HTTP/1.1 and keeps no connection.
type Options struct {
	// Policy is asked at each dial.
	Policy *Policy
	// TLS is used for https; the transport may change it.
	TLS *tls.Config
	// HTTP2 is used where the server knows it.
	HTTP2 bool
	// MaxIdle and MaxIdlePerHost bound the connections that are kept for later requests.
	MaxIdle, MaxIdlePerHost int
}

// Transport is an http.RoundTripper whose errors, an *Error each, repeat nothing of an answer.
type Transport struct{ http *http.Transport }

// NewTransport makes a transport that reads no more than MaxHeaderBytes of headers, decompresses nothing, and
// connects to the server itself: HTTP_PROXY and its kin are not read, since a proxy would dial past the Policy.
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

// CloseIdleConnections lets go of connections that nobody uses.
func (t *Transport) CloseIdleConnections() { t.http.CloseIdleConnections() }

// maxRedirects is how many redirects of a server to itself are followed.
const maxRedirects = 5

// Stay follows a redirect only where the request stays what it is: to the same server, with the same verb. The
// credentials of one server are not for another, and a POST that became a GET has lost its body. It is for
// http.Client.CheckRedirect; a redirect that is not followed is the answer.
func Stay(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || req.Method != first.Method || req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
