package migrate

import (
	"slices"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/migration/migrationtest"
)

// TestScenarios runs the files of testdata; the option of a step is the rule file's path in trimtab's pod.
func TestScenarios(t *testing.T) {
	t.Parallel()
	migrationtest.Scenarios(t, func(rulesFile string) migration.Program { return Program(Options{RulesFile: rulesFile}) })
}

// The table has each flag that prometheus-adapter v0.12.0 knows, with its type and default, and no other but
// those of other versions. testdata/flags-v0.12.0.txt was taken from
//
//	go run sigs.k8s.io/prometheus-adapter/cmd/adapter@v0.12.0 --help
func TestTableOfFlags(t *testing.T) {
	t.Parallel()
	migrationtest.Table(t, Program(Options{}), "testdata/flags-v0.12.0.txt", 80)
}

// Every flag, given with some value, is either in the settings or in the notes, or has the value of its
// default: nothing is dropped in silence.
func TestNoFlagIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	p := Program(Options{})
	for _, f := range p.Flags {
		args := []string{f.Spelling() + "=" + migrationtest.Some(f)}
		if strings.HasPrefix(f.Name, "prometheus-client-tls") {
			args = append(args, "--prometheus-ca-file=/ca")
		}
		result, err := p.Convert(p.FromFlags(args))
		if err != nil {
			t.Fatal(err)
		}
		if !migrationtest.Told(result, f) && f.Name != "profiling" { // without profiles trimtab does what --profiling=false asks for
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
