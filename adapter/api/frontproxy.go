package api

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"

	"github.com/trimtab/trimtab/internal/recent"
)

const (
	// proxyTTL is how long the verification of a front proxy's certificate is believed, unless the CA changes
	// or the certificate expires before.
	proxyTTL = time.Minute
	// proxyLimit bounds how many certificates are remembered; there is one for each API server.
	proxyLimit = 64
)

// proxySettings tell how the front proxy is known. All of them may change at any time.
type proxySettings interface {
	CurrentCABundleContent() []byte
	VerifyOptions() (x509.VerifyOptions, bool)
	AllowedClientNames() []string
	UsernameHeaders() []string
	UIDHeaders() []string
	GroupHeaders() []string
	ExtraHeaderPrefixes() []string
}

// frontProxy recognises requests that the cluster's API server passes on, and whose they are. It decides as the
// library does, but does not verify the certificate of a connection anew for each request.
type frontProxy struct {
	settings proxySettings
	now      func() time.Time
	verified *recent.Cache[verification]
	// headers reads the user from a request that is known to come from the proxy, and takes the headers away.
	headers authenticator.Request
}

// verification is that a chain of certificates was good, under which CA bundle, and until when that counts.
type verification struct {
	bundle []byte
	until  time.Time
}

func newFrontProxy(settings proxySettings, now func() time.Time) *frontProxy {
	get := func(f func() []string) headerrequest.StringSliceProvider {
		return headerrequest.StringSliceProviderFunc(f)
	}
	headers := headerrequest.NewDynamic(get(settings.UsernameHeaders), get(settings.UIDHeaders), get(settings.GroupHeaders), get(settings.ExtraHeaderPrefixes))
	return &frontProxy{
		settings: settings, now: now, verified: recent.New[verification](proxyLimit),
		headers: group.NewAuthenticatedGroupAdder(headers),
	}
}

// sent is true if the request comes from the front proxy and bears a user's name. Only then may its headers be
// believed. It changes nothing in the request.
func (p *frontProxy) sent(r *http.Request) bool {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	named := func(header string) bool { return r.Header.Get(header) != "" }
	if !slices.ContainsFunc(p.settings.UsernameHeaders(), named) {
		return false
	}
	allowed := p.settings.AllowedClientNames()
	if len(allowed) > 0 && !slices.Contains(allowed, r.TLS.PeerCertificates[0].Subject.CommonName) {
		return false
	}
	return p.chainIsGood(r.TLS)
}

// chainIsGood verifies the client's certificate. Only success is remembered, under the bytes of all certificates
// that the client showed and those of the CA bundle, so that a changed bundle counts from the next request on.
func (p *frontProxy) chainIsGood(state *tls.ConnectionState) bool {
	// The bundle is read before the options: if it changes in between, the result is filed under the old one.
	bundle, now := p.settings.CurrentCABundleContent(), p.now()
	key := chainKey(state.PeerCertificates)
	if v, ok := p.verified.Get(key); ok && bytes.Equal(v.bundle, bundle) && now.Before(v.until) {
		return true
	}
	options, ok := p.settings.VerifyOptions()
	if !ok {
		return false
	}
	options.CurrentTime = now
	if options.Intermediates == nil && len(state.PeerCertificates) > 1 {
		options.Intermediates = x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
	}
	chains, err := state.PeerCertificates[0].Verify(options)
	if err != nil {
		return false
	}
	until := now.Add(proxyTTL)
	for _, c := range chains[0] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	p.verified.Put(string(key), verification{bundle, until})
	return true
}

// chainKey is the bytes of certificates. DER tells its own length, so that no two chains have one key.
func chainKey(certificates []*x509.Certificate) []byte {
	if len(certificates) == 1 {
		return certificates[0].Raw
	}
	var key []byte
	for _, c := range certificates {
		key = append(key, c.Raw...)
	}
	return key
}
