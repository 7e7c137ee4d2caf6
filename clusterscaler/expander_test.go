package clusterscaler

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// oracle prefers a group, or fails.
type oracle struct {
	prefers string
	asked   [][]grpcexpander.Option
}

func (o *oracle) BestOptions(_ context.Context, options []grpcexpander.Option) ([]string, error) {
	o.asked = append(o.asked, options)
	if o.prefers == "" {
		return nil, errors.New("no idea")
	}
	return []string{o.prefers}, nil
}

func (o *oracle) Close() error { return nil }

// The loop asks with the pods and a node of each group, and does what is answered; to explain it later nobody is asked
// again. Without an answer the next expander chooses.
func TestLoopAsksTheExpander(t *testing.T) {
	for prefers, want := range map[string]string{"b": "b 0+1", "": "a 0+1"} {
		r := newRig(t, pendingPod())
		o := &oracle{prefers: prefers}
		r.scaler.expander, r.scaler.policy.Expanders = o, []plan.Expander{plan.Ask, plan.LeastWaste}
		r.scaler.loop(context.Background())
		if !slices.Equal(r.provider.grown, []string{want}) || len(o.asked) != 1 {
			t.Fatalf("%q: grown %v, asked %d times", prefers, r.provider.grown, len(o.asked))
		}
		a := o.asked[0][0]
		if a.Group != "a" || a.Nodes != 1 || len(a.Pods) != 1 || a.Pods[0].Name != "web" || a.Node.Status.Allocatable.Cpu().Value() != 4 || a.Node.Status.Capacity.Memory().Value() != 16<<30 {
			t.Errorf("%+v", a)
		}
		e, _, err := r.scaler.Explain("pod", "default/web")
		if err != nil || len(o.asked) != 1 || e.Group != want[:1] {
			t.Errorf("%q: explained as %+v, %v, after asking %d times", prefers, e, err, len(o.asked))
		}
	}
}

// A loop may plan growth several times, and asks an expander the same question once: one that answers otherwise the next time
// must not turn the plan into another.
func TestExpanderIsAskedEachQuestionOnce(t *testing.T) {
	r := newRig(t, pendingPod())
	o := &oracle{prefers: "b"}
	r.scaler.expander = o
	s := &plan.Snapshot{Groups: []plan.Group{{Name: "a"}, {Name: "b"}}}
	ask, end := r.scaler.asker(context.Background(), s)
	defer end()
	question := []plan.Choice{{Group: "a", Nodes: 1, Pods: []string{"default/web"}}, {Group: "b", Nodes: 1, Pods: []string{"default/web"}}}
	first := ask(question)
	o.prefers = "a"
	again := ask(question)
	question[1].Nodes = 2
	other := ask(question)
	if !slices.Equal(first, []string{"b"}) || !slices.Equal(again, first) || !slices.Equal(other, []string{"a"}) || len(o.asked) != 2 {
		t.Errorf("answered %v, again %v, another question %v, after asking %d times", first, again, other, len(o.asked))
	}
}
