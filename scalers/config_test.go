package scalers

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/config"
)

func TestConfigRefusesMistakes(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"pollingInterval: 100ms":    "f: pollingInterval: 100ms is below 1s",
		"maxReconciles: 0":          "f: maxReconciles: 0 is not between 1 and 10000",
		"metricMaxAge: 0s":          "f: metricMaxAge: 0s is below 1ms",
		"pollingIntervall: 30s":     `f:1: pollingIntervall: unknown key; did you mean "pollingInterval"?`,
		"minPollingInterval: 1m":    "f: pollingInterval: 30s by default is below minPollingInterval, 1m0s; lower that, or raise this",
		"maxTriggerTimeout: 1s":     "f: httpDefaultTimeout: 3s by default is above maxTriggerTimeout, 1s; raise that, or lower this",
		"maxTriggerTimeout: 0s":     "f: maxTriggerTimeout: 0s is below 1ms\nf: httpDefaultTimeout: 3s by default is above maxTriggerTimeout, 0s; raise that, or lower this",
		"maxReadings: 0":            "f: maxReadings: 0 is not between 1 and 100000",
		"maxTriggers: 0":            "f: maxTriggers: 0 is not between 1 and 100000",
		"maxTriggerParameters: 0":   "f: maxTriggerParameters: 0 is not between 1 and 100000",
		"maxTriggerBytes: -1":       "f: maxTriggerBytes: -1 is not between 1 and 16777216",
		"authRefreshInterval: 10ms": "f: authRefreshInterval: 10ms is below 1s",
		"httpDefaultTimeout: 0s":    "f: httpDefaultTimeout: 0s is below 1ms",
		"sources: {allowedHosts: [prometheus.monitoring.svc, '*.example.com', 10.0.0.1], allowedSchemes: [https, rediss]}": "",
		"sources: {allowedNetworks: [127.0.0.0/8, '::1', fd00:1::/32], refusedNetworks: [0.0.0.0/0]}":                      "",
		"sources: {allowedHosts: ['http://x', '*', 'a.*.b', X.example, 'a b', '', 'x:9090', bücher.example]}": `f: sources.allowedHosts[0]: "http://x" is not a host name: write it without scheme, port and path
f: sources.allowedHosts[1]: "*" has a * that is not followed by a dot at its begin; write *.example.com for all names below example.com
f: sources.allowedHosts[2]: "a.*.b" has a * that is not followed by a dot at its begin; write *.example.com for all names below example.com
f: sources.allowedHosts[3]: "X.example" must be in small letters and ASCII (xn--...), as names are compared
f: sources.allowedHosts[4]: "a b" is not a host name
f: sources.allowedHosts[5]: "" is not a host name
f: sources.allowedHosts[6]: "x:9090" is not a host name: write it without scheme, port and path
f: sources.allowedHosts[7]: "bücher.example" must be in small letters and ASCII (xn--...), as names are compared`,
		"sources: {allowedSchemes: [ftp], allowedNetworks: [localhost], refusedNetworks: [10.0.0.0/33], maxResponseBytes: 10}": `f: sources.allowedSchemes[0]: "ftp" is not one of amqp, amqps, grpc, grpcs, http, https, kafka, kafkas, redis, rediss
f: sources.allowedNetworks[0]: "localhost" is not a network such as 10.1.0.0/16 or fd00:1::/32, nor an IP address
f: sources.refusedNetworks[0]: "10.0.0.0/33" is not a network such as 10.1.0.0/16 or fd00:1::/32, nor an IP address
f: sources.maxResponseBytes: 10 is not between 1024 and 1073741824`,
		"sources: {allowedHost: []}": `f:1: sources.allowedHost: unknown key; did you mean "allowedHosts"?`,
		"httpDefaultTimeout: 3000":   `f:1: httpDefaultTimeout: "3000" is not a duration; write a number with its unit, as in 30s, 10m or 1h30m`,
	} {
		var c Config
		c.SetDefaults()
		got := ""
		if err := config.Decode("f", []byte(in), &c); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestCheckManifest(t *testing.T) {
	const good = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: prometheus, metadata: {serverAddress: http://p:9090, query: x, threshold: "5", authModes: bearer}, authenticationRef: {name: a}}
  - {type: redis, metadata: {listName: orders}, authenticationRef: {name: a}}
  - {type: cpu, metricType: AverageValue, metadata: {value: 500m}}
`
	for name, c := range map[string]struct{ from, to, want string }{
		"good":          {"", "", ""},
		"two at once":   {`threshold: "5"`, `threshold: "x", timeout: "5x"`, "f: trigger 0 (prometheus): threshold: \"x\" is not a number\nf: trigger 0 (prometheus): timeout: \"5x\" is not a duration"},
		"no address":    {"{listName: orders}, authenticationRef: {name: a}", "{listName: orders}", "f: trigger 1 (redis): address: is required (or host and port)"},
		"spec and type": {"type: redis", "type: kafka", `f: trigger 1 (kafka): type: "kafka" is not supported; docs/scalers has a page for each supported type`},
		"bounds":        {"triggers:", "minReplicaCount: 101\n  triggers:", "f: spec.minReplicaCount: 101 is above maxReplicaCount, 100 by default"},
		"unknown field": {"triggers:", "minReplicas: 1\n  triggers:", `f: spec.minReplicas: unknown field; did you mean "minReplicaCount"?`},
		"unquoted":      {"500m", "1", `f: spec.triggers[2].metadata.value: a number is not a string; put it in quotes`},
		"bad quantity":  {"500m", `"-1"`, `f: trigger 2 (cpu): value: "-1" is not a quantity above zero`},
		"cluster's authentication": {"authenticationRef: {name: a}}\n  - {type: redis", "authenticationRef: {name: a, kind: ClusterTriggerAuthentication}}\n  - {type: redis",
			`f: trigger 0 (prometheus): authenticationRef.kind: "ClusterTriggerAuthentication" is not supported`},
		"nameless authentication": {"{listName: orders}, authenticationRef: {name: a}", "{listName: orders}, authenticationRef: {name: ''}",
			`f: trigger 1 (redis): authenticationRef.name: is required`},
		"not even a map": {"metadata: {name: web}", "metadata: []", "f: metadata: a list is not a mapping"},
	} {
		_, err := CheckManifest("f", "ScaledObject", []byte(strings.Replace(good, c.from, c.to, 1)), nil)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// What the section sources forbids, a check of an object refuses as the running part does: by the text of the address.
func TestCheckManifestKeepsToTheSources(t *testing.T) {
	const object = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://ADDRESS:9090", query: x, threshold: "5"}}
`
	const prefix = "f: trigger 0 (prometheus): serverAddress: "
	for _, c := range []struct{ address, section, want string }{
		{"prometheus.monitoring.svc", "", ""},
		{"10.1.2.3", "", ""},
		{"127.0.0.1", "", prefix + "the address lies in 127.0.0.0/8 (loopback), which is refused unless scalers.sources.allowedNetworks has it"},
		{"127.0.0.1", "allowedNetworks: [127.0.0.0/8]", ""},
		{"LocalHost", "", prefix + "the address lies in 127.0.0.0/8 (loopback), which is refused unless scalers.sources.allowedNetworks has it"},
		{"localhost", "allowedNetworks: [127.0.0.1]", ""},
		{"localhost", "allowedNetworks: ['::1']", ""},
		{"LocalHost.", "allowedNetworks: [127.0.0.0/8]", ""},
		{"localhost.example.com", "", ""},
		{"169.254.169.254", "", prefix + "the address lies in 169.254.0.0/16 (link-local, where clouds serve metadata and credentials), which is refused unless scalers.sources.allowedNetworks has it"},
		{"10.1.2.3", "refusedNetworks: [10.0.0.0/8]", prefix + "the address lies in a network of scalers.sources.refusedNetworks"},
		{"10.1.2.3", "{refusedNetworks: [0.0.0.0/0], allowedNetworks: [10.1.2.3]}", ""},
		{"other.example.com", "allowedHosts: ['*.example.com']", ""},
		{"OTHER.Example.com.", "allowedHosts: ['*.example.com']", ""},
		{"example.com", "allowedHosts: ['*.example.com']", prefix + "the host is not one of scalers.sources.allowedHosts"},
		{"badexample.com", "allowedHosts: ['*.example.com']", prefix + "the host is not one of scalers.sources.allowedHosts"},
		{"other.example.com", "allowedSchemes: [https]", prefix + "the scheme is not one of scalers.sources.allowedSchemes: https"},
	} {
		var cfg Config
		cfg.SetDefaults()
		if err := config.Decode("c", []byte("sources: "+strings.Replace("{"+strings.Trim(c.section, "{}")+"}", "{}", "", 1)), &cfg); err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := CheckManifest("f", "ScaledObject", []byte(strings.Replace(object, "ADDRESS", c.address, 1)), &cfg); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s with %q: got %s, want %s", c.address, c.section, got, c.want)
		}
	}
}
