package api

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"reflect"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"

	"github.com/trimtab/trimtab/adapter/api/apitest"
)

// settings are what a configmap would say.
type settings struct {
	bundle       string
	names        []string
	unknown      bool // the configmap is not read yet
	verified     int  // how often options for a verification were asked for
	userHeaders  []string
	groupHeaders []string
}

func (s *settings) CurrentCABundleContent() []byte { return []byte(s.bundle) }

func (s *settings) VerifyOptions() (x509.VerifyOptions, bool) {
	s.verified++
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	options.Roots.AppendCertsFromPEM([]byte(s.bundle))
	return options, !s.unknown
}

func (s *settings) AllowedClientNames() []string  { return s.names }
func (s *settings) UsernameHeaders() []string     { return s.userHeaders }
func (s *settings) UIDHeaders() []string          { return []string{"X-Remote-Uid"} }
func (s *settings) GroupHeaders() []string        { return s.groupHeaders }
func (s *settings) ExtraHeaderPrefixes() []string { return []string{"X-Remote-Extra-"} }

func newSettings(bundle string) *settings {
	return &settings{bundle: bundle, names: []string{apitest.ProxyName}, userHeaders: []string{"X-Remote-User", "X-Other-User"}, groupHeaders: []string{"X-Remote-Group"}}
}

// library is the library's own authenticator of front proxies.
func (s *settings) library() authenticator.Request {
	get := func(f func() []string) headerrequest.StringSliceProvider {
		return headerrequest.StringSliceProviderFunc(f)
	}
	return group.NewAuthenticatedGroupAdder(headerrequest.NewDynamicVerifyOptionsSecure(s.VerifyOptions, get(s.AllowedClientNames),
		get(s.UsernameHeaders), get(s.UIDHeaders), get(s.GroupHeaders), get(s.ExtraHeaderPrefixes)))
}

func from(t testing.TB, header http.Header, certificate *tls.Certificate) *http.Request {
	t.Helper()
	r := newRequest(customPath+"/namespaces/a/pods/p/m", header)
	r.TLS = &tls.ConnectionState{}
	if certificate == nil {
		return r
	}
	for _, der := range certificate.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		r.TLS.PeerCertificates = append(r.TLS.PeerCertificates, c)
	}
	return r
}

