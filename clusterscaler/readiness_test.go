package clusterscaler

import (
	"errors"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// The part is ready once it has planned, and stays so. Before that it says what the last loop failed at.
func TestReadiness(t *testing.T) {
	var r readiness
	if err := r.err(); err != errNotPlanned {
		t.Errorf("before a loop: %v", err)
	}
	down := errors.New("down")
	r.note(down)
	if err := r.err(); !errors.Is(err, errNotPlanned) || !errors.Is(err, down) {
		t.Errorf("after a failure: %v", err)
	}
	r.note(nil)
	r.note(down)
	if err := r.err(); err != nil {
		t.Errorf("after a plan: %v", err)
	}
}

// Each outcome is taken once, in the order in which drains ended.
func TestOutcomes(t *testing.T) {
	var o outcomes
	o.add(kube.Outcome{Node: "a"})
	o.add(kube.Outcome{Node: "b"})
	if got := o.take(); len(got) != 2 || got[0].Node != "a" || got[1].Node != "b" {
		t.Errorf("took %v", got)
	}
	if got := o.take(); len(got) != 0 {
		t.Errorf("took again %v", got)
	}
}
