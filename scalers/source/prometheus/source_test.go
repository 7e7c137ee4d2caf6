package prometheus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trimtab/trimtab/scalers/trigger"
)

// serve starts a server that gives the same data to every query, and remembers the last request.
func serve(t *testing.T, status int, data string) (address string, last *http.Request) {
	t.Helper()
	last = &http.Request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		*last = *r
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, data)
	}))
	t.Cleanup(server.Close)
	return server.URL, last
}

func vector(values ...string) string {
	var series []string
	for i, v := range values {
		series = append(series, fmt.Sprintf(`{"metric":{"pod":"p%d"},"value":[10,"%s"]}`, i, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
}

func newSource() *Source {
	return New(trigger.Env{Timeout: time.Second, MaxBytes: 1 << 20, MaxReadings: 20})
}

// opened checks and opens a trigger.
func opened(s *Source, d trigger.Definition) (trigger.Checked, trigger.Opened, error) {
	checked, err := trigger.Check(d, s)
	if err != nil {
		return checked, trigger.Opened{}, err
	}
	return checked, checked.Open(), nil
}

// define is a trigger with the three required parameters and more.
func define(address string, more map[string]string) trigger.Definition {
	d := trigger.Definition{Type: "prometheus", Metadata: map[string]string{"serverAddress": address, "query": "sum(x)", "threshold": "5"}}
	for k, v := range more {
		d.Metadata[k] = v
	}
	return d
}

func TestReadOneNumber(t *testing.T) {
	no := map[string]string{"ignoreNullValues": "false"}
	for name, c := range map[string]struct {
		status   int
		data     string
		metadata map[string]string
		want     trigger.Sample
		says     string
	}{
		"a number":                   {200, vector("12.5"), nil, trigger.Sample{Value: 12.5}, ""},
		"a scalar":                   {200, `{"status":"success","data":{"resultType":"scalar","result":[10,"3"]}}`, nil, trigger.Sample{Value: 3}, ""},
		"no series, allowed":         {200, vector(), nil, trigger.Sample{Empty: true}, ""},
		"no series, not allowed":     {200, vector(), no, trigger.Sample{}, "no series (ignoreNullValues is false)"},
		"no series of a partial one": {200, `{"status":"success","warnings":["store down"],"data":{"resultType":"vector","result":[]}}`, nil, trigger.Sample{}, `the server warns: "store down"`},
		"NaN":                        {200, vector("NaN"), nil, trigger.Sample{}, "the value is NaN"},
		"infinity":                   {200, vector("+Inf"), nil, trigger.Sample{}, "the value is +Inf"},
		"two series":                 {200, vector("1", "2"), nil, trigger.Sample{}, "several series, where one number is needed"},
		"a matrix":                   {200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, nil, trigger.Sample{}, "a matrix, where"},
		"a string":                   {200, `{"status":"success","data":{"resultType":"string","result":[10,"3"]}}`, nil, trigger.Sample{}, "a string, where"},
		"a histogram":                {200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[10,{"count":"1","sum":"1","buckets":[]}]}]}}`, nil, trigger.Sample{}, "a native histogram"},
		"the server is broken":       {500, "oops", nil, trigger.Sample{}, "HTTP 500"},
		"a login page":               {200, "<html>", nil, trigger.Sample{}, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, c.status, c.data)
			_, opened, err := opened(newSource(), define(address, c.metadata))
			if err != nil {
				t.Fatal(err)
			}
			got, err := opened.Read(t.Context(), time.Unix(7, 0))
			if got != c.want || (c.says == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "sum(x)")) {
				t.Errorf("got %+v, %v; want %+v, %q", got, err, c.want, c.says)
			}
		})
	}
}

func TestAllParametersReachTheServer(t *testing.T) {
	address, last := serve(t, 200, vector("1"))
	d := define(address+"/prefix", map[string]string{
		"activationThreshold": "2", "namespace": "team", "customHeaders": "X-Scope-OrgID=a, X-B=c=d", "queryParameters": "dedup=true",
		"timeout": "1500", "authModes": "bearer,custom",
	})
	d.Auth = map[string]string{"bearerToken": "t0ken", "customAuthHeader": "X-Key", "customAuthValue": "k", "other": "x"}
	checked, opened, err := opened(newSource(), d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Read(t.Context(), time.Unix(7, 0)); err != nil {
		t.Fatal(err)
	}
	h := last.Header
	got := fmt.Sprintln(last.URL.Path, last.Form.Encode(), h.Get("Authorization"), h.Get("X-Scope-Orgid"), h.Get("X-B"), h.Get("X-Key"))
	if want := "/prefix/api/v1/query dedup=true&namespace=team&query=sum%28x%29&time=7.000&timeout=1.5s Bearer t0ken a c=d k\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if want := (trigger.Metric{Name: "prometheus", Target: 5, Activation: 2, Timeout: 1500 * time.Millisecond}); checked.Metric != want || len(checked.Warnings) > 0 {
		t.Errorf("checked %+v", checked)
	}
}

func TestBasicAuth(t *testing.T) {
	address, last := serve(t, 200, vector("1"))
	d := define(address, map[string]string{"authModes": "basic"})
	d.Auth = map[string]string{"username": "u", "password": "geheim"}
	_, opened, err := opened(newSource(), d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Read(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if user, password, _ := last.BasicAuth(); user != "u" || password != "geheim" {
		t.Errorf("sent %q %q", user, password)
	}
}

func TestOpenRefusesMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		metadata map[string]string
		want     string
	}{
		"nothing is given":      {map[string]string{"serverAddress": "", "query": "", "threshold": ""}, "trigger 0 (prometheus): serverAddress: is required\ntrigger 0 (prometheus): query: is required\ntrigger 0 (prometheus): threshold: is required"},
		"no URL":                {map[string]string{"serverAddress": "localhost:9090"}, "trigger 0 (prometheus): serverAddress: must begin with http:// or https://"},
		"a password in the URL": {map[string]string{"serverAddress": "http://u:geheim@x"}, "trigger 0 (prometheus): serverAddress: must not hold credentials; put them in a TriggerAuthentication"},
		"a part behind #":       {map[string]string{"serverAddress": "http://x/#a"}, "trigger 0 (prometheus): serverAddress: must not have a part behind #, which no server sees"},
		"unknown mode":          {map[string]string{"authModes": "oauth"}, `trigger 0 (prometheus): authModes: "oauth" is not supported; supported: apiKey, basic, tls, bearer, custom`},
		"two modes":             {map[string]string{"authModes": "basic,bearer"}, "authModes: basic and bearer exclude each other; keep one of them"},
		"no certificate":        {map[string]string{"authModes": "tls"}, "authModes: tls needs the parameters cert and key in the trigger's authentication"},
		"no token":              {map[string]string{"authModes": "bearer"}, "trigger 0 (prometheus): authModes: bearer needs the parameter bearerToken in the trigger's authentication"},
		"a cloud's signature":   {map[string]string{"awsRegion": "eu-west-1"}, "awsRegion: is not supported: requests are not signed for AWS"},
		"Google's credentials":  {map[string]string{"credentialsFromEnv": "GOOGLE_JSON"}, "credentialsFromEnv: is not supported: requests get no token of Google Cloud"},
		"a file of them":        {map[string]string{"credentialsFromEnvFile": "GOOGLE_FILE"}, "credentialsFromEnvFile: is not supported: requests get no token of Google Cloud"},
	} {
		_, err := trigger.Check(define("http://x:9090", c.metadata), newSource())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// A parameter that KEDA ignores is a warning and no error.
func TestWhatKEDAIgnoresIsAWarning(t *testing.T) {
	for key, want := range map[string]string{
		"metricName":         "metricName: is ignored, as by KEDA since 2.12",
		"cortexOrgID":        "cortexOrgID: is ignored, as by KEDA since 2.15; write customHeaders: X-Scope-OrgID=TENANT",
		"keyParamName":       "keyParamName: is ignored, as by KEDA, which sends no API key to Prometheus",
		"disableScaleToZero": "disableScaleToZero: is ignored, as by KEDA, which never read it; write minReplicaCount: 1",
		"identityOwner":      "identityOwner: is ignored, as by KEDA without awsRegion",
		"treshold":           `treshold: unknown parameter, ignored as by KEDA; did you mean "threshold"?`,
	} {
		checked, err := trigger.Check(define("http://x:9090", map[string]string{key: "geheim"}), newSource())
		if got := strings.Join(checked.Warnings, "\n"); err != nil || !strings.HasPrefix(got, "trigger 0 (prometheus): "+want) {
			t.Errorf("%s: warns %s, %v", key, got, err)
		}
	}
}

// KEDA signs requests for AWS, and takes tokens of Google Cloud, only where requests authenticate in no other way.
func TestCredentialsOfACloud(t *testing.T) {
	for _, key := range []string{"awsRegion", "credentialsFromEnv", "credentialsFromEnvFile"} {
		d := define("http://x:9090", map[string]string{key: "x", "authModes": "bearer"})
		d.Auth = map[string]string{"token": "t0ken", "GoogleApplicationCredentials": "geheim"}
		checked, err := trigger.Check(d, newSource())
		if want := "trigger 0 (prometheus): " + key + ": is ignored beside authModes, as by KEDA"; err != nil || len(checked.Warnings) != 1 || checked.Warnings[0] != want {
			t.Errorf("%s: warns %q, %v", key, checked.Warnings, err)
		}
	}
	d := define("http://x:9090", nil)
	d.Auth = map[string]string{"GoogleApplicationCredentials": "geheim"}
	if _, err := trigger.Check(d, newSource()); err == nil || err.Error() != "trigger 0 (prometheus): GoogleApplicationCredentials: is not supported: requests get no token of Google Cloud" {
		t.Errorf("in the authentication: %v", err)
	}
}

// A time-out of 0 is that of the configuration, as for KEDA.
func TestTheTimeoutOfNothing(t *testing.T) {
	for value, want := range map[string]time.Duration{"0": time.Second, "0s": time.Second, " ": time.Second, "1": time.Millisecond} {
		checked, err := trigger.Check(define("http://x:9090", map[string]string{"timeout": value}), newSource())
		if err != nil || checked.Timeout != want {
			t.Errorf("%q is %s, %v", value, checked.Timeout, err)
		}
	}
}

// The authorities of the authentication are believed, and those of another trigger are not.
func TestAuthoritiesAndClientCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, vector(fmt.Sprint(len(r.TLS.PeerCertificates))))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	cert, key := clientPair(t)
	s := newSource()
	for _, c := range []struct {
		modes     string
		auth      map[string]string
		presented float64
		says      string
	}{
		{"", nil, 0, "unknown authority"},
		{"", map[string]string{"ca": authority}, 0, ""},
		{"custom", map[string]string{"ca": authority, "customAuthHeader": "X-A", "customAuthValue": "b"}, 0, ""},
		{"tls", map[string]string{"ca": authority, "cert": cert, "key": key}, 1, ""},
		{"", map[string]string{"ca": authority, "cert": cert, "key": key}, 0, ""},
		{"", nil, 0, "unknown authority"},
	} {
		d := define(server.URL, map[string]string{"authModes": c.modes})
		d.Auth = c.auth
		_, opened, err := opened(s, d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := opened.Read(t.Context(), time.Now())
		if got.Value != c.presented || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: read %+v, %v; want %v, %q", c.modes, got, err, c.presented, c.says)
		}
		opened.Close()
	}
	both, err := x509.SystemCertPool()
	if err != nil || !both.AppendCertsFromPEM([]byte(authority)) {
		t.Fatal(err)
	}
	if config, err := (trigger.TLS{CA: authority}).Config(""); err != nil || !config.RootCAs.Equal(both) {
		t.Errorf("the system's authorities are not believed beside those of the authentication, %v", err)
	}
	if open := s.transports.Clients(); len(open) != 0 {
		t.Errorf("%d transports are kept that nobody uses", len(open))
	}
	for param, auth := range map[string]map[string]string{"ca": {"ca": "geheim"}, "cert": {"cert": "geheim", "key": "geheim"}} {
		d := define(server.URL, map[string]string{"authModes": "tls"})
		if d.Auth = auth; param == "ca" {
			d.Metadata["authModes"] = ""
		}
		if _, err := trigger.Check(d, s); err == nil || !strings.Contains(err.Error(), "PEM") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", param, err)
		}
	}
}

// clientPair is a certificate that signs itself, and its key.
func clientPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey}))
}

// Clients are shared by what reaches a server in the same way from one namespace, and let go with the last trigger.
func TestClientsAreSharedAndLetGo(t *testing.T) {
	address, _ := serve(t, 200, vector("1"))
	s := newSource()
	open := func(namespace string, more map[string]string) trigger.Opened {
		d := define(address, more)
		d.Namespace = namespace
		_, opened, err := opened(s, d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opened.Read(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		return opened
	}
	want := func(clients, transports int) {
		t.Helper()
		if c, tr := len(s.clients.Clients()), len(s.transports.Clients()); c != clients || tr != transports {
			t.Errorf("%d clients with %d transports, want %d and %d", c, tr, clients, transports)
		}
	}
	a, b := open("x", map[string]string{"query": "a"}), open("x", map[string]string{"query": "b", "threshold": "9"})
	want(1, 1)
	other := open("x", map[string]string{"customHeaders": "X-Scope-OrgID=a"})
	joined := open("x", map[string]string{"customHeaders": "X-A=a, X-B=c"})
	mixed := open("x", map[string]string{"customHeaders": "X-A=a X-B:c"})
	elsewhere, insecure := open("y", nil), open("x", map[string]string{"unsafeSsl": "true"})
	want(6, 2)
	for _, opened := range []trigger.Opened{a, other, joined, mixed, elsewhere, insecure} {
		opened.Close()
	}
	want(1, 1)
	b.Close()
	want(0, 0)
}

// Readings are bounded by the namespace's share of maxReadings, and by nothing narrower: slow answers to many triggers
// of one server do not run into each other's time-outs.
func TestReadingsOfOneServerAreNotBoundedHere(t *testing.T) {
	const readings = 66
	var arrived atomic.Int32
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1) == readings {
			close(all)
		}
		select {
		case <-all:
			_, _ = io.WriteString(w, vector("1"))
		case <-time.After(5 * time.Second): // fewer may ask at the same time
		}
	}))
	defer server.Close()
	_, opened, err := opened(New(trigger.Env{Timeout: 5 * time.Second, MaxBytes: 1 << 20, MaxReadings: readings}), define(server.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for range readings {
		done.Go(func() {
			if _, err := opened.Read(t.Context(), time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}
