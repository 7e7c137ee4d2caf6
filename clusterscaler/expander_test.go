package clusterscaler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
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
		r.scaler.expander, r.scaler.policy.Expanders = &expander{client: o, log: r.scaler.deps.Log}, []plan.Expander{plan.Ask, plan.LeastWaste}
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

// That the server does not answer is logged when it begins, and when it has another reason.
func TestExpanderThatDoesNotAnswer(t *testing.T) {
	var log logBuffer
	o := &oracle{meanwhile: func() {}}
	e := &expander{client: o, server: "here:1", log: slog.New(slog.NewTextHandler(&log, nil))}
	for i, c := range []struct {
		prefers string
		logs    bool
	}{{"", true}, {"", false}, {"a", false}, {"", true}} {
		o.prefers = c.prefers
		best, answered := e.ask(t.Context(), nil)
		if answered != (c.prefers != "") || answered && best[0] != c.prefers {
			t.Errorf("step %d: %v, %t", i, best, answered)
		}
		if said := log.take(); (said != "") != c.logs || c.logs && !strings.Contains(said, `server=here:1 error="no idea"`) {
			t.Errorf("step %d: logged %q", i, said)
		}
	}
}
