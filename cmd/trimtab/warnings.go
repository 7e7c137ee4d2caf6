package main

import (
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
)

// checkRules checks a rule file, and lints one that is right.
func checkRules(name string, data []byte) checked {
	var file rules.File
	c := result(name, "rule file", decodeFile(name, data, &file).AsError())
	if c.OK {
		c.lint(name, data, "", file)
	}
	return c
}

// checkConfig checks a configuration, and lints the rules in it or in the file that it names.
func checkConfig(name string, data []byte) checked {
	cfg, err := decodeConfig(name, data)
	c := result(name, "configuration", err)
	if !c.OK || cfg.Adapter == nil {
		return c
	}
	c.lint(name, data, "adapter.", cfg.Adapter.File)
	if path := cfg.Adapter.RulesFile; path != "" {
		// It was read and found right just now, so that an error here is of a change since.
		var file rules.File
		if data, err := readFile(path); err == nil && len(decodeFile(path, data, &file)) == 0 {
			c.lint(path, data, "", file)
		}
	}
	return c
}

// lint adds what the linter says of rules that stand in a file below a path.
func (c *checked) lint(name string, data []byte, below string, file rules.File) {
	var ps config.Problems
	for _, w := range rules.Lint(file) {
		ps = append(ps, config.Problem{File: name, Path: below + w.Path, Message: w.Message})
	}
	ps.Locate(config.Document{Line: 1, Data: data})
	c.Warnings = append(c.Warnings, firstOf(name, ps)...)
}
