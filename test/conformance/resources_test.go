package conformance

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asTable is added to a path to ask for what `kubectl top` prints.
const asTable = " as a table"

func resourceRequests() []string {
	return []string{
		resourceV1,
		resourceV1 + "/nodes",
		resourceV1 + "/nodes" + asTable,
		resourceV1 + "/nodes/n-1.internal",
		resourceV1 + "/nodes/nobody",
		resourceV1 + "/nodes?labelSelector=zone%3Da",
		resourceV1 + "/nodes?labelSelector=zone%3Dnone",
		resourceV1 + "/pods",
		resourceV1 + "/pods?labelSelector=app%3Dweb",
		resourceV1 + "/pods?labelSelector=%3D",
		resourceV1 + "/namespaces/shop/pods",
		resourceV1 + "/namespaces/shop/pods" + asTable,
		resourceV1 + "/namespaces/shop/pods?labelSelector=app%20in%20(web%2Cdb)",
		resourceV1 + "/namespaces/shop/pods?labelSelector=app%3Dnone",
		resourceV1 + "/namespaces/shop/pods?fieldSelector=metadata.name%3Dweb-1",
		resourceV1 + "/namespaces/shop/pods?limit=1",
		resourceV1 + "/namespaces/nowhere/pods",
		resourceV1 + "/namespaces/bank/pods/web-1",
		resourceV1 + "/namespaces/shop/pods/web-1",
		resourceV1 + "/namespaces/shop/pods/web-1" + asTable,
		resourceV1 + "/namespaces/shop/pods/web-3",   // runs nowhere
		resourceV1 + "/namespaces/shop/pods/db-0",    // has no sample of its memory
		resourceV1 + "/namespaces/shop/pods/cache.0", // has no sample at all
		resourceV1 + "/namespaces/shop/pods/nobody",
		resourceV1 + "/gizmos",
	}
}

// compareResources asks for the resource metrics of pods and nodes.
func (s *scene) compareResources(ctx context.Context, t *testing.T) {
	for _, name := range []string{"resources-chart", "resources-kube-prometheus"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", "rules", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			both := startPair(ctx, t, s.lab, s.prometheus, name, string(raw))
			s.lab.Wait(ctx, t, "the original has seen the pods", func(ctx context.Context) error {
				a, err := both.original.ask(ctx, resourceV1+"/pods")
				if err == nil && len(a.items) == 0 {
					err = errors.New("it lists none")
				}
				return err
			})
			// The simulation has all pods running, and makes no tables.
			kept := example{name: name, rules: string(raw), world: s.world}
			for _, x := range s.compareAll(ctx, t, both, resourceRequests()) {
				if !strings.HasSuffix(x.path, asTable) && x.path != resourceV1 {
					kept.add(x)
				}
			}
			kept.write(t)
		})
	}
}
