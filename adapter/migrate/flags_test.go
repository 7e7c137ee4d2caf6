package migrate

import (
	"os"
	"slices"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"
)

// The table has each flag that prometheus-adapter v0.12.0 knows, with its type and default, and no other but
// those of other versions. testdata/flags-v0.12.0.txt (name, type, default) was taken from
//
//	go run sigs.k8s.io/prometheus-adapter/cmd/adapter@v0.12.0 --help
func TestTableOfFlags(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/flags-v0.12.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	real := map[string]bool{}
	known := flagsByName()
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		name, kindName, preset := fields[0], fields[1], fields[2]
		real[name] = true
		f, ok := known[name]
		if !ok || f.Known != "" {
			t.Errorf("--%s is missing in the table, or said not to be of this version", name)
			continue
		}
		if f.kind != kindOf(kindName) {
			t.Errorf("--%s is of type %s", name, kindName)
		}
		if listed := "[" + f.Default + "]"; f.Default != preset && (f.kind != kindList || listed != preset) {
			t.Errorf("--%s has the default %q, not %q", name, preset, f.Default)
		}
	}
	if len(real) != 80 {
		t.Errorf("%d flags in the list", len(real))
	}
	seen := map[string]bool{}
	for _, f := range Flags() {
		if !real[f.Name] && f.Known == "" {
			t.Errorf("--%s is none of prometheus-adapter's", f.Name)
		}
		if seen[f.Name] {
			t.Errorf("--%s stands twice in the table", f.Name)
		}
		seen[f.Name] = true
		if f.Remark == "" && f.Setting == "" || f.convert == nil || !slices.Contains(Groups(), f.Group) {
			t.Errorf("--%s: the row is not complete: %+v", f.Name, f)
		}
	}
}

func kindOf(name string) kind {
	switch name {
	case "bool":
		return kindBool
	case "int", "Level":
		return kindWhole
	case "float32":
		return kindNumber
	case "duration":
		return kindDuration
	case "ip":
		return kindAddress
	case "strings":
		return kindList
	case "stringArray", "namedCertKey":
		return kindRepeated
	default:
		return kindText
	}
}

// Every flag, given with some value, is either in the settings or in the notes, or has the value of its
// default: nothing is dropped in silence.
func TestNoFlagIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	for _, f := range Flags() {
		some := map[kind]string{kindBool: "true", kindWhole: "77", kindNumber: "7.5", kindDuration: "77s", kindAddress: "127.0.0.7"}[f.kind]
		if some == "" {
			some = "http://some.value/"
		}
		if f.Default == some {
			some = "false"
		}
		args := []string{f.spelling() + "=" + some}
		if strings.HasPrefix(f.Name, "prometheus-client-tls") {
			args = append(args, "--prometheus-ca-file=/ca")
		}
		result, err := Convert(FromFlags(args), Options{})
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(result.Settings, func(s Setting) bool { return s.Flag == f.spelling() }) ||
			slices.ContainsFunc(result.Notes, func(n Note) bool { return n.Flag == f.spelling() })
		if !told && f.Name != "profiling" { // without profiles trimtab does what --profiling=false asks for
			t.Errorf("%s: nothing is said of it", args)
		}
	}
}

// The headers that cannot be set are those that the HTTP library refuses, and Authorization, which becomes a file.
func TestReservedHeaders(t *testing.T) {
	t.Parallel()
	var want []string
	for name := range promconfig.ReservedHeaders {
		if name != "Authorization" {
			want = append(want, strings.ToLower(name))
		}
	}
	got := ownHeaders()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
