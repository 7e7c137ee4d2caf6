package delegate

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// section is how the parent holds delegates.
type section struct {
	Delegates []Config `yaml:"delegates"`
}

func TestConfigRefusesMistakes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{}":                                                            "name: is missing; messages call the delegate by it\nservice: is missing: give service (namespace, name) or url",
		"{name: a, url: '%'}":                                           "url: is not a URL",
		"{name: a, url: 'http://x'}":                                    "url: must begin with https://: metrics servers speak nothing else, and a token is sent",
		"{name: a, url: 'https://:443'}":                                "url: names no host",
		"{name: a, url: 'https://u:geheim@x'}":                          "url: must not hold credentials; use bearerTokenFile",
		"{name: a, url: 'https://x?a=b'}":                               "url: must end with its path: without ? and #",
		"{name: a, url: 'https://x', apis: []}":                         "apis: is empty; name custom, external or both, or leave it out",
		"{name: a, url: 'https://x', apis: [custom, resource]}":         `apis[1]: "resource" is no API that can be passed on; known are custom and external`,
		"{name: a, url: 'https://x', timeout: 0s}":                      "timeout: 0s is not above zero: a request without a limit can hang for ever",
		"{name: a, url: 'https://x', service: {namespace: n, name: s}}": "url: excludes service; keep one of them",
		"{name: a, service: {name: s}}":                                 "service.namespace: is missing",
		"{name: a, service: {namespace: n, name: s/.., port: 70000}}":   "service.name: \"s/..\" is no name of a Service\nservice.port: 70000 is not a port: 1 to 65535",
		"{name: a, url: 'https://x', tls: {insecureSkipVerify: true}}":  "tls.insecureSkipVerify: would hand trimtab's own token to whoever answers; set tls.caFile instead, or bearerTokenFile to the token of an account that may only read metrics",
		"{name: a, url: 'https://x', bearerTokenFile: t, tls: {caFile: c, insecureSkipVerify: true}}": "tls.caFile: has no effect with insecureSkipVerify; keep one of them",
	} {
		var s section
		err := config.Decode("f", []byte("delegates:\n- "+in), &s)
		want = "f: delegates[0]." + strings.ReplaceAll(want, "\n", "\nf: delegates[0].")
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", in, err, want)
		}
		if len(s.Delegates) == 1 {
			if _, err := New(s.Delegates[0]); err == nil {
				t.Errorf("%s: New takes it", in)
			}
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	var s section
	if err := config.Decode("f", []byte("delegates: [{name: keda, service: {namespace: keda, name: keda-operator-metrics-apiserver}}]"), &s); err != nil {
		t.Fatal(err)
	}
	d, err := newDelegate(s.Delegates[0], "")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.base.String(); got != "https://keda-operator-metrics-apiserver.keda.svc:443" || d.cfg.Timeout.Std() != 10*time.Second || !d.Serves(CustomAPI) || !d.Serves(ExternalAPI) {
		t.Errorf("asks %s within %s for %v", got, d.cfg.Timeout, d.cfg.APIs)
	}
	missing := s.Delegates[0]
	missing.TLS.CAFile = "/nowhere/ca.crt"
	if _, err := New(missing); err == nil || !strings.Contains(err.Error(), "/nowhere/ca.crt") {
		t.Errorf("a CA file that is not there: %v", err)
	}
}
