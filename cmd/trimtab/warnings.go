package main

import (
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
)

// checkRules checks a rule file. If it has no errors, it also lints it.
func checkRules(name string, data []byte) checked {
	var file rules.File
	c := result(name, "rule file", decodeFile(name, data, &file).AsError())
	if c.OK {
		c.lint(name, data, "", file)
	}
	return c
}

// checkConfig checks a configuration, and lints its rules or the rule file that it names.
func checkConfig(name string, data []byte) checked {
	cfg, err := decodeConfig(name, data)
	c := result(name, "configuration", err)
	if !c.OK || cfg.Adapter == nil {
		return c
	}
	c.lint(name, data, "adapter.", cfg.Adapter.File)
	if path := cfg.Adapter.RulesFile; path != "" {
		// It was checked just now, so an error here means that the file has changed since.
		var file rules.File
		if data, err := readFile(path); err == nil && len(decodeFile(path, data, &file)) == 0 {
			c.lint(path, data, "", file)
		}
	}
	return c
}

// lint adds the linter's warnings for rules below a path of a file.
func (c *checked) lint(name string, data []byte, below string, file rules.File) {
	var ps config.Problems
	for _, w := range rules.Lint(file) {
		ps = append(ps, config.Problem{File: name, Path: below + w.Path, Message: w.Message})
	}
	ps.Locate(config.Document{Line: 1, Data: data})
	c.Warnings = append(c.Warnings, firstOf(name, ps)...)
}
