package status

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

func examplePlan() *plan.Plan {
	return &plan.Plan{
		Cluster:   verdict.Because(verdict.On("cluster", ""), plan.ClusterHealthy),
		Readiness: plan.Readiness{Ready: 4, Starting: 1, Unready: 2, Deleting: 3},
		States: []plan.GroupState{
			{Name: "a", Min: 1, Max: 9, Target: 6, Readiness: plan.Readiness{Ready: 4}, Coming: 2, Healthy: true},
			{Name: "b: \n- odd", Max: 4, Healthy: true, Backoff: fleet.Backoff{Until: time.Unix(1, 0), Why: "out of capacity"}},
		},
		Unneeded: []plan.Removal{{Group: "a"}},
	}
}

func TestText(t *testing.T) {
	var b Book
	got, _, err := b.Text(examplePlan(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	want := `time: 2026-01-01 12:00:00 +0000 UTC
autoscalerStatus: Running
clusterWide:
    health:
        status: Healthy
        nodeCounts:
            registered:
                total: 10
                ready: 4
                notStarted: 1
                beingDeleted: 3
                unready:
                    total: 2
                    resourceUnready: 0
            longUnregistered: 0
            unregistered: 2
        lastProbeTime: "2026-01-01T12:00:00Z"
        lastTransitionTime: "2026-01-01T12:00:00Z"
    scaleUp:
        status: InProgress
        lastProbeTime: "2026-01-01T12:00:00Z"
        lastTransitionTime: "2026-01-01T12:00:00Z"
    scaleDown:
        status: CandidatesPresent
        candidates: 1
`
	if err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	for _, part := range []string{
		"- name: a\n", "cloudProviderTarget: 6\n        minSize: 1\n        maxSize: 9\n",
		"- name: \"b: \\n- odd\"\n", "status: Backoff\n        backoffInfo:\n            errorCode: cloudProviderError\n            errorMessage: out of capacity\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
}

// Conditions keep the time of their last change, each for itself; one of a group that comes back begins anew.
func TestTransitionTimes(t *testing.T) {
	var b Book
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	since := func(minutes int, p *plan.Plan) []string {
		text, _, err := b.Text(p, start.Add(time.Duration(minutes)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for line := range strings.Lines(text) {
			if _, at, ok := strings.Cut(line, "lastTransitionTime: "); ok {
				out = append(out, strings.Trim(at, "\"\n")[14:16])
			}
		}
		return out
	}
	same := func(got []string, want string) {
		t.Helper()
		if strings.Join(got, " ") != want {
			t.Errorf("changed at minute %s, want %s", strings.Join(got, " "), want)
		}
	}
	// the cluster's health, scale-up, scale-down; then those of each group
	same(since(0, examplePlan()), "00 00 00 00 00 00 00 00 00")
	p := examplePlan()
	p.Cluster.Code, p.Unneeded = plan.ClusterUnhealthy, nil
	same(since(1, p), "01 00 01 00 00 01 00 00 00")
	p.States[1].Backoff = fleet.Backoff{}
	same(since(2, p), "01 00 01 00 00 01 00 02 00")
	p.States = p.States[:1]
	same(since(3, p), "01 00 01 00 00 01")
	p.States = examplePlan().States
	same(since(4, p), "01 00 01 00 00 01 04 04 04")
}

func TestTheCauseOfABackoffIsAShortLine(t *testing.T) {
	p := examplePlan()
	p.States[1].Backoff.Why = strings.Repeat("out of\n", 5<<17)
	var b Book
	if got, _, err := b.Text(p, time.Unix(0, 0)); err != nil || len(got) > 8<<10 || !strings.Contains(got, "errorMessage: out of; out of") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What is news is what differs in more than times.
func TestNews(t *testing.T) {
	var b Book
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	says := func(p *plan.Plan, want bool) {
		t.Helper()
		at = at.Add(time.Minute)
		if _, news, err := b.Text(p, at); err != nil || news != want {
			t.Errorf("news is %t, %v", news, err)
		}
	}
	says(examplePlan(), true)
	says(examplePlan(), false)
	p := examplePlan()
	p.Unneeded = p.Unneeded[:len(p.Unneeded)-1]
	says(p, true)
	says(p, false)
	says(examplePlan(), true)
}
