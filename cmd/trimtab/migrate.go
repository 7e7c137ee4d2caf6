package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"

	adaptermigrate "github.com/trimtab/trimtab/adapter/migrate"
	clustermigrate "github.com/trimtab/trimtab/clusterscaler/migrate"
	"github.com/trimtab/trimtab/internal/migration"
)

const migrateUsage = `Prints the configuration that does what an installation of prometheus-adapter or cluster-autoscaler does, with a
comment at each setting that says which flag it came from. It reads the manifests of that installation, or its
flags. What has no counterpart, or behaves differently, is told on standard error, a line each; exit 1 if something
was set that trimtab cannot do. Passwords and tokens are not copied: the configuration names files.

Usage: trimtab migrate FROM --manifest FILE [--manifest FILE...] [--rules-file PATH] [-o text|json]
       trimtab migrate FROM [--rules-file PATH] [-o text|json] -- FLAGS...
FROM is prometheus-adapter or cluster-autoscaler. --rules-file is for prometheus-adapter.

  $ kubectl get deploy,cm -n monitoring -o yaml > installed.yaml
  $ trimtab migrate prometheus-adapter --manifest installed.yaml > trimtab.yaml
  $ trimtab migrate prometheus-adapter -- --prometheus-url=http://prometheus:9090 --config=/etc/adapter/config.yaml
  $ kubectl get deploy -n kube-system cluster-autoscaler -o yaml | trimtab migrate cluster-autoscaler --manifest - > trimtab.yaml
`

// migrated is the JSON answer.
type migrated struct {
	Configuration string              `json:"configuration"`
	Settings      []migration.Setting `json:"settings"`
	Notes         []migration.Note    `json:"notes"`
}

// migrations are the programs that trimtab migrates from. rulesFile is for prometheus-adapter alone.
func migrations(rulesFile string) []migration.Program {
	return []migration.Program{adaptermigrate.Program(adaptermigrate.Options{RulesFile: rulesFile}), clustermigrate.Program()}
}

// migrateFlags are what the command is given besides the program's own flags.
type migrateFlags struct {
	output, rulesFile string
	files             []string
}

func migrateCommand(_ context.Context, args []string, s stdio) int {
	var f migrateFlags
	fs := flag.NewFlagSet("migrate", flag.ContinueOnError)
	output := outputFlag(fs)
	fs.StringVar(&f.rulesFile, "rules-file", "", "`path` of prometheus-adapter's rule file in trimtab's pod; without it the rules stand in the configuration")
	fs.Func("manifest", "`file` of manifests, - for standard input; may be repeated", func(file string) error {
		f.files = append(f.files, file)
		return nil
	})
	args, flags, given := behindDashes(args)
	if code, done := parse(fs, migrateUsage, args, s); done {
		return code
	}
	f.output = *output
	p, mistake := f.program(fs.Args(), given)
	if mistake != "" {
		return wrongUsage(fs, s, "%s", mistake)
	}
	installed, err := f.installation(p, flags, s)
	if err != nil {
		return s.fail(err)
	}
	result, err := p.Convert(installed)
	if err != nil {
		return s.fail(err)
	}
	if err := writeMigration(result, f.output, s); err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	if result.Blocked() {
		return exitWrong
	}
	return exitDone
}

// program is the one to migrate from, or what is wrong with the command line. given says that flags stand
// behind "--".
func (f *migrateFlags) program(args []string, given bool) (p migration.Program, mistake string) {
	all := migrations(f.rulesFile)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	if len(args) == 0 {
		return p, "name what to migrate from: " + strings.Join(names, ", ")
	}
	at := slices.Index(names, args[0])
	switch {
	case at < 0:
		return p, fmt.Sprintf("%q is not known; known: %s", args[0], strings.Join(names, ", "))
	case len(args) > 1:
		return p, fmt.Sprintf("unexpected argument %q; manifests are given by --manifest FILE, flags of %s after --", args[1], names[at])
	case f.output != "text" && f.output != "json":
		return p, fmt.Sprintf("-o %q is neither text nor json", f.output)
	case given == (len(f.files) > 0):
		return p, fmt.Sprintf("give either --manifest FILE or the flags of %s after --", names[at])
	case len(f.files) > 1 && slices.Index(f.files, "-") != lastIndex(f.files, "-"):
		return p, "standard input (-) can be read only once"
	case f.rulesFile != "" && names[at] != names[0]:
		return p, fmt.Sprintf("--rules-file is for %s; %s has no rule file", names[0], names[at])
	}
	return all[at], ""
}

func (f *migrateFlags) installation(p migration.Program, flags []string, s stdio) (migration.Installation, error) {
	if len(f.files) == 0 {
		return p.FromFlags(flags), nil
	}
	var sources []migration.Source
	for _, file := range f.files {
		name, data, err := readInput(file, s)
		if err != nil {
			return migration.Installation{}, fmt.Errorf("%s: %w", name, err)
		}
		sources = append(sources, migration.Source{Name: name, Data: data})
	}
	return p.FromManifests(sources)
}

// behindDashes divides a command line at its first "--"; found says that there is one.
func behindDashes(args []string) (before, behind []string, found bool) {
	at := slices.Index(args, "--")
	if at < 0 {
		return args, nil, false
	}
	return args[:at], args[at+1:], true
}

func lastIndex(list []string, want string) int {
	last := -1
	for i, s := range list {
		if s == want {
			last = i
		}
	}
	return last
}

func writeMigration(r migration.Result, output string, s stdio) error {
	if output == "json" {
		return json.NewEncoder(s.out).Encode(migrated{r.Configuration, append([]migration.Setting{}, r.Settings...), append([]migration.Note{}, r.Notes...)})
	}
	for _, n := range r.Notes {
		what := ""
		if n.Blocking {
			what = "cannot be taken over: "
		}
		fmt.Fprintf(s.err, "trimtab: %s: %s; see %s\n", oneLine(n.Flag), oneLine(what+n.Message), n.Page)
	}
	_, err := fmt.Fprint(s.out, r.Configuration)
	return err
}
