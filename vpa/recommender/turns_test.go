package recommender

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A namespace with more VPAs than a round can write does not keep another's from being written, whatever its name is and
// however new its VPAs are.
func TestNamespacesAreWrittenInTurns(t *testing.T) {
	w := web(t)
	w.cfg.UpdateWorkerCount, w.cfg.CheckpointsPerRound = 1, 3
	var order []string
	w.held = func(o client.Object) bool {
		order = append(order, o.GetNamespace()+"/"+o.GetName())
		return false
	}
	r := w.start()
	for i := range 20 { // their targets do not exist, which their statuses have to say
		greedy := autoscaler(fmt.Sprint("v", i), "Deployment", "none")
		greedy.Namespace = "greedy"
		if err := w.client.Create(t.Context(), greedy); err != nil {
			t.Fatal(err)
		}
	}
	order = nil
	r.round(t.Context())
	r.writers.statuses.Finish(t.Context())
	if len(order) != 21 || order[1] != "shop/web" {
		t.Errorf("statuses are written in the order %s", strings.Join(order, " "))
	}

	shop := r.states[types.NamespacedName{Namespace: "shop", Name: "web"}]
	shop.container(r.aggregation, "app").checkpoint = checkpointState{exists: true, written: w.clock.Add(-time.Hour), changes: 1}
	for key, s := range r.states {
		if key.Namespace == "greedy" { // was never written, and so is the oldest
			s.container(r.aggregation, "app").checkpoint.changes = 1
		}
	}
	order = nil
	r.wantCheckpoints(false)
	r.writers.checkpoints.Finish(t.Context())
	if n := len(w.checkpoints()); n != 3 || !slices.ContainsFunc(order, func(o string) bool { return o == "shop/web-app" }) {
		t.Errorf("%d checkpoints are written, in the order %s", n, strings.Join(order, " "))
	}
}
