package migrate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/migration/migrationtest"
)

func TestScenarios(t *testing.T) {
	t.Parallel()
	migrationtest.Scenarios(t, func(string) migration.Program { return Program() })
}

// The table has each flag of cluster-autoscaler 1.37, with its type and default, and no other but those of
// other versions. testdata/flags-v1.37.txt was written from what its packages config/flags, component-base and
// klog register.
func TestTableOfFlags(t *testing.T) {
	t.Parallel()
	migrationtest.Table(t, Program(), "testdata/flags-v1.37.txt", 165)
}

// Every flag, given with some value, is either in the settings or in the notes: nothing is dropped in silence.
// One flag asks trimtab for what it does.
func TestNoFlagIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	satisfied := []string{"cordon-node-before-terminating"}
	for _, f := range Program().Flags {
		value := migrationtest.Some(f)
		result := convert(t, f.Spelling()+"="+value)
		if told := migrationtest.Told(result, f); told == slices.Contains(satisfied, f.Name) {
			t.Errorf("%s=%s: told is %v", f.Spelling(), value, told)
		}
		for _, n := range result.Notes {
			if n.Flag == f.Spelling() && f.NotYet && (!n.Blocking || !strings.Contains(n.Message, value) || !strings.Contains(n.Message, "does not do yet")) {
				t.Errorf("%s=%s: a flag whose feature is missing: %+v", f.Spelling(), value, n)
			}
		}
	}
}

// A flag that is set to its default says nothing, unless it becomes a setting.
func TestDefaultsSayNothing(t *testing.T) {
	t.Parallel()
	for _, f := range Program().Flags {
		if f.Default == "" || f.Name == "cloud-provider" { // whose default is a cloud
			continue
		}
		for _, n := range convert(t, f.Spelling()+"="+f.Default).Notes {
			if n.Flag == f.Spelling() {
				t.Errorf("%s=%s: %+v", f.Spelling(), f.Default, n)
			}
		}
	}
}

// A setting has the flag's name in camelCase, but for the few whose names say more.
func TestSettingsAreNamedLikeTheirFlags(t *testing.T) {
	t.Parallel()
	others := map[string]string{
		"cloud-provider": "clusterScaler.provider", "nodes": "clusterScaler.kwok.groups", "cloud-config": "clusterScaler.externalGrpc", "max-empty-bulk-delete": "clusterScaler.maxScaleDownParallelism",
		"ignore-taint": "clusterScaler.startupTaint", "v": "log.level", "logging-format": "log.format",
	}
	for _, f := range Program().Flags {
		if f.Setting == "" {
			continue
		}
		_, key, _ := strings.Cut(f.Setting, ".")
		if want, other := others[f.Name]; other && f.Setting != want || !other && key != camelCase(f.Name) {
			t.Errorf("--%s becomes %s", f.Name, f.Setting)
		}
	}
}

func camelCase(flag string) string {
	var out []rune
	upper := false
	for _, r := range flag {
		switch {
		case r == '-':
			upper = true
			continue
		case upper:
			r = unicode.ToUpper(r)
		}
		upper = false
		out = append(out, r)
	}
	return string(out)
}

// What a group is written with are keys of a group.
func TestKeysOfAGroup(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for i := range reflect.TypeFor[group.Group]().NumField() {
		known[reflect.TypeFor[group.Group]().Field(i).Tag.Get("yaml")] = true
	}
	for i, n := range (spec{1, 2, "a"}).node("a", "c").Content {
		if i%2 == 0 && !known[n.Value] {
			t.Errorf("%s is no key of a group", n.Value)
		}
	}
}

func convert(t *testing.T, args ...string) migration.Result {
	t.Helper()
	result, err := Program().Convert(Program().FromFlags(args))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// FuzzFlags: whatever the flags are, the result is YAML, and the names of its groups can be part of a node's name.
func FuzzFlags(f *testing.F) {
	f.Add("--nodes=1:10:a\n--nodes\n0:5:https://b/c/D_e\n--expander=grpc,price\n--cores-total=1:2", "x:y")
	f.Add("--nodes=1:1:"+strings.Repeat("é", 80)+"\n--node-group-auto-discovery=asg:tag=a,b\n-v5", "1:2:\x00\n#")
	f.Fuzz(func(t *testing.T, flags, nodes string) {
		result := migrationtest.Convert(t, Program(), Program().FromFlags(append(strings.Split(flags, "\n"), "--nodes="+nodes)))
		for _, s := range result.Settings {
			if s.Setting != "clusterScaler.kwok.groups" {
				continue
			}
			for _, one := range strings.Split(s.Value, ",") {
				if name := one[strings.LastIndex(one, ":")+1:]; !isLabel(name) || len(name) > group.MaxName {
					t.Errorf("a group is called %q", name)
				}
			}
		}
	})
}
