package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/scalers/trigger"
)

func define(f *fake, more map[string]string) trigger.Definition {
	d := trigger.Definition{Type: "redis", Metadata: map[string]string{"address": f.address, "listName": "orders"}}
	for k, v := range more {
		d.Metadata[k] = v
	}
	return d
}

func open(t *testing.T, s *Source, d trigger.Definition) trigger.Opened {
	t.Helper()
	opened, err := s.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestReadTheLengthByKind(t *testing.T) {
	f := newFake(t)
	s := New(Config{Timeout: time.Second})
	for name, c := range map[string]struct {
		key  string
		want float64
		asks string
		says string
	}{
		"a list":        {"list 3", 3, "type orders; llen orders", ""},
		"an empty list": {"", 0, "type orders; llen orders", ""},
		"a set":         {"set 4", 4, "type orders; scard orders", ""},
		"a sorted set":  {"zset 5", 5, "type orders; zcard orders", ""},
		"a hash":        {"hash 6", 6, "type orders; hlen orders", ""},
		"a string":      {"string 7", 0, "type orders", "holds a string; a list, set, sorted set or hash is expected"},
		"a stream":      {"stream 7", 0, "type orders", "holds a stream"},
	} {
		t.Run(name, func(t *testing.T) {
			f.keys["0 orders"], f.commands = c.key, nil
			opened := open(t, s, define(f, nil))
			defer opened.Close()
			got, err := opened.Read(t.Context(), time.Time{})
			if got.Value != c.want || got.Empty || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %+v, %v; want %v, %q", got, err, c.want, c.says)
			}
			if asked := strings.Join(f.commands, "; "); asked != c.asks {
				t.Errorf("asked %s, want %s", asked, c.asks)
			}
		})
	}
}

func TestDefaultsAndDatabase(t *testing.T) {
	f := newFake(t)
	f.keys["0 orders"], f.keys["7 orders"] = "list 1", "list 70"
	host, port, _ := strings.Cut(f.address, ":")
	s := New(Config{Timeout: time.Second})
	opened := open(t, s, define(f, nil))
	defer opened.Close()
	if opened.Metric != "redis-orders" || opened.Target != 5 || opened.Activation != 0 || opened.Timeout != time.Second {
		t.Errorf("opened %+v", opened)
	}
	opened = open(t, s, define(f, map[string]string{"address": "", "host": host, "port": port, "databaseIndex": "7", "listLength": "9", "activationListLength": "2"}))
	defer opened.Close()
	if got, err := opened.Read(t.Context(), time.Time{}); err != nil || got.Value != 70 || opened.Target != 9 || opened.Activation != 2 {
		t.Errorf("read %+v, %v of %+v", got, err, opened)
	}
}

func TestCredentialsAreSentAndNotPrinted(t *testing.T) {
	f := newFake(t)
	f.password, f.keys["0 orders"] = "geheim", "list 3"
	s := New(Config{Timeout: time.Second})
	read := func(password string) (trigger.Sample, error) {
		d := define(f, nil)
		d.Auth = map[string]string{"username": "u", "password": password}
		opened := open(t, s, d)
		defer opened.Close()
		return opened.Read(t.Context(), time.Time{})
	}
	if got, err := read("geheim\n"); err != nil || got.Value != 3 {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := read("falsch"); err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "falsch") {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := read(""); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("no password: %v", err)
	}
}

// A server that is away or says nothing is an error within the time-out, never a zero.
func TestFailuresAreErrors(t *testing.T) {
	f := newFake(t)
	f.silent = true
	opened := open(t, New(Config{Timeout: 100 * time.Millisecond}), define(f, nil))
	if got, err := opened.Read(t.Context(), time.Time{}); err == nil || got != (trigger.Sample{}) {
		t.Errorf("a silent server: %+v, %v", got, err)
	}
	opened.Close()
	gone := open(t, New(Config{Timeout: 100 * time.Millisecond}), define(f, map[string]string{"address": "127.0.0.1:1"}))
	defer gone.Close()
	if got, err := gone.Read(t.Context(), time.Time{}); err == nil || got != (trigger.Sample{}) || !strings.Contains(err.Error(), `redis at 127.0.0.1:1, key "orders"`) {
		t.Errorf("a server that is away: %+v, %v", got, err)
	}
}

func TestConnectionsAreSharedAndClosed(t *testing.T) {
	f := newFake(t)
	s := New(Config{Timeout: time.Second})
	a, b := open(t, s, define(f, nil)), open(t, s, define(f, map[string]string{"listName": "other"}))
	for _, opened := range []trigger.Opened{a, b, a, b} {
		if _, err := opened.Read(t.Context(), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.open(); n != 1 {
		t.Errorf("%d connections for two triggers in turn, want 1", n)
	}
	a.Close()
	if _, err := b.Read(t.Context(), time.Time{}); err != nil {
		t.Errorf("the pool was closed while it was in use: %v", err)
	}
	b.Close()
	if len(s.pools.pools) != 0 {
		t.Error("a pool is kept that nobody uses")
	}
	if _, err := b.Read(t.Context(), time.Time{}); err == nil {
		t.Error("the pool was not closed")
	}
}

func TestOpenRefusesMistakes(t *testing.T) {
	const at = "trigger 0 (redis): "
	for name, c := range map[string]struct {
		metadata map[string]string
		want     string
	}{
		"nothing is given":  {map[string]string{"address": "", "listName": " "}, at + "listName: is required\n" + at + "address: is required (or host and port)"},
		"no port":           {map[string]string{"address": "redis"}, at + `address: redis is not host:port; write it with a port, and without scheme, credentials and path`},
		"host alone":        {map[string]string{"address": "", "host": "redis"}, at + "port: is required beside host"},
		"both":              {map[string]string{"host": "redis"}, at + "address: excludes host and port; keep address, or the two"},
		"length of zero":    {map[string]string{"listLength": "0"}, at + `listLength: "0" is not between 1 and 2147483647`},
		"length no number":  {map[string]string{"listLength": "5.5"}, at + `listLength: "5.5" is not a whole number`},
		"negative database": {map[string]string{"databaseIndex": "-1"}, at + `databaseIndex: "-1" is not between 0 and 2147483647`},
		"from environment":  {map[string]string{"passwordFromEnv": "REDIS_PASSWORD"}, at + `passwordFromEnv: would be read from the environment of the workload's container, which trimtab does not do; write password, or put it in a TriggerAuthentication with a secretTargetRef`},
		"a typing error":    {map[string]string{"listLenght": "5"}, at + `listLenght: unknown parameter; known here: listName, listLength, `},
	} {
		_, err := New(Config{Timeout: time.Second}).Open(define(&fake{address: "redis:6379"}, c.metadata))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	d := define(&fake{address: "redis:6379"}, map[string]string{"enableTLS": "true"})
	d.Auth = map[string]string{"tls": "maybe", "ca": "geheim"}
	if _, err := New(Config{Timeout: time.Second}).Open(d); err == nil || !strings.Contains(err.Error(), "neither enable nor disable") ||
		!strings.Contains(err.Error(), "holds no PEM certificate") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("bad TLS: %v", err)
	}
}
