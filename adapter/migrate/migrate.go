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
		Flags: flags(o), Long: ruleKeys(), Likeness: likeness, Finish: proxies,
	}
}

func likeness(image string, words []string) migration.Likeness {
	if strings.Contains(image, "prometheus-adapter") { // old images were called k8s-prometheus-adapter-amd64
		return migration.Certain
	}
	if slices.ContainsFunc(words, func(w string) bool {
		return w == "--prometheus-url" || strings.HasPrefix(w, "--prometheus-url=") || strings.HasPrefix(w, "--metrics-relist-interval")
	}) {
		return migration.Certain
	}
	if len(words) > 0 {
		switch path.Base(words[0]) {
		case "prometheus-adapter":
			return migration.Certain
		case "adapter": // as that of others is called
			return migration.Possible
		}
	}
	return migration.Unlike
}
