package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/internal/config"
)

func checkCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check FILE...", GroupID: groupService,
		Short: "Validate configuration, rule files, ScaledObjects and VerticalPodAutoscalers",
		Long: `Checks files without a cluster: trimtab's configuration, rule files of prometheus-adapter, and
manifests of ScaledObjects, TriggerAuthentications and VerticalPodAutoscalers. What a file is, is seen from its content.
Every mistake is reported, a line each (100 of a document at most), with file, line, path and what would mend it; and for rules what
is allowed but probably not meant, as a warning. Objects are checked by the section scalers of the configuration that is
given beside them, or else by its defaults.`,
		Example: `  $ trimtab check trimtab.yaml rules.yaml
  trimtab.yaml: configuration: ok
  rules.yaml: rule file: ok
  $ trimtab check --print-defaults > trimtab.yaml   # a configuration to start from: vpa is on, the other parts are comments`,
		ValidArgsFunction: yamlFiles,
	}
	output := outputFlag(cmd)
	strict := cmd.Flags().Bool("strict", false, "take warnings for mistakes: exit 1 when there is one")
	printDefaults := cmd.Flags().Bool("print-defaults", false, "print a configuration with every default, and nothing else: as YAML, in which most parts are comments, or as JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case *printDefaults && len(args) == 0:
			return answered(writeDefaults(*output, s))
		case *printDefaults:
			return wrongUsage("--print-defaults takes no file")
		case len(args) == 0:
			return wrongUsage("name at least one FILE")
		case readTwice(args):
			return errReadTwice
		}
		return check(args, *strict, *output, s)
	}
	return cmd
}

// checked is the result for one file, or one document of a manifest.
type checked struct {
	File string `json:"file"`
	Kind string `json:"kind"`
	OK   bool   `json:"ok"`
	// Skipped says that nothing was checked, since trimtab does not read objects of this kind.
	Skipped  bool      `json:"skipped,omitempty"`
	Problems []problem `json:"problems"`
	// Warnings are things that are probably not meant. OK stays true with them, except with --strict.
	Warnings []problem `json:"warnings"`
}

type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// check checks files and reports the results.
func check(paths []string, strict bool, output outputFormat, s stdio) error {
	var inputs []input
	for _, path := range paths {
		inputs = append(inputs, readForCheck(path, s))
	}
	by := scalersOf(inputs)
	var all []checked
	for _, i := range inputs {
		all = append(all, i.check(by)...)
	}
	for i, c := range all {
		all[i].OK = c.OK && !(strict && len(c.Warnings) > 0)
	}
	if err := write(all, output, s); err != nil {
		return answered(err)
	}
	if slices.ContainsFunc(all, func(c checked) bool { return !c.OK }) {
		return errReported
	}
	return nil
}

func write(all []checked, output outputFormat, s stdio) error {
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
