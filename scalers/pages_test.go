package scalers

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/scalers/trigger"
)

// withoutExample are the types whose page shows no example yet.
func withoutExample() []string { return nil }

// The page of each type shows an example that the checks accept without a warning.
func TestExamplesOfPagesAreAccepted(t *testing.T) {
	t.Parallel()
	var without []string
	pages := Pages()
	for _, kind := range slices.Sorted(maps.Keys(pages)) {
		_, rest, ok := strings.Cut(pages[kind], "```yaml\n")
		if !ok {
			without = append(without, kind)
			continue
		}
		part, _, _ := strings.Cut(rest, "```")
		doc := "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web, namespace: shop}\nspec:\n  minReplicaCount: 1\n  scaleTargetRef: {name: web}\n  " +
			strings.ReplaceAll(strings.TrimSpace(part), "\n", "\n  ") + "\n"
		if warnings, err := CheckManifest("page", "ScaledObject", []byte(doc), nil); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, warnings: %v, of\n%s", kind, err, warnings, doc)
		}
	}
	if !slices.Equal(without, withoutExample()) {
		t.Errorf("these types have no example: %v; withoutExample lists %v", without, withoutExample())
	}
	for kind, source := range sources(environment(localSources(), nil)) { // with the authentication too, which a page does not show
		if _, ok := source.(trigger.Exemplary); !ok {
			continue
		}
		if _, err := trigger.Check(rightTrigger(t, kind, "127.0.0.1:1"), source); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		example := examples()[kind]
		if example.Server != "" && !strings.Contains(strings.Join(slices.Collect(maps.Values(example.Metadata)), " ")+strings.Join(slices.Collect(maps.Values(example.Auth)), " "), example.Server) {
			t.Errorf("%s: no value of the example has its server, %s", kind, example.Server)
		}
	}
}
