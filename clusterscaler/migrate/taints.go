package migrate

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

// taintKeys takes the keys of taints. Those of --ignore-taint stand with those of --startup-taint where both are given.
func taintKeys(c *migration.Conversion, v migration.Value) error {
	keys := v.All
	for _, a := range c.Given("ignore-taint") {
		if v.Name == "startup-taint" {
			keys = append(slices.Clip(keys), a.Text)
		}
	}
	if v.Name == "ignore-taint" && len(c.Given("startup-taint")) > 0 {
		c.Note(v.Flag, "is taken together with --startup-taint")
		return nil
	}
	var taken []string
	for _, key := range keys {
		if len(validation.IsQualifiedName(key)) > 0 {
			c.Block(v.Flag, "%s is not the key of a taint and is left out", text.Quote(key))
		} else if !slices.Contains(taken, key) {
			taken = append(taken, key)
		}
	}
	if len(taken) > 0 {
		c.Set(v, v.Setting, migration.Strings(taken))
	}
	return nil
}

// taintPrefixes takes what keys begin with.
func taintPrefixes(c *migration.Conversion, v migration.Value) error {
	taken := slices.DeleteFunc(slices.Clone(v.All), func(prefix string) bool { return prefix == "" })
	if len(taken) < len(v.All) {
		c.Block(v.Flag, "an empty prefix, with which every taint begins, is left out")
	}
	if len(taken) > 0 {
		c.Set(v, v.Setting, migration.Strings(taken))
	}
	return nil
}