// Whoever tries, the proxy is recognised where the library recognises it and nowhere else, the first time and from
// memory, and its user is the same.
func TestOnlyTheFrontProxyIsBelieved(t *testing.T) {
	t.Parallel()
	ca, other := apitest.NewAuthority(t), apitest.NewAuthority(t)
	ago := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	notYet := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	forServers := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	user := http.Header{"X-Remote-User": {"jane"}}
	below := ca.Under(t).Client(t, apitest.ProxyName)
	alone := tls.Certificate{Certificate: below.Certificate[:1]}
	cert := func(c tls.Certificate) *tls.Certificate { return &c }
	for name, c := range map[string]struct {
		cert   *tls.Certificate
		header http.Header
		change func(*settings)
		want   bool
	}{
		"the proxy":                {cert: cert(ca.Client(t, apitest.ProxyName)), header: user, want: true},
		"no certificate":           {header: user},
		"another authority":        {cert: cert(other.Client(t, apitest.ProxyName)), header: user},
		"another name":             {cert: cert(ca.Client(t, "impostor")), header: user},
		"any name is allowed":      {cert: cert(ca.Client(t, "impostor")), header: user, change: func(s *settings) { s.names = nil }, want: true},
		"expired":                  {cert: cert(ca.Client(t, apitest.ProxyName, ago)), header: user},
		"not yet valid":            {cert: cert(ca.Client(t, apitest.ProxyName, notYet)), header: user},
		"a server's certificate":   {cert: cert(ca.Client(t, apitest.ProxyName, forServers)), header: user},
		"an intermediate":          {cert: &below, header: user, want: true},
		"without the intermediate": {cert: &alone, header: user},
		"the CA is not read":       {cert: cert(ca.Client(t, apitest.ProxyName)), header: user, change: func(s *settings) { s.unknown = true }},
		"no user":                  {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-Group": {"system:masters"}}},
		"an empty user":            {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-User": {""}}},
		"two users":                {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-User": {"jane", "root"}, "X-Other-User": {"root"}}, want: true},
		"an empty one before":      {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-User": {"", "root"}}},
		"the second header":        {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Other-User": {"jane"}}, want: true},
		"all about a user": {cert: cert(ca.Client(t, apitest.ProxyName)), want: true, header: http.Header{
			"X-Remote-User": {"jane"}, "X-Remote-Uid": {"7"}, "X-Remote-Group": {"a", "", "b"}, "X-Remote-Extra-A%2fb": {"x", "y"}, "X-Remote-Extra-": {"z"}, "X-Remote-Extrac": {"no"}}},
		"nobody":                  {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-User": {"system:anonymous"}}, want: true},
		"nobody by group":         {cert: cert(ca.Client(t, apitest.ProxyName)), header: http.Header{"X-Remote-User": {"x"}, "X-Remote-Group": {"system:unauthenticated"}}, want: true},
		"no header is configured": {cert: cert(ca.Client(t, apitest.ProxyName)), header: user, change: func(s *settings) { s.userHeaders = nil }},
	} {
		s := newSettings(ca.PEM)
		if c.change != nil {
			c.change(s)
		}
		p, library := newFrontProxy(s, time.Now), s.library()
		for range 2 {
			r, same := from(t, c.header.Clone(), c.cert), from(t, c.header.Clone(), c.cert)
			want, ok, _ := library.AuthenticateRequest(same)
			if got := p.sent(r); got != ok || got != c.want {
				t.Errorf("%s: is the proxy: %v, the library says %v, want %v", name, got, ok, c.want)
			}
			if !ok {
				continue
			}
			if !reflect.DeepEqual(r.Header, from(t, c.header.Clone(), c.cert).Header) {
				t.Errorf("%s: looking changed the headers to %v", name, r.Header)
			}
			got, _, err := p.headers.AuthenticateRequest(r)
			if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(r.Header, same.Header) {
				t.Errorf("%s: %+v with headers %v left (%v), want %+v with %v", name, got.User, r.Header, err, want.User, same.Header)
			}
		}
	}
}

// What was verified is believed only under the same CAs and names, and not for long.
func TestWhatTheProxyCacheForgets(t *testing.T) {
	t.Parallel()
	ca, other := apitest.NewAuthority(t), apitest.NewAuthority(t)
	soon := time.Now().Add(20 * time.Second)
	cert := ca.Client(t, apitest.ProxyName)
	brief := ca.Client(t, apitest.ProxyName, func(c *x509.Certificate) { c.NotAfter = soon })
	s := newSettings(ca.PEM)
	now := time.Now()
	p := newFrontProxy(s, func() time.Time { return now })
	sent := func(c *tls.Certificate) bool { return p.sent(from(t, http.Header{"X-Remote-User": {"jane"}}, c)) }
	check := func(what string, c *tls.Certificate, want bool, verified int) {
		t.Helper()
		s.verified = 0
		if got := sent(c); got != want || s.verified != verified {
			t.Errorf("%s: %v after %d verifications, want %v after %d", what, got, s.verified, want, verified)
		}
	}
	check("the first request", &cert, true, 1)
	check("the second", &cert, true, 0)
	s.names = []string{"another"}
	check("after its name was taken off the list", &cert, false, 0)
	s.names = []string{apitest.ProxyName}
	s.bundle = other.PEM
	check("after the CA was replaced", &cert, false, 1)
	s.bundle = other.PEM + ca.PEM
	check("after it came back beside another", &cert, true, 1)
	check("the next", &cert, true, 0)
	now = now.Add(proxyTTL - time.Second)
	check("before the time is up", &cert, true, 0)
	now = now.Add(2 * time.Second)
	check("after", &cert, true, 1)
	now = time.Now()
	check("one that expires soon", &brief, true, 1)
	now = soon.Add(-time.Second)
	check("just before", &brief, true, 0)
	now = soon.Add(time.Second)
	check("just after", &brief, false, 1)
}
