package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/migration"
)

// Program is cluster-autoscaler 1.37, with the flags of other versions that its manifests may hold.
func Program() migration.Program {
	return migration.Program{
		Name: "cluster-autoscaler", Page: "docs/migrate-cluster-autoscaler.md",
		Flags: flags(), Underscores: true, Long: []string{"groups"}, Runs: runs, Finish: finish,
	}
}

// runs knows the program by its image, whatever the registry, or by a flag of its own. The operators that
// install it have images of similar names, and none of its flags.
func runs(image string, words []string) bool {
	if strings.Contains(image, "cluster-autoscaler") && !strings.Contains(image, "operator") || len(words) > 0 && path.Base(words[0]) == "cluster-autoscaler" {
		return true
	}
	own := []string{"--node-group-auto-discovery", "--scale-down-unneeded-time", "--scale-down-utilization-threshold", "--skip-nodes-with-local-storage"}
	return slices.ContainsFunc(words, func(w string) bool {
		name, _, _ := strings.Cut(w, "=")
		return slices.Contains(own, name)
	})
}

// finish writes the section even where every setting is the default: it is what lets the part run.
func finish(c *migration.Conversion) { c.File.Mapping("clusterScaler") }
