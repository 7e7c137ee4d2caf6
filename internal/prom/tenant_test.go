package prom

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTenant(t *testing.T) {
	t.Parallel()
	var got []string
	handle := func(w http.ResponseWriter, r *http.Request) {
		values, sent := r.Header["X-Scope-Orgid"]
		got = append(got, fmt.Sprint(sent, values))
		answer(200, oneRow)(w, r)
	}
	from := serve(t, handle, func(cfg *Config) {
		cfg.Tenant = &Tenant{Header: "X-Scope-OrgID", FromNamespace: true, Value: "team-a|team-b"}
	})
	fixed := serve(t, handle, func(cfg *Config) { cfg.Tenant = &Tenant{Header: "x-scope-orgid", Value: "all"} })
	none := serve(t, handle, nil)
	bare := serve(t, handle, func(cfg *Config) { cfg.Tenant = &Tenant{Header: "X-Scope-OrgID", FromNamespace: true} })
	for i, c := range []struct {
		client *Client
		want   string
		tenant string
	}{
		{from, "true [team-a|team-b]", from.Tenant("")},
		{from.ForNamespace("prod-1"), "true [prod-1]", from.Tenant("prod-1")},
		{from.ForNamespace("prod-1").ForNamespace(""), "true [team-a|team-b]", from.Tenant("")},
		{fixed.ForNamespace("prod"), "true [all]", fixed.Tenant("prod")},
		{none.ForNamespace("prod"), "false []", none.Tenant("prod")},
		{bare, "false []", bare.Tenant("")},
	} {
		if _, err := c.client.Query(t.Context(), "up", time.Now()); err != nil {
			t.Fatal(err)
		}
		if got[i] != c.want || c.tenant != strings.Trim(strings.TrimPrefix(strings.TrimPrefix(c.want, "true "), "false "), "[]") {
			t.Errorf("case %d: sent %s, tenant %q, want %s", i, got[i], c.tenant, c.want)
		}
	}
	if fixed.ForNamespace("a") != fixed || none.ForNamespace("b") != none {
		t.Error("a client that takes nothing from the namespace makes others")
	}
	sent := len(got)
	for _, namespace := range []string{"a\r\nX-Evil: 1", "team-a|team-b", "..", "A", "a/b", "-a", "é", strings.Repeat("a", 64)} {
		_, err := from.ForNamespace(namespace).Query(t.Context(), "up", time.Now())
		if from.Tenant(namespace) == namespace {
			t.Errorf("%q is a tenant", namespace)
		}
		if kind, _ := KindOf(err); kind != BadQuery || !strings.Contains(err.Error(), "cannot be the tenant") || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%q: got %v", namespace, err)
		}
	}
	if len(got) != sent {
		t.Error("a namespace that is refused was sent")
	}
}

func BenchmarkForNamespace(b *testing.B) {
	c := &Client{core: &core{tenant: &Tenant{FromNamespace: true}}}
	b.ReportAllocs()
	for b.Loop() {
		c.ForNamespace("production").Tenant("production")
	}
}

// What the URL holds besides the address is sent, and never printed.
func TestParametersOfTheURL(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{http.MethodPost, http.MethodGet} {
		var got url.Values
		status := 200
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got = r.Form
			answer(status, oneRow)(w, r)
		}, func(cfg *Config) {
			cfg.URL += "/?dedup=true&token=geheim&timeout=3s"
			cfg.Verb = verb
		})
		if _, err := c.Query(t.Context(), "a+b", time.UnixMilli(1500)); err != nil {
			t.Fatal(err)
		}
		if want := "dedup=true&query=a%2Bb&time=1.500&timeout=3s&token=geheim"; got.Encode() != want {
			t.Errorf("%s: sent %s, want %s", verb, got.Encode(), want)
		}
		status = 500
		_, err := c.Query(t.Context(), "up", time.Now())
		c.core.fleet.endpoints[0].base.Host = "127.0.0.1:1"
		_, err2 := c.Query(t.Context(), "up", time.Now())
		if text := fmt.Sprint(c.Server(), err, err2); strings.Contains(text, "geheim") || !strings.Contains(text, "connection refused") {
			t.Errorf("%s: printed %s", verb, text)
		}
	}
}
