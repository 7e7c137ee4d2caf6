package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/migration"
)

// Options choose how the configuration is written.
type Options struct {
	// RulesFile is the path of the rule file in trimtab's pod. If it is empty, the configuration contains the rules, if
	// they are known.
	RulesFile string
}

// Program is prometheus-adapter v0.12.0, and the flags of older versions that manifests may still have.
func Program(o Options) migration.Program {
	return migration.Program{
		Name: "prometheus-adapter", Page: "docs/migrate-prometheus-adapter.md",
		Flags: flags(o), Long: ruleKeys(), Runs: runs, Finish: proxies,
	}
}

// runs recognises the program by its image in any registry, or by a flag that every installation has.
func runs(image string, words []string) bool {
	if strings.Contains(image, "prometheus-adapter") || len(words) > 0 && path.Base(words[0]) == "prometheus-adapter" {
		return true // old images have the name k8s-prometheus-adapter-amd64
	}
	return slices.ContainsFunc(words, func(w string) bool {
		name, _, _ := strings.Cut(w, "=")
		return name == "--prometheus-url" || name == "--metrics-relist-interval"
	})
}
