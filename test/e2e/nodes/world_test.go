package nodes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/e2e/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }

// world is a cluster without nodes, and a trimtab that makes them.
type world struct{ *cluster.Cluster }

func newWorld(ctx context.Context, t *testing.T) *world {
	w := &world{cluster.Start(ctx, t)}
	w.Scale(ctx, t, configuration(w.Ports.HTTP))
	return w
}

// groups are the node groups of the faults. A node has the label fault=NAME of the part before the dash; the price makes
// "a" the first choice wherever there are two.
var groups = map[string]string{
	"never-a":   "max: 2, price: 0.01, launchFailure: never",
	"never-b":   "max: 2, price: 1",
	"late-a":    "max: 5, launchDelay: 4s",
	"full-a":    "max: 2, price: 0.01, available: 0",
	"full-b":    "max: 2, price: 1",
	"unready-a": "max: 2, price: 0.01, launchFailure: unready",
	"unready-b": "max: 2, price: 1",
	"lost-a":    "max: 2",
	"budget-a":  "max: 2",
	"deaf-a":    "max: 2",
	"api-a":     "max: 2",
	"kept-a":    "max: 2, launchDelay: 4s",
	"killed-a":  "max: 2",
	"orphan-a":  "max: 2",
	"leaders-a": "max: 4",
	"whole-a":   "max: 2, options: {zeroOrMaxNodeScaling: true}",
	"whole-b":   "max: 1, price: 1",
}

// configuration has the groups but those named, with waiting times that let minutes show what takes hours.
func configuration(port int, without ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
server: {address: "127.0.0.1:%d", decisions: 5000}
clusterScaler:
  expander: [price]
%s  kwok:
    groups:
`, port, cluster.Hasty)
	for name, settings := range groups {
		if slices.Contains(without, name) {
			continue
		}
		fault, _, _ := strings.Cut(name, "-")
		fmt.Fprintf(&b, "    - {name: %s, %s, template: {labels: {fault: %s}, capacity: {cpu: \"2\", memory: 4Gi, pods: \"20\"}}}\n", name, settings, fault)
	}
	return b.String()
}
