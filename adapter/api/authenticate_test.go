package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"

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

func (s *settings) Name() string                             { return "settings" }
func (s *settings) AddListener(dynamiccertificates.Listener) {}
func (s *settings) CurrentCABundleContent() []byte           { return []byte(s.bundle) }
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

func (s *settings) config() *authenticatorfactory.RequestHeaderConfig {
	get := func(f func() []string) headerrequest.StringSliceProvider {
		return headerrequest.StringSliceProviderFunc(f)
	}
	return &authenticatorfactory.RequestHeaderConfig{
		CAContentProvider: s, AllowedClientNames: get(s.AllowedClientNames), UsernameHeaders: get(s.UsernameHeaders),
		UIDHeaders: get(s.UIDHeaders), GroupHeaders: get(s.GroupHeaders), ExtraHeaderPrefixes: get(s.ExtraHeaderPrefixes),
	}
}

// library is the library's own authenticator of front proxies.
func (s *settings) library() authenticator.Request {
	all, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{RequestHeaderConfig: s.config()}.New()
	if err != nil {
		panic(err)
	}
	return all
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

// recorder allows all, and remembers who asked.
type recorder struct {
	authorizer.Authorizer
	who user.Info
}

// Authorize implements authorizer.Authorizer.
func (r *recorder) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	r.who = a.GetUser()
	return authorizer.DecisionAllow, "", nil
}

// fast answers only clients that the library recognises, with the library's user. It leaves all others to the library.
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
		who := &recorder{}
		p := newPair(t)
		p.fast.authenticator, p.fast.authorizer = newFrontProxy(s.config(), s.library(), time.Now), who
		want, ok, _ := s.library().AuthenticateRequest(from(t, c.header.Clone(), c.cert))
		for range 2 { // the second time from memory, where it is the proxy
			if answered := !p.leaves(from(t, c.header.Clone(), c.cert)); answered != ok || answered != c.want {
				t.Errorf("%s: answered: %t, the library knows who it is: %t, want %t", name, answered, ok, c.want)
			}
			if ok && !reflect.DeepEqual(who.who, want.User) {
				t.Errorf("%s: taken for %+v, want %+v", name, who.who, want.User)
			}
			who.who = nil
		}
	}
}

// A certificate that was good is not verified again for a while, but only under the same CAs and names.
func TestHowLongTheFrontProxyIsBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca, other := apitest.NewAuthority(t), apitest.NewAuthority(t)
		cert := ca.Client(t, apitest.ProxyName)
		brief := ca.Client(t, apitest.ProxyName, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(15 * time.Second) })
		s := newSettings(ca.PEM)
		p := newPair(t)
		p.fast.authenticator, p.fast.authorizer = newFrontProxy(s.config(), s.library(), time.Now), &recorder{}
		check := func(what string, cert tls.Certificate, want bool, verified int) {
			t.Helper()
			s.verified = 0
			if got := !p.leaves(from(t, http.Header{"X-Remote-User": {"jane"}}, &cert)); got != want || s.verified != verified {
				t.Errorf("%s: answered: %t after %d verifications, want %t after %d", what, got, s.verified, want, verified)
			}
		}
		check("the first request", cert, true, 1)
		check("the second", cert, true, 0)
		s.names = []string{"another"}
		check("after its name was taken off the list", cert, false, 2) // by the proxy's authenticator, and by the whole
		s.names = []string{apitest.ProxyName}
		check("after it came back", cert, true, 0)
		s.bundle = other.PEM
		check("after the CA was replaced", cert, false, 2)
		s.bundle = other.PEM + ca.PEM
		check("after it came back beside another", cert, true, 1)
		check("the next", cert, true, 0)
		if !p.leaves(from(t, http.Header{"X-Remote-Group": {"system:masters"}}, &cert)) {
			t.Error("a group without a user is answered")
		}
		time.Sleep(proxyTTL - 1)
		check("before the time is up", cert, true, 0)
		check("one that expires in 5 s", brief, true, 1)
		time.Sleep(time.Nanosecond)
		check("after it", cert, true, 1)
		time.Sleep(proxyTTL - 1)
		check("it has expired, and is refused by the end of its time", brief, false, 2)
	})
}
