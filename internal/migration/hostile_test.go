package migration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/migration"
)

func pod(container string) string {
	return "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: sailor, " + container + "}]}\n"
}

func TestHostileManifests(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("kind: ConfigMap\nmetadata: {name: a}\ndata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for name, test := range map[string]struct{ data, want string }{
		"huge":             {strings.Repeat("#", migration.MaxManifestBytes+1), "f: the manifests have more than 16777216 bytes"},
		"aliases":          {bomb.String(), "f:5: an alias (*a0) is not read here; give what `kubectl get -o yaml` prints, which has none"},
		"an endless alias": {"kind: ConfigMap\nmetadata: {name: a}\ndata: &a {b: *a}\n", "f:3: an alias (*a) is not read here"},
		"deep":             {strings.Repeat("[", 20_000), "f: not YAML: exceeded max depth"},
		"duplicate keys":   {"kind: ConfigMap\nmetadata: {name: a}\ndata: {a: b, a: c}\n", `f:3: mapping key "a" already defined`},
		"binary":           {"\x00\x01", "f: not YAML: control characters are not allowed"},
		"secret":           {"kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{env: hunter2}]}}}\n", "f:1: spec.template.spec.containers.env: a list is expected, not one of the type string"},
		"words":            {pod("args: [" + strings.Repeat("a,", 10_002) + "]"), "Pod a, container c: its command line has more than 10000 words"},
		"bytes":            {pod(`args: ["` + strings.Repeat(strings.Repeat("a", 100_000)+`","`, 22) + `"]`), "Pod a, container c: its command line has more than 10000 words or 2097152 bytes"},
		"variables":        {pod("env: [" + strings.Repeat("{name: A, value: "+strings.Repeat("b", 100_000)+"},", 21) + "]"), "Pod a, container c: its variables have more than 2097152 bytes"},
		"control":          {"kind: \"Pod\\u001b[31m\"\nmetadata: {name: \"a\\nb\"}\n", `no container of sailor in 1 "Pod\x1b[31m"`},
	} {
		_, err := sailor().FromManifests([]migration.Source{{Name: "f", Data: []byte(test.data)}})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// The limit is for all sources together.
func TestManifestsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	half := []byte(strings.Repeat("#", migration.MaxManifestBytes/2+1))
	_, err := sailor().FromManifests([]migration.Source{{Name: "one", Data: half}, {Name: "two", Data: half}})
	if err == nil || !strings.HasPrefix(err.Error(), "two: the manifests have more than") {
		t.Errorf("%v", err)
	}
}

// A variable that doubles the one before it ends where no program could be started with it.
func TestVariablesDoNotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	var env strings.Builder
	env.WriteString("{name: A0, value: \"0123456789\"},")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&env, "{name: A%d, value: $(A%d)$(A%d)},", i, i-1, i-1)
	}
	in, err := sailor().FromManifests([]migration.Source{{Name: "f", Data: []byte(pod("args: [--name=$(A59), --ports=$(A13)$(A13)], env: [" + env.String() + "]"))}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := sailor().Convert(in)
	if err != nil || len(result.Notes) != 2 || !strings.HasPrefix(result.Notes[0].Message, "the value of $(A59) is not known") ||
		!strings.HasPrefix(result.Notes[1].Message, "the value of $(A13) is not known") {
		t.Errorf("%v: %+v", err, result.Notes)
	}
}
