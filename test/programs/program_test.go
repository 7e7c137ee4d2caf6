package programs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/programs"
)

// Each name leads to one place, in the folder of its own module, and what is built only for a benchmark is not among
// what each lab builds.
func TestEachProgramHasItsPlace(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, p := range slices.Concat(programs.All(), programs.Peers(), programs.Lint()) {
		names := []string{}
		for name := range p.Commands {
			names = append(names, name)
		}
		for name := range p.Files {
			names = append(names, name)
		}
		for _, name := range names {
			path, err := programs.Path(name)
			if err != nil || filepath.Base(path) != name || !strings.HasPrefix(filepath.Base(filepath.Dir(path)), p.Name+"-") {
				t.Errorf("%s of %s is at %s, %v", name, p.Name, path, err)
			}
			if other := seen[name]; other != "" {
				t.Errorf("%s and %s both bring %s", other, p.Name, name)
			}
			seen[name] = p.Name
		}
	}
	for _, p := range programs.All() {
		if slices.ContainsFunc(programs.Peers(), func(q programs.Program) bool { return q.Name == p.Name }) {
			t.Errorf("each lab builds %s", p.Name)
		}
	}
	if _, err := programs.Path("keda"); err == nil {
		t.Error("a name that no program has is found")
	}
}
