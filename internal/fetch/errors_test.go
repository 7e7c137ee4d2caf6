package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Each failure of a connection has words of its own, and none has those of the server, the host or the address.
func TestErrorsSayWhatHappenedInTheirOwnWords(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(conn, r.URL.Query().Get("say"))
			_ = conn.Close()
		}
	}))
	defer plain.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	trusting := &tls.Config{InsecureSkipVerify: true}
	for name, c := range map[string]struct {
		address string
		tls     *tls.Config
		want    string
	}{
		"nobody listens":       {"http://" + gone.Addr().String(), nil, "connection refused"},
		"no such name":         {"http://geheim.invalid", nil, "the host cannot be resolved"},
		"no such port":         {"http://127.0.0.1:99999", nil, "the address is no host and port"},
		"an unknown authority": {secure.URL, nil, "x509: certificate signed by unknown authority"},
		"another's name":       {strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}, "x509: the certificate is for another host"},
		"no TLS":               {strings.Replace(plain.URL, "http", "https", 1), trusting, "the server does not speak TLS"},
		"hangs up":             {plain.URL, nil, "the server closed the connection"},
		"another protocol":     {plain.URL + "?say=" + url.QueryEscape("geheim\r\n"), nil, "what the server sends is not of the protocol"},
		"a broken status":      {plain.URL + "?say=" + url.QueryEscape("HTTP/1.1 geheim\r\n"), nil, "what the server sends is not of the protocol"},
		"a broken header":      {plain.URL + "?say=" + url.QueryEscape("HTTP/1.1 200 OK\r\ngeheim\r\n\r\n"), nil, "what the server sends is not of the protocol"},
	} {
		transport := NewTransport(Options{TLS: c.tls})
		resp, err := (&http.Client{Transport: transport}).Get(c.address)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		failed, _ := errors.AsType[*Error](err)
		if failed == nil || !strings.HasPrefix(failed.Error(), c.want) || strings.Contains(failed.Error(), "geheim") || strings.Contains(failed.Error(), "127.0.0.1") {
			t.Errorf("%s: %v, want %s", name, failed, c.want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WithoutAnswer(ended.Err()); err.Error() != "context canceled" || !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func TestShapeRepeatsNothing(t *testing.T) {
	for header, want := range map[string]string{
		"text/html; charset=utf-8": "text/html of 5 bytes", "application/json": "application/json of 5 bytes", "": "an answer of no media type of 5 bytes",
		"geheim geheim": "an answer of no media type of 5 bytes", "\"geheim\"": "an answer of no media type of 5 bytes", strings.Repeat("x", 81): "an answer of no media type of 5 bytes",
	} {
		if got := Shape(&http.Response{Header: http.Header{"Content-Type": {header}}, ContentLength: 5}); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := Shape(&http.Response{ContentLength: -1}); got != "an answer of no media type of unknown size" {
		t.Error(got)
	}
}
