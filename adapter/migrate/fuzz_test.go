package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/migration/migrationtest"
)

// FuzzManifests: whatever stands in a manifest, it is refused with a message or becomes YAML.
func FuzzManifests(f *testing.F) {
	f.Add("kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: prometheus-adapter, args: [--config=/c/r]," +
		" volumeMounts: [{name: v, mountPath: /c}]}], volumes: [{name: v, configMap: {name: r}}]}\n---\n" +
		"kind: ConfigMap\nmetadata: {name: r}\ndata: {r: \"# a\\nrules: [] # b\\nexternalRules:\\n- &x {seriesQuery: y}\\n- *x\"}\n")
	f.Add("kind: List\nitems: [&a {kind: Pod, metadata: {name: a}, spec: {containers: [{command: [adapter, '--prometheus-url=$(X)', -v], env: [{name: X, value: $(X)}]}]}}, *a]")
	f.Fuzz(func(t *testing.T, manifests string) {
		in, err := Program(Options{}).FromManifests([]migration.Source{{Name: "f", Data: []byte(manifests)}})
		if err == nil {
			migrationtest.Convert(t, Program(Options{}), in)
		}
	})
}

// FuzzFlags: whatever the flags are, the result is YAML, and a password in the URL or a header is not in it.
func FuzzFlags(f *testing.F) {
	f.Add("--config=c\n-v\n6", "https://user:%s@host/path?a=b")
	f.Add("--prometheus-header=Authorization=Bearer hunter2hunter2\n--prometheus-header\nA=\x00\xff", "http://$(A):%s@$(B)")
	f.Fuzz(func(t *testing.T, flags, url string) {
		const password = "hunter2hunter2"
		if strings.Contains(flags, password) {
			flags = "--prometheus-header=Authorization=Bearer " + password
		}
		args := append(strings.Split(flags, "\n"), "--prometheus-url=http://me:"+password+"@host/"+strings.ReplaceAll(url, "%s", ""))
		result := migrationtest.Convert(t, Program(Options{}), Program(Options{}).FromFlags(args))
		if strings.Contains(fmt.Sprint(result), password) {
			t.Errorf("a password is printed: %v", result)
		}
	})
}
