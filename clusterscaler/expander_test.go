package clusterscaler

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// oracle prefers a group, or fails. Each time it is asked, it does what meanwhile says.
type oracle struct {
	prefers   string
	asked     [][]grpcexpander.Option
	meanwhile func()
}

func (o *oracle) BestOptions(_ context.Context, options []grpcexpander.Option) ([]string, error) {
	o.asked = append(o.asked, options)
	o.meanwhile()
	if o.prefers == "" {
		return nil, errors.New("no idea")
	}
	return []string{o.prefers}, nil
}

func (o *oracle) Close() error { return nil }

// The loop asks with the pods and a node of each group, and does what is answered; to explain it later nobody is asked
// again. Without an answer the next expander chooses. As long as there is none, that is what is explained.
func TestLoopAsksTheExpander(t *testing.T) {
	for prefers, want := range map[string]string{"b": "b 0+1", "": "a 0+1"} {
		r := newRig(t, pendingPod())
		o := &oracle{prefers: prefers, meanwhile: func() {
			if e, _, err := r.scaler.Explain("pod", "default/web"); err != nil || e.Group != "a" {
				t.Errorf("while the expander is asked: explained as %+v, %v", e, err)
			}
		}}
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
