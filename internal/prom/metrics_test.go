package prom

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A server has series while a client has it. A request that ends after its client was closed leaves none, and a
// client without a registry never has any.
func TestTheSeriesOfAServerGoWithItsLastClient(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("query") == "slow" {
			close(begun)
			<-end
		}
		answer(200, oneRow)(w, r)
	}))
	defer server.Close()
	registry := prometheus.NewRegistry()
	client := func(path string, deps Deps) *Client {
		cfg := DefaultConfig()
		cfg.URL = server.URL + path
		c, err := NewClient(cfg, deps)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Query(t.Context(), "up", time.Now()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	series := func() int {
		n, err := testutil.GatherAndCount(registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one, two, other, none := client("/a", Deps{Registry: registry}), client("/a", Deps{Registry: registry}), client("/b", Deps{Registry: registry}), client("/c", Deps{})
	if n := series(); n != 4 {
		t.Errorf("%d series of two servers, want two of each", n)
	}
	one.Close()
	none.Close()
	if n := series(); n != 4 {
		t.Errorf("%d series while each server has a client, want 4", n)
	}
	other.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = two.Query(t.Context(), "slow", time.Now())
	}()
	<-begun
	two.Close()
	close(end)
	<-ended
	if n := series(); n != 0 {
		t.Errorf("%d series of servers that no client has", n)
	}
}
