package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/migration"
)

// Options choose how the configuration is written.
type Options struct {
	// RulesFile is the path of the rule file in trimtab's pod. Empty: the rules stand in the configuration,
	// where they are known.
	RulesFile string
}

// Program is prometheus-adapter v0.12.0, with the flags of older versions that its manifests may still hold.
func Program(o Options) migration.Program {
	return migration.Program{
		Name: "prometheus-adapter", Page: "docs/migrate-prometheus-adapter.md",
		Flags: flags(o), Long: ruleKeys(), Runs: runs, Finish: proxies,
	}
}

// runs knows the program by its image, whatever the registry, or by a flag of its own, which every installation has.
func runs(image string, words []string) bool {
	if strings.Contains(image, "prometheus-adapter") || len(words) > 0 && path.Base(words[0]) == "prometheus-adapter" {
		return true // old images were called k8s-prometheus-adapter-amd64
	}
	return slices.ContainsFunc(words, func(w string) bool {
		name, _, _ := strings.Cut(w, "=")
		return name == "--prometheus-url" || name == "--metrics-relist-interval"
	})
}
