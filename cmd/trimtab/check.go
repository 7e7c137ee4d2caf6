package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
)

const checkUsage = `Checks files without a cluster: trimtab's configuration, rule files of prometheus-adapter, and
manifests of ScaledObjects and VerticalPodAutoscalers. What a file is, is seen from its content.
Every mistake is reported, a line each, with file, line, path and what would mend it; and for rules what
is allowed but probably not meant, as a warning.

Usage: trimtab check [-o text|json] [--strict] FILE...
       trimtab check --print-defaults

  $ trimtab check trimtab.yaml rules.yaml
  trimtab.yaml: configuration: ok
  rules.yaml: rule file: ok
  $ trimtab check --print-defaults > trimtab.yaml   # a whole configuration, to start from
`

// checked is the result for one file, or one document of a manifest.
type checked struct {
	File     string    `json:"file"`
	Kind     string    `json:"kind"`
	OK       bool      `json:"ok"`
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
	printDefaults := fs.Bool("print-defaults", false, "print a configuration with every default, and nothing else")
	if code, done := parse(fs, checkUsage, args, s); done {
		return code
	}
	switch {
	case *output != "text" && *output != "json":
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	case *printDefaults && fs.NArg() == 0:
		return writeDefaults(s)
	case *printDefaults:
		return wrongUsage(fs, s, "--print-defaults takes no file")
	case fs.NArg() == 0:
		return wrongUsage(fs, s, "name at least one FILE")
	}
	if stdins := slices.DeleteFunc(slices.Clone(fs.Args()), func(a string) bool { return a != "-" }); len(stdins) > 1 {
		return wrongUsage(fs, s, "standard input (-) can be read only once")
	}
	var all []checked
	for _, path := range fs.Args() {
		all = append(all, checkFile(path, s)...)
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
		if _, err := fmt.Fprintf(s.out, "%s: %s: ok\n", c.File, c.Kind); err != nil {
			return err
		}
	}
	return nil
}

// writeDefaults comments out the sections that are off by default: an empty one would mean its own defaults.
func writeDefaults(s stdio) int {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(withAllSections())
	if err == nil {
		_, err = fmt.Fprintf(s.out, "# Every setting of trimtab with its default. A part runs when its section stands in the file.\n%s",
			regexp.MustCompile(`(?m)^( +)(\w+): null$`).ReplaceAll(text.Bytes(), []byte("$1# $2: {}")))
	}
	if err != nil {
		return s.fail(err)
	}
	return exitDone
}
