package main

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// meaning is all that a configuration says, its defaults included.
func meaning(t *testing.T, text string) string {
	t.Helper()
	cfg := new(configFile)
	cfg.SetDefaults()
	if err := decodeFile("f", []byte(text), cfg).AsError(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	out, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// takenIn is a printed configuration without the "# " before the lines of these sections.
func takenIn(text string, sections ...string) string {
	var out strings.Builder
	in := false
	for line := range strings.Lines(text) {
		if key, _, ok := strings.Cut(strings.TrimPrefix(line, "# "), ":"); ok && !strings.HasPrefix(key, " ") {
			in = slices.Contains(sections, key)
		}
		if in {
			line = strings.TrimPrefix(line, "# ")
		}
		out.WriteString(line)
	}
	return out.String()
}

// What --print-defaults prints is a configuration that check accepts as it is, and that turns on no part which acts on
// workloads or nodes. Whichever section is taken in, it means the defaults.
func TestPrintDefaults(t *testing.T) {
	got := runTrimtab(t, "", "check", "--print-defaults")
	if got.code != exitDone || got.err != "" {
		t.Fatalf("%+v", got)
	}
	if checked := runTrimtab(t, got.out, "check", "--strict", "-"); checked.code != exitDone || checked.err != "" {
		t.Errorf("check says: %s", checked.err)
	}
	if kept, want := meaning(t, got.out), meaning(t, "prometheus: {}\nvpa: {}"); kept != want {
		t.Errorf("as it is it means\n%s\nand not\n%s", kept, want)
	}
	for _, section := range []string{"adapter", "scalers", "clusterScaler"} {
		taken, want := meaning(t, takenIn(got.out, section)), meaning(t, "prometheus: {}\nvpa: {}\n"+section+": {}")
		if taken != want {
			t.Errorf("with %s it means\n%s\nand not\n%s", section, taken, want)
		}
	}
	if !strings.Contains(got.out, "\n#   metricsMaxAge: 5m0s\n") {
		t.Error("metricsMaxAge is not the default of its page")
	}
}

// Each key is printed: in YAML as a comment at least, in JSON with the value of the YAML.
func TestPrintDefaultsHasEachKey(t *testing.T) {
	got := runTrimtab(t, "", "check", "--print-defaults")
	whole := takenIn(got.out, "adapter", "scalers", "clusterScaler")
	whole = regexp.MustCompile(`(?m)^( +)# (\w+): \{\}$`).ReplaceAllString(whole, "$1$2: null")
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(whole), &root); err != nil {
		t.Fatal(err)
	}
	if missing := missingKeys(root.Content[0], reflect.TypeFor[configFile](), ""); len(missing) > 0 {
		t.Errorf("not printed: %v", missing)
	}
	var inYAML, inJSON any
	if err := root.Decode(&inYAML); err != nil {
		t.Fatal(err)
	}
	printed := runTrimtab(t, "", "check", "--print-defaults", "-o", "json")
	if err := json.Unmarshal([]byte(printed.out), &inJSON); err != nil || printed.code != exitDone || printed.err != "" {
		t.Fatalf("%+v: %v", printed, err)
	}
	asJSON, err := json.Marshal(inYAML)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(inJSON); string(asJSON) != string(again) {
		t.Errorf("YAML has\n%s\nand JSON\n%s", asJSON, again)
	}
}

// missingKeys lists the keys of a struct that n lacks. Behind a null or a list nothing is expected: what
// has no default is not on.
func missingKeys(n *yaml.Node, of reflect.Type, path string) []string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || n.Kind != yaml.MappingNode {
		return nil
	}
	var missing []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if option == "inline" {
			missing = append(missing, missingKeys(n, f.Type, path)...)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		at := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return c.Value == name })
		if at < 0 {
			missing = append(missing, path+name)
			continue
		}
		missing = append(missing, missingKeys(n.Content[at+1], f.Type, path+name+".")...)
	}
	return missing
}
