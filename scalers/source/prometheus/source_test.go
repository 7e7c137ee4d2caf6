package prometheus

import (
	"fmt"
	"io"
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
	return New(Config{Timeout: time.Second, MaxResponseBytes: 1 << 20, MaxConcurrent: 20})
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
			opened, err := newSource().Open(define(address, c.metadata))
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
	opened, err := newSource().Open(d)
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
	if opened.Metric != "prometheus" || opened.Target != 5 || opened.Activation != 2 || opened.Timeout != 1500*time.Millisecond {
		t.Errorf("opened %+v", opened)
	}
}

func TestBasicAuth(t *testing.T) {
	address, last := serve(t, 200, vector("1"))
	d := define(address, map[string]string{"authModes": "basic"})
	d.Auth = map[string]string{"username": "u", "password": "geheim"}
	opened, err := newSource().Open(d)
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
		"a password in the URL": {map[string]string{"serverAddress": "http://u:geheim@x"}, "trigger 0 (prometheus): serverAddress: must not hold credentials; put them in a TriggerAuthentication, with authModes: basic"},
		"unknown mode":          {map[string]string{"authModes": "tls"}, `trigger 0 (prometheus): authModes: "tls" is not supported; supported: basic, bearer, custom`},
		"no token":              {map[string]string{"authModes": "bearer"}, "trigger 0 (prometheus): authModes: bearer needs the parameter bearerToken in the trigger's authentication"},
		"a cloud's signature":   {map[string]string{"awsRegion": "eu-west-1"}, "awsRegion: unknown parameter"},
	} {
		_, err := newSource().Open(define("http://x:9090", c.metadata))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestClientsAreSharedAndLetGo(t *testing.T) {
	s := newSource()
	open := func(more map[string]string) trigger.Opened {
		opened, err := s.Open(define("http://x:9090", more))
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	a, b := open(map[string]string{"query": "a"}), open(map[string]string{"query": "b", "threshold": "9"})
	other := open(map[string]string{"customHeaders": "X-Scope-OrgID=a"})
	if len(s.clients) != 2 {
		t.Errorf("%d clients for two ways to reach a server", len(s.clients))
	}
	a.Close()
	other.Close()
	if len(s.clients) != 1 {
		t.Errorf("%d clients while one trigger is open", len(s.clients))
	}
	b.Close()
	if len(s.clients) != 0 {
		t.Errorf("%d clients are kept that nobody uses", len(s.clients))
	}
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
	opened, err := New(Config{Timeout: 5 * time.Second, MaxResponseBytes: 1 << 20, MaxConcurrent: readings}).Open(define(server.URL, nil))
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
