package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab/adapter/migrate"
)

const migrateUsage = `Prints the configuration that does what an installation of prometheus-adapter does, with a comment at each
setting that says which flag it came from. It reads the manifests of that installation, or its flags. What has no
counterpart, or behaves differently, is told on standard error, a line each; exit 1 if something was set that
trimtab cannot do. Passwords and tokens are not copied: the configuration names files.

Usage: trimtab migrate prometheus-adapter --manifest FILE [--manifest FILE...] [--rules-file PATH] [-o text|json]
       trimtab migrate prometheus-adapter [--rules-file PATH] [-o text|json] -- FLAGS...

  $ kubectl get deploy,cm -n monitoring -o yaml > installed.yaml
  $ trimtab migrate prometheus-adapter --manifest installed.yaml > trimtab.yaml
  $ trimtab migrate prometheus-adapter -- --prometheus-url=http://prometheus:9090 --config=/etc/adapter/config.yaml
`

// migration is the JSON answer.
type migration struct {
	Configuration string            `json:"configuration"`
	Settings      []migrate.Setting `json:"settings"`
	Notes         []migrate.Note    `json:"notes"`
}

func migrateCommand(_ context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("migrate", flag.ContinueOnError)
	output := outputFlag(fs)
	rulesFile := fs.String("rules-file", "", "`path` of the rule file in trimtab's pod; without it the rules stand in the configuration")
	var files []string
	fs.Func("manifest", "`file` of manifests, - for standard input; may be repeated", func(file string) error {
		files = append(files, file)
		return nil
	})
	args, flags, given := behindDashes(args)
	if code, done := parse(fs, migrateUsage, args, s); done {
		return code
	}
	switch {
	case fs.NArg() == 0:
		return wrongUsage(fs, s, "name what to migrate from: prometheus-adapter")
	case fs.Arg(0) != "prometheus-adapter":
		return wrongUsage(fs, s, "%q is not known; prometheus-adapter is", fs.Arg(0))
	case fs.NArg() > 1:
		return wrongUsage(fs, s, "unexpected argument %q; manifests are given by --manifest FILE, flags of prometheus-adapter after --", fs.Arg(1))
	case *output != "text" && *output != "json":
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	case given == (len(files) > 0):
		return wrongUsage(fs, s, "give either --manifest FILE or the flags of prometheus-adapter after --")
	case len(files) > 1 && slices.Index(files, "-") != lastIndex(files, "-"):
		return wrongUsage(fs, s, "standard input (-) can be read only once")
	}
	installed := migrate.FromFlags(flags)
	if len(files) > 0 {
		var err error
		if installed, err = readInstallation(files, s); err != nil {
			return s.fail(err)
		}
	}
	result, err := migrate.Convert(installed, migrate.Options{RulesFile: *rulesFile})
	if err != nil {
		return s.fail(err)
	}
	if err := writeMigration(result, *output, s); err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	if result.Blocked() {
		return exitWrong
	}
	return exitDone
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

func readInstallation(files []string, s stdio) (migrate.Installation, error) {
	var sources []migrate.Source
	for _, file := range files {
		name, data, err := readInput(file, s)
		if err != nil {
			return migrate.Installation{}, fmt.Errorf("%s: %w", name, err)
		}
		sources = append(sources, migrate.Source{Name: name, Data: data})
	}
	return migrate.FromManifests(sources)
}

func writeMigration(r migrate.Result, output string, s stdio) error {
	if output == "json" {
		return json.NewEncoder(s.out).Encode(migration{r.Configuration, append([]migrate.Setting{}, r.Settings...), append([]migrate.Note{}, r.Notes...)})
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
