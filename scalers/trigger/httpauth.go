package trigger

import (
	"encoding/base64"
	"slices"

	"github.com/trimtab/trimtab/scalers/param"
)

// HTTPAuth is the authentication of a client over HTTP. Many of KEDA's types declare it with the same parameters.
type HTTPAuth struct {
	// Modes is authModes.
	Modes              []string
	username, password string
	token              string
	header, value      string
	// TLS also has the parameters of a client certificate.
	TLS TLS
}

// Table has the parameters of a.
func (a *HTTPAuth) Table() param.Table {
	return append(param.Table{
		{Name: "authModes", Aliases: []string{"authMode"}, From: param.Metadata + param.Auth, To: &a.Modes,
			OneOf: []string{"apiKey", "basic", "tls", "bearer", "custom"}, Exclusive: []string{"bearer", "basic"}, About: "how requests authenticate"},
		{Name: "username", From: param.Auth, To: &a.username, Secret: true, About: "user, for `basic`"},
		{Name: "password", From: param.Auth, To: &a.password, Secret: true, About: "password, for `basic`"},
		{Name: "bearerToken", Aliases: []string{"token"}, From: param.Auth, To: &a.token, Secret: true, About: "token, for `bearer`"},
		{Name: "customAuthHeader", From: param.Auth, To: &a.header, Secret: true, About: "name of a header, for `custom`"},
		{Name: "customAuthValue", From: param.Auth, To: &a.value, Secret: true, About: "value of that header"},
	}, a.TLS.Table()...)
}

// Check records the problems of a, and removes from TLS what is not used.
func (a *HTTPAuth) Check(p *param.Parsed) {
	for _, mode := range []struct {
		name, needs string
		missing     bool
	}{
		{"basic", "the parameter username", a.username == ""}, {"bearer", "the parameter bearerToken", a.token == ""},
		{"custom", "the parameters customAuthHeader and customAuthValue", a.header == "" || a.value == ""},
		{"tls", "the parameters cert and key", a.TLS.Cert == "" || a.TLS.Key == ""},
	} {
		if a.Has(mode.name) && mode.missing && p.AuthKnown() {
			p.Fail("authModes", "%s needs %s in the trigger's authentication", mode.name, mode.needs)
		}
	}
	if !a.Has("tls") && (len(a.Modes) == 0 || a.TLS.CA == "") { // as in KEDA; the key pair may be there for another trigger
		a.TLS.Cert, a.TLS.Key = "", ""
	}
	a.TLS.Check(p)
}

// Has says whether a mode is among Modes.
func (a *HTTPAuth) Has(mode string) bool { return slices.Contains(a.Modes, mode) }

// Headers are the headers of a request.
func (a *HTTPAuth) Headers() map[string]string {
	headers := map[string]string{}
	if a.Has("custom") && a.header != "" {
		headers[a.header] = a.value
	}
	if a.Has("basic") {
		headers["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(a.username+":"+a.password))
	}
	if a.Has("bearer") {
		headers["Authorization"] = "Bearer " + a.token
	}
	return headers
}
