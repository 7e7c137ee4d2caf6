package report

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Nodes that do not come are counted by their outcome: given up late or failed, deleted, or refused.
func TestNodesThatDoNotComeAreCounted(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		tell func(r *Reporter)
		want string
	}{
		"late":    {func(r *Reporter) { r.Decreased(plan.Decrease{Group: "a", From: 5, To: 2}, nil) }, "given up 3, deleted 0, timeout 1, failed 0"},
		"failed":  {func(r *Reporter) { r.Decreased(plan.Decrease{Group: "a", From: 5, To: 2, Failed: 1}, nil) }, "given up 3, deleted 0, timeout 0, failed 1"},
		"kept":    {func(r *Reporter) { r.Decreased(plan.Decrease{Group: "a", From: 5, To: 2, Failed: 1}, no) }, "given up 0, deleted 0, timeout 0, failed 0"},
		"deleted": {func(r *Reporter) { r.Deleted("a", []fleet.Victim{{ID: "i-1"}, {ID: "i-2"}}, nil) }, "given up 2, deleted 2, timeout 1, failed 0"},
		"in part": {func(r *Reporter) {
			r.Deleted("a", []fleet.Victim{{ID: "i-1"}}, map[fleet.Victim]error{{ID: "i-2"}: no})
		}, "given up 1, deleted 1, timeout 1, failed 0"},
		"refused":  {func(r *Reporter) { r.Deleted("a", nil, map[fleet.Victim]error{{ID: "i-2"}: no}) }, "given up 0, deleted 0, timeout 0, failed 0"},
		"all gone": {func(r *Reporter) { r.Deleted("a", nil, nil) }, "given up 0, deleted 0, timeout 0, failed 0"},
	} {
		reg := prometheus.NewRegistry()
		r := New(Config{}, Deps{Registry: reg, Log: slog.New(slog.DiscardHandler)})
		c.tell(r)
		got := fmt.Sprintf("given up %v, deleted %v, timeout %v, failed %v", counted(t, reg, "trimtab_clusterscaler_nodes_given_up_total", ""),
			counted(t, reg, "cluster_autoscaler_old_unregistered_nodes_removed_count", ""),
			counted(t, reg, "cluster_autoscaler_failed_scale_ups_total", reasonTimeout), counted(t, reg, "cluster_autoscaler_failed_scale_ups_total", reasonFailed))
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// counted is the sum of the counters of that name, of those with a label of that value unless it is empty.
func counted(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labelled := label == ""
			for _, l := range m.GetLabel() {
				labelled = labelled || l.GetValue() == label
			}
			if f.GetName() == name && labelled {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// A pod is told once, again when something else holds, and nothing of a group that failed to grow; a loop writes so many at most.
func TestPodIsToldWhatIsNew(t *testing.T) {
	recorder := events.NewFakeRecorder(2 * maxEventsPerLoop)
	a := podEvents{recorder: recorder}
	pending := func(n int, to int) *plan.Plan {
		p := &plan.Plan{}
		for i := range n {
			name := fmt.Sprint("demo/web-", i)
			p.Pending = append(p.Pending, plan.PendingPod{Pod: name, Group: "g", Verdict: verdict.Because(verdict.On("pod", name), plan.TriggeredScaleUp, verdict.Number("to", float64(to)))})
		}
		return p
	}
	for _, step := range []struct {
		when   string
		plan   *plan.Plan
		failed map[string]bool
		want   int
	}{
		{"its group failed to grow", pending(1, 1), map[string]bool{"g": true}, 0},
		{"another failed", pending(1, 1), map[string]bool{"h": true}, 1},
		{"the same", pending(1, 1), nil, 0},
		{"its group failed meanwhile", pending(1, 2), map[string]bool{"g": true}, 0},
		{"as before that", pending(1, 1), nil, 0},
		{"another size", pending(1, 2), nil, 1},
		{"not pending", &plan.Plan{}, nil, 0},
		{"pending again", pending(1, 2), nil, 1},
		{"very many", pending(maxEventsPerLoop+5, 3), nil, maxEventsPerLoop},
		{"the others follow", pending(maxEventsPerLoop+5, 3), nil, 5},
	} {
		a.write(func(string) *corev1.Pod { return &corev1.Pod{} }, step.plan, step.failed)
		got := len(recorder.Events)
		for range got {
			<-recorder.Events
		}
		if got != step.want {
			t.Errorf("%s: %d Events, want %d", step.when, got, step.want)
		}
	}
}
