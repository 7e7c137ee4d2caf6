package prom

import (
	"io"
	"net/http"
	"net/url"
	"testing"
)

func TestEndpointRequest(t *testing.T) {
	t.Parallel()
	form := url.Values{"query": {`a{b="c d"}`}}
	for _, c := range []struct{ address, verb, name, url, body string }{
		{"http://h:1", "POST", "http://h:1", "http://h:1/api/v1/query", "query=a%7Bb%3D%22c+d%22%7D"},
		{"http://h:1/", "GET", "http://h:1", "http://h:1/api/v1/query?query=a%7Bb%3D%22c+d%22%7D", ""},
		{"https://h?dedup=true", "POST", "https://h", "https://h/api/v1/query?dedup=true", "query=a%7Bb%3D%22c+d%22%7D"},
		{"https://h/select/0/prometheus/?a=1&b=%2F", "GET", "https://h/select/0/prometheus", "https://h/select/0/prometheus/api/v1/query?a=1&b=%2F&query=a%7Bb%3D%22c+d%22%7D", ""},
		{"https://[::1]:9090/%2Fp", "POST", "https://[::1]:9090/%2Fp", "https://[::1]:9090/%2Fp/api/v1/query", "query=a%7Bb%3D%22c+d%22%7D"},
	} {
		e, err := newEndpoint(c.address, 1)
		if err != nil {
			t.Fatal(err)
		}
		req, err := e.request(t.Context(), c.verb, "/api/v1/query", form)
		if err != nil {
			t.Fatal(err)
		}
		body := []byte{}
		if c.verb == http.MethodPost {
			if body, err = io.ReadAll(req.Body); err != nil {
				t.Fatal(err)
			}
		}
		if e.name != c.name || req.Method != c.verb || req.URL.String() != c.url || string(body) != c.body {
			t.Errorf("%s: %s: %s %s %s", c.address, e.name, req.Method, req.URL, body)
		}
	}
}
