package clusterscaler

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// The last plan is explained and recorded as it stands: before a plan nothing is known, an answer changes what is explained,
// and a record has the memory that the plan was made with, the answer included.
func TestLastPlan(t *testing.T) {
	var l lastPlan
	if _, _, err := l.explain("pod", "default/web"); !errors.Is(err, ErrNoLoop) {
		t.Errorf("explained before a plan: %v", err)
	}
	if _, err := l.record(); !errors.Is(err, ErrNoLoop) {
		t.Errorf("recorded before a plan: %v", err)
	}
	groups, err := (&stub{}).Observe(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	view, _ := fleet.Judge(groups, nil, fleet.Memory{}, fleet.Policy{}, startTime())
	policy := plan.DefaultPolicy()
	policy.Expanders = []plan.Expander{plan.Ask, plan.LeastWaste}
	seen := kube.Observation{
		Objects: &kube.Objects{Pods: []*corev1.Pod{pendingPod()}}, Groups: plan.GroupsOf(view.Groups, view.Templates), Now: startTime(),
		Deleting: func(*corev1.Node) bool { return false },
	}
	p, _, err := l.decide(&seen, plan.Memory{}, policy)
	if err != nil || len(p.Question) != 2 {
		t.Fatalf("question %v, %v", p.Question, err)
	}
	if options := l.options(p.Question); len(options) != 2 || options[0].Pods[0] != l.pod("default/web") {
		t.Errorf("options %v", options)
	}
	explained := func(want string) {
		t.Helper()
		if e, at, err := l.explain("pod", "default/web"); err != nil || e.Group != want || !at.Equal(startTime()) {
			t.Errorf("group %s at %s, %v; want %s", e.Group, at, err, want)
		}
	}
	explained("a")
	if p, _ = l.decideAgain([]string{"b"}); p.Question != nil {
		t.Errorf("asks again: %v", p.Question)
	}
	explained("b")
	r, err := l.record()
	if err != nil || len(r.Memory.Answers) != 1 || len(r.Seen.Objects.Pods) != 1 || len(l.seen.Objects.Pods) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
