package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"

	"github.com/trimtab/trimtab/internal/config"
)

const checkUsage = `Checks files without a cluster: trimtab's configuration, rule files of prometheus-adapter, and
manifests of ScaledObjects, TriggerAuthentications and VerticalPodAutoscalers. What a file is, is seen from its content.
Every mistake is reported, a line each (100 of a document at most), with file, line, path and what would mend it; and for rules what
is allowed but probably not meant, as a warning. Objects are checked by the section scalers of the configuration that is
given beside them, or else by its defaults.

Usage: trimtab check [-o text|json] [--strict] FILE...
       trimtab check --print-defaults [-o text|json]

  $ trimtab check trimtab.yaml rules.yaml
  trimtab.yaml: configuration: ok
  rules.yaml: rule file: ok
  $ trimtab check --print-defaults > trimtab.yaml   # a configuration to start from: vpa is on, the other parts are comments
`

// checked is the result for one file, or one document of a manifest.
type checked struct {
	File string `json:"file"`
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	// Skipped says that nothing was checked: the object is of a kind that is none of trimtab's business.
	Skipped  bool      `json:"skipped,omitempty"`
	Problems []problem `json:"problems"`
	// Warnings are what is probably not meant. They leave OK as it is, but with --strict.
	Warnings []problem `json:"warnings"`
}

type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

func checkCommand(_ context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	output := outputFlag(fs)
	strict := fs.Bool("strict", false, "take warnings for mistakes: exit 1 when there is one")
	printDefaults := fs.Bool("print-defaults", false, "print a configuration with every default, and nothing else: as YAML, in which most parts are comments, or as JSON")
	if code, done := parse(fs, checkUsage, args, s); done {
		return code
	}
	switch {
	case *output != "text" && *output != "json":
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	case *printDefaults && fs.NArg() == 0:
		return writeDefaults(*output, s)
	case *printDefaults:
		return wrongUsage(fs, s, "--print-defaults takes no file")
	case fs.NArg() == 0:
		return wrongUsage(fs, s, "name at least one FILE")
	}
	if stdins := slices.DeleteFunc(slices.Clone(fs.Args()), func(a string) bool { return a != "-" }); len(stdins) > 1 {
		return wrongUsage(fs, s, "standard input (-) can be read only once")
	}
	var inputs []input
	for _, path := range fs.Args() {
		inputs = append(inputs, readForCheck(path, s))
	}
	by := scalersOf(inputs)
	var all []checked
	for _, i := range inputs {
		all = append(all, i.check(by)...)
	}
	for i, c := range all {
		all[i].OK = c.OK && !(*strict && len(c.Warnings) > 0)
	}
	return report(all, *output, s)
}

func report(all []checked, output string, s stdio) int {
	code := exitDone
	for _, c := range all {
		if !c.OK {
			code = exitWrong
		}
	}
	if err := write(all, output, s); err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	return code
}

func write(all []checked, output string, s stdio) error {
	if output == "json" {
		return json.NewEncoder(s.out).Encode(map[string]any{"files": all})
	}
	for _, c := range all {
		for _, p := range c.Problems {
			fmt.Fprintf(s.err, "trimtab: %s\n", config.Problem(p))
		}
		for _, p := range c.Warnings {
			p.Message = "warning: " + p.Message
			fmt.Fprintf(s.err, "trimtab: %s\n", config.Problem(p))
		}
		if !c.OK {
			continue
		}
		outcome := "ok"
		if c.Skipped {
			outcome = "skipped, not a kind that trimtab checks"
		}
		if _, err := fmt.Fprintf(s.out, "%s: %s: %s\n", c.File, c.Kind, outcome); err != nil {
			return err
		}
	}
	return nil
}
