package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/adapter"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
)

const checkUsage = `Checks files without a cluster: trimtab's configuration, rule files of prometheus-adapter, and
manifests of ScaledObjects and VerticalPodAutoscalers. What a file is, is seen from its content.
Every mistake is reported, a line each, with file, line, path and what would mend it.

Usage: trimtab check [-o text|json] FILE...
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
	var all []checked
	for _, path := range fs.Args() {
		all = append(all, checkFile(path, s)...)
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
	if output == "json" {
		_ = json.NewEncoder(s.out).Encode(map[string]any{"files": all})
		return code
	}
	for _, c := range all {
		for _, p := range c.Problems {
			fmt.Fprintf(s.err, "trimtab: %s\n", config.Problem(p))
		}
		if c.OK {
			fmt.Fprintf(s.out, "%s: %s: ok\n", c.File, c.Kind)
		}
	}
	return code
}

// checkFile tells what a file is and checks it.
func checkFile(path string, s stdio) []checked {
	name, data, err := readInput(path, s)
	if err != nil {
		return []checked{result(path, "file", err)}
	}
	var top map[string]yaml.Node
	err = yaml.Unmarshal(data, &top)
	_, isObject := top["kind"]
	switch {
	case err == nil && isObject:
		return checkManifest(name, data)
	case err == nil && isRuleFile(top):
		var file rules.File
		err := config.Decode(name, data, &file)
		if err == nil {
			_, err = rules.Compile(file)
		}
		return []checked{result(name, "rule file", err)}
	default:
		return []checked{result(name, "configuration", checkConfig(name, data))}
	}
}

// checkConfig checks the configuration and the rule file that it names.
func checkConfig(name string, data []byte) error {
	cfg := &configFile{}
	cfg.SetDefaults()
	if err := config.Decode(name, data, cfg); err != nil {
		return err
	}
	if cfg.Adapter == nil || cfg.Adapter.RulesFile == "" {
		return nil
	}
	file, err := adapter.LoadRules(cfg.Adapter.RulesFile)
	if err == nil {
		_, err = rules.Compile(file)
	}
	return err
}

func isRuleFile(top map[string]yaml.Node) bool {
	keys := []string{"rules", "externalRules", "resourceRules"}
	return slices.ContainsFunc(keys, func(k string) bool { _, ok := top[k]; return ok })
}

// checkManifest checks each document of a manifest; kinds that trimtab does not read are named, not refused.
func checkManifest(name string, data []byte) []checked {
	var all []checked
	for _, doc := range config.Documents(data) {
		var meta struct {
			Kind       string `yaml:"kind"`
			APIVersion string `yaml:"apiVersion"`
			Metadata   struct {
				Name string `yaml:"name"`
			} `yaml:"metadata"`
		}
		if err := yaml.Unmarshal(doc, &meta); err != nil {
			all = append(all, result(name, "manifest", err))
			continue
		}
		title := meta.Kind + " " + meta.Metadata.Name
		switch meta.Kind {
		case "ScaledObject":
			all = append(all, result(name, title, scalers.CheckManifest(name, doc)))
		case "VerticalPodAutoscaler":
			all = append(all, result(name, title, vpa.CheckManifest(name, doc)))
		case "":
		default:
			all = append(all, result(name, title+" (not one that trimtab reads)", nil))
		}
	}
	return all
}

func result(file, kind string, err error) checked {
	c := checked{File: file, Kind: kind, OK: err == nil, Problems: []problem{}}
	var ps config.Problems
	switch {
	case errors.As(err, &ps):
		for _, p := range ps {
			c.Problems = append(c.Problems, problem(p))
		}
	case err != nil:
		c.Problems = append(c.Problems, problem{File: file, Message: err.Error()})
	}
	return c
}

func writeDefaults(s stdio) int {
	fmt.Fprintln(s.out, "# Every setting of trimtab with its default. A part runs when its section stands in the file.")
	encoder := yaml.NewEncoder(s.out)
	encoder.SetIndent(2)
	if err := encoder.Encode(withAllSections()); err != nil {
		return s.fail(err)
	}
	return exitDone
}
