package migrate

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestHostileManifests(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("kind: ConfigMap\nmetadata: {name: a}\ndata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for name, test := range map[string]struct{ data, want string }{
		"huge":             {strings.Repeat("#", MaxManifestBytes+1), "f: the manifests have more than 16777216 bytes"},
		"aliases":          {bomb.String(), "f:1: it expands to more than 5000000 values"},
		"an endless alias": {"kind: ConfigMap\nmetadata: {name: a}\ndata: &a {b: *a}\n", "f:1: an alias stands inside of what it stands for"},
		"deep":             {strings.Repeat("[", 20_000), "f: not YAML: exceeded max depth"},
		"duplicate keys":   {"kind: ConfigMap\nmetadata: {name: a}\ndata: {a: b, a: c}\n", `f:3: mapping key "a" already defined`},
		"binary":           {"\x00\x01", "f: not YAML: control characters are not allowed"},
		"secret":           {"kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{env: hunter2}]}}}\n", "f:3: a list is expected"},
		"control":          {"kind: \"Pod\\u001b[31m\"\nmetadata: {name: \"a\\nb\"}\n", `no container of prometheus-adapter in 1 "Pod\x1b[31m"`},
	} {
		_, err := FromManifests([]Source{{Name: "f", Data: []byte(test.data)}})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// The limit is for all sources together.
func TestManifestsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	half := []byte(strings.Repeat("#", MaxManifestBytes/2+1))
	_, err := FromManifests([]Source{{"one", half}, {"two", half}})
	if err == nil || !strings.HasPrefix(err.Error(), "two: the manifests have more than") {
		t.Errorf("%v", err)
	}
}

// FuzzManifests: whatever stands in a manifest, it is refused with a message or becomes YAML.
func FuzzManifests(f *testing.F) {
	f.Add("kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: prometheus-adapter, args: [--config=/c/r]," +
		" volumeMounts: [{name: v, mountPath: /c}]}], volumes: [{name: v, configMap: {name: r}}]}\n---\n" +
		"kind: ConfigMap\nmetadata: {name: r}\ndata: {r: \"# a\\nrules: [] # b\\nexternalRules:\\n- &x {seriesQuery: y}\\n- *x\"}\n")
	f.Add("kind: List\nitems: [&a {kind: Pod, metadata: {name: a}, spec: {containers: [{command: [adapter, '--prometheus-url=$(X)', -v], env: [{name: X, value: $(X)}]}]}}, *a]")
	f.Fuzz(func(t *testing.T, manifests string) {
		in, err := FromManifests([]Source{{Name: "f", Data: []byte(manifests)}})
		if err == nil {
			check(t, in)
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
		result := check(t, FromFlags(args))
		if strings.Contains(fmt.Sprint(result), password) {
			t.Errorf("a password is printed: %v", result)
		}
	})
}

func check(t *testing.T, in Installation) Result {
	t.Helper()
	result, err := Convert(in, Options{})
	if err != nil {
		return result
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(result.Configuration), &n); err != nil {
		t.Errorf("not YAML: %v\n%s", err, result.Configuration)
	}
	for _, note := range result.Notes {
		if note.Flag == "" || note.Message == "" || !strings.Contains(note.Page, "#") {
			t.Errorf("incomplete: %+v", note)
		}
	}
	return result
}
