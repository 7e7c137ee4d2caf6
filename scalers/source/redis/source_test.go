package redis

import (
	"maps"
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

func check(t *testing.T, s *Source, d trigger.Definition) trigger.Checked {
	t.Helper()
	checked, err := trigger.Check(d, s)
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

func open(t *testing.T, s *Source, d trigger.Definition) trigger.Opened {
	t.Helper()
	return check(t, s, d).Open()
}

func TestReadTheLengthByKind(t *testing.T) {
	f := newFake(t)
	s := New(trigger.Env{Timeout: time.Second})
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
	s := New(trigger.Env{Timeout: time.Second})
	if got, want := check(t, s, define(f, nil)).Metric, (trigger.Metric{Name: "redis-orders", Target: 5, Timeout: time.Second}); got != want {
		t.Errorf("checked %+v", got)
	}
	checked := check(t, s, define(f, map[string]string{"address": "", "host": host, "port": port, "databaseIndex": "7", "listLength": "9", "activationListLength": "-1"}))
	opened := checked.Open()
	defer opened.Close()
	if got, err := opened.Read(t.Context(), time.Time{}); err != nil || got.Value != 70 || checked.Target != 9 || checked.Activation != -1 {
		t.Errorf("read %+v, %v of %+v", got, err, checked)
	}
}

func TestCredentialsAreSentAndNotPrinted(t *testing.T) {
	f := newFake(t)
	f.password, f.keys["0 orders"] = "geheim", "list 3"
	s := New(trigger.Env{Timeout: time.Second})
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
	opened := open(t, New(trigger.Env{Timeout: 100 * time.Millisecond}), define(f, nil))
	if got, err := opened.Read(t.Context(), time.Time{}); err == nil || got != (trigger.Sample{}) {
		t.Errorf("a silent server: %+v, %v", got, err)
	}
	opened.Close()
	gone := open(t, New(trigger.Env{Timeout: 100 * time.Millisecond}), define(f, map[string]string{"address": "127.0.0.1:1"}))
	defer gone.Close()
	if got, err := gone.Read(t.Context(), time.Time{}); err == nil || got != (trigger.Sample{}) || !strings.Contains(err.Error(), `redis at 127.0.0.1:1, key "orders"`) {
		t.Errorf("a server that is away: %+v, %v", got, err)
	}
}

func TestConnectionsAreSharedAndClosed(t *testing.T) {
	f := newFake(t)
	s := New(trigger.Env{Timeout: time.Second})
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
	if n := len(s.clients.Clients()); n != 0 {
		t.Errorf("%d clients are kept that nobody uses", n)
	}
	if _, err := b.Read(t.Context(), time.Time{}); err != nil || len(s.clients.Clients()) != 0 {
		t.Errorf("who still has a closed trigger reads %v; %d clients are kept", err, len(s.clients.Clients()))
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
		"no such port":      {map[string]string{"address": "redis:99999"}, at + `address: redis:99999 does not end in a port: 1 to 65535`},
		"an empty port":     {map[string]string{"address": "redis:"}, at + `address: redis: does not end in a port: 1 to 65535`},
		"no host":           {map[string]string{"address": ":6379"}, at + `address: :6379 is not host:port; write it with a port, and without scheme, credentials and path`},
		"a port of letters": {map[string]string{"address": "", "host": "redis", "port": "abc"}, at + `port: abc is not a port: 1 to 65535`},
		"host alone":        {map[string]string{"address": "", "host": "redis"}, at + "port: is required beside host"},
		"length of zero":    {map[string]string{"listLength": "0"}, at + `listLength: "0" is not between 1 and 2147483647`},
		"length no number":  {map[string]string{"listLength": "5.5"}, at + `listLength: "5.5" is not a whole number`},
		"negative database": {map[string]string{"databaseIndex": "-1"}, at + `databaseIndex: "-1" is not between 0 and 2147483647`},
		"from environment":  {map[string]string{"passwordFromEnv": "REDIS_PASSWORD"}, at + `passwordFromEnv: would be read from the environment of the workload's container, which trimtab does not do; write password, or put it in a TriggerAuthentication with a secretTargetRef`},
		"a host from there": {map[string]string{"address": "", "hostFromEnv": "REDIS_HOST", "port": "1"}, at + `hostFromEnv: would be read from the environment of the workload's container, which trimtab does not do; write host, or put it in a TriggerAuthentication with a secretTargetRef`},
		"TLS twice":         {map[string]string{"enableTLS": "yes"}, at + `enableTLS: "yes" is not true or false`},
	} {
		_, err := trigger.Check(define(&fake{address: "redis:6379"}, c.metadata), New(trigger.Env{Timeout: time.Second}))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	for says, auth := range map[string]map[string]string{
		"tls: the value from the parameter tls of the trigger's authentication is not supported; supported: enable, disable": {"tls": "geheim"},
		"enableTLS: excludes the parameter tls of the trigger's authentication, as for KEDA; keep one of them":               {"tls": "disable"},
		"ca: the trigger's authentication holds no PEM certificate in ca":                                                    {"ca": "geheim"},
		"cert: the trigger's authentication holds no PEM pair in cert and key":                                               {"Cert": "geheim", "key": "geheim"},
		"address: the address from the parameter addresses of the trigger's authentication is not host:port":                 {"addresses": "geheim,b:1"},
		"keyPassword: is not supported; store the key without a password in the Secret":                                      {"keyPassword": "geheim"},
	} {
		d := define(&fake{address: "redis:6379"}, map[string]string{"enableTLS": "true"})
		if d.Auth = auth; auth["addresses"] != "" {
			delete(d.Metadata, "address")
		}
		if _, err := trigger.Check(d, New(trigger.Env{Timeout: time.Second})); err == nil || !strings.Contains(err.Error(), at+says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: got %v, want %s", auth, err, says)
		}
	}
}

// What KEDA takes is taken, and told where it is not what it seems.
func TestWhatKEDATakesIsTaken(t *testing.T) {
	f := newFake(t)
	f.keys["0 orders"], f.password = "list 3", "metadata"
	host, port, _ := strings.Cut(f.address, ":")
	for name, c := range map[string]struct {
		metadata, auth map[string]string
		warns          string
	}{
		"both":                         {map[string]string{"host": "elsewhere"}, nil, "host: host and port are ignored beside address, as by KEDA"},
		"several addresses":            {map[string]string{"address": "", "addresses": f.address + ", other:6379"}, nil, "address: has several; the first alone is read, as by KEDA"},
		"several hosts":                {map[string]string{"address": "", "hosts": host + ",b", "ports": port + ",2"}, nil, "host: has several; the first alone is read, as by KEDA"},
		"an unknown key":               {map[string]string{"listLenght": "5"}, nil, `listLenght: unknown parameter, ignored as by KEDA; did you mean "listLength"?`},
		"keys of a sentinel":           {map[string]string{"sentinelMaster": "m", "sentinelPasswordFromEnv": "P"}, nil, "sentinelPasswordFromEnv, sentinelMaster: is ignored, as by KEDA for this type"},
		"the metadata's before others": {nil, map[string]string{"password": "authentication"}, ""},
		"a pair without TLS":           {map[string]string{"enableTLS": "false"}, map[string]string{"cert": "x", "keyPassword": "y"}, ""},
	} {
		d := define(f, map[string]string{"password": "metadata"})
		maps.Copy(d.Metadata, c.metadata)
		d.Auth = c.auth
		checked := check(t, New(trigger.Env{Timeout: time.Second}), d)
		if got := strings.Join(checked.Warnings, "\n"); (got == "") != (c.warns == "") || !strings.HasPrefix(strings.TrimPrefix(got, "trigger 0 (redis): "), c.warns) {
			t.Errorf("%s: warns %q, want %q", name, got, c.warns)
		}
		opened := checked.Open()
		if got, err := opened.Read(t.Context(), time.Time{}); err != nil || got.Value != 3 {
			t.Errorf("%s: read %+v, %v", name, got, err)
		}
		opened.Close()
	}
}
