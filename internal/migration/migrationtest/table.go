package migrationtest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/migration"
)

// Table compares the program's table of flags with a list of the real program's flags. The list has a line for each,
// with name, type and default, separated by tabs. Further flags in the table must be of other versions.
func Table(t *testing.T, p migration.Program, file string, count int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]migration.Flag{}
	for _, f := range p.Flags {
		if _, twice := known[f.Name]; twice {
			t.Errorf("--%s stands twice in the table", f.Name)
		}
		known[f.Name] = f
		if f.Remark == "" && f.Setting == "" || f.Convert == nil || f.Group == "" {
			t.Errorf("--%s: the row is not complete: %+v", f.Name, f)
		}
	}
	real := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		name, kindName, preset := fields[0], fields[1], fields[2]
		real[name] = true
		f, ok := known[name]
		if !ok || f.Known != "" {
			t.Errorf("--%s is missing in the table, or said not to be of this version", name)
			continue
		}
		if f.Kind != kindOf(kindName) {
			t.Errorf("--%s is of type %s", name, kindName)
		}
		if listed := "[" + f.Default + "]"; f.Default != preset && (f.Kind != migration.List || listed != preset) {
			t.Errorf("--%s has the default %q, not %q", name, preset, f.Default)
		}
	}
	if len(real) != count {
		t.Errorf("%d flags in the list, not %d", len(real), count)
	}
	for _, f := range p.Flags {
		if !real[f.Name] && f.Known == "" {
			t.Errorf("--%s is none of %s's", f.Name, p.Name)
		}
	}
}

func kindOf(name string) migration.Kind {
	switch name {
	case "bool":
		return migration.Bool
	case "int", "Level":
		return migration.Whole
	case "float32", "float64":
		return migration.Number
	case "duration":
		return migration.Duration
	case "ip":
		return migration.Address
	case "strings":
		return migration.List
	case "words":
		return migration.Words
	case "stringArray", "namedCertKey":
		return migration.Repeated
	default:
		return migration.Text
	}
}

// Some is a value for a flag that differs from its default.
func Some(f migration.Flag) string {
	some := map[migration.Kind]string{migration.Bool: "true", migration.Whole: "77", migration.Number: "7.5",
		migration.Duration: "77s", migration.Address: "127.0.0.7"}[f.Kind]
	if some == "" {
		some = "http://some.value/"
	}
	if f.Default == some {
		some = "false"
	}
	return some
}

// Told is true if the result names the flag, in a setting or in a note.
func Told(r migration.Result, f migration.Flag) bool {
	return slices.ContainsFunc(r.Settings, func(s migration.Setting) bool { return s.Flag == f.Spelling() }) ||
		slices.ContainsFunc(r.Notes, func(n migration.Note) bool { return n.Flag == f.Spelling() })
}

// Convert converts, and checks that the output is YAML and that each note is complete.
func Convert(t *testing.T, p migration.Program, in migration.Installation) migration.Result {
	t.Helper()
	result, err := p.Convert(in)
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
