package migration_test

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/migration/migrationtest"
)

// sailor is a program with a flag of each kind.
func sailor() migration.Program {
	return migration.Program{
		Name: "sailor", Page: "docs/sailor.md", Underscores: true, Long: []string{"crew"},
		Runs: func(image string, words []string) bool {
			return image == "sailor" || len(words) > 0 && words[0] == "/sailor"
		},
		Flags: migration.InGroup("Sails and ropes", []migration.Flag{
			{Name: "crew", Setting: "clusterScaler.crew", Kind: migration.Repeated},
			{Name: "name", Default: "Anne", Setting: "clusterScaler.name"},
			{Name: "reefed", Setting: "clusterScaler.reefed", Kind: migration.Bool, Default: "true"},
			{Name: "knots", Setting: "clusterScaler.knots", Kind: migration.Whole, Default: "5"},
			{Name: "heel", Setting: "clusterScaler.heel", Kind: migration.Number, Default: "0.5"},
			{Name: "watch", Setting: "clusterScaler.watch", Kind: migration.Duration, Default: "4h0m0s"},
			{Name: "anchor", Kind: migration.Address, Setting: "clusterScaler.anchor"},
			{Name: "ports", Kind: migration.List, Setting: "clusterScaler.ports"},
			{Name: "tack", Kind: migration.Words, Default: "port", Setting: "clusterScaler.tack"},
			{Name: "log-book", Setting: "log.file", Convert: migration.Mounted},
			{Name: "drift", Kind: migration.Number, Setting: "kubernetes.drift", Convert: migration.ClientLimit},
			{Name: "paint", Default: "red", Remark: "`trimtab` has no colour."},
			{Name: "oars", Kind: migration.Bool, Refused: true, Remark: "No oars."},
			{Name: "radio", Kind: migration.Whole, NotYet: true, Default: "0x10", Remark: "The radio is not built in."},
			{Name: "old-chart", Known: "before 2", Remark: "Was taken away."},
			{Name: "v", Kind: migration.Whole, Setting: "log.level"},
		}),
	}
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	migrationtest.Scenarios(t, func(string) migration.Program { return sailor() })
}

// A word for each fate of a flag.
func TestBecomes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range sailor().Flags[1:] {
		got = append(got, f.Becomes())
	}
	const want = "`clusterScaler.name` `clusterScaler.reefed` `clusterScaler.knots` `clusterScaler.heel` `clusterScaler.watch`" +
		" `clusterScaler.anchor` `clusterScaler.ports` `clusterScaler.tack` `log.file` `kubernetes.drift` nothing cannot be done not yet nothing `log.level`"
	if all := strings.Join(got, " "); all != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
	if g := sailor().Groups(); len(g) != 1 || g[0].Anchor() != "sails-and-ropes" {
		t.Errorf("groups %q", g)
	}
}

// FuzzFlags: whatever the flags are, the result is YAML.
func FuzzFlags(f *testing.F) {
	f.Add("--crew\na\n--crew=b\n--reefed=false\n-v6\n--watch=$(X)\n--\n--knots=4")
	f.Fuzz(func(t *testing.T, flags string) {
		migrationtest.Convert(t, sailor(), sailor().FromFlags(strings.Split(flags, "\n")))
	})
}
