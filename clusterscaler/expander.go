package clusterscaler

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// expander answers for the expander grpc.
type expander interface {
	BestOptions(ctx context.Context, options []grpcexpander.Option) ([]string, error)
	Close() error
}

// newExpander connects to the one that the configuration names; nil without the expander grpc.
func newExpander(cfg *config.Config) (expander, error) {
	if !slices.Contains(cfg.Expander, string(plan.Ask)) {
		return nil, nil
	}
	client, err := grpcexpander.New(grpcexpander.Config{URL: cfg.GrpcExpanderUrl, Cert: cfg.GrpcExpanderCert})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// askTime bounds all questions of one loop together.
const askTime = 30 * time.Second

// askExpander puts the question to the gRPC expander. Where it does not answer, the loop asks nothing more.
func (c *ClusterScaler) askExpander(ctx context.Context, q plan.Question) (best []string, answered bool) {
	best, err := c.expander.BestOptions(ctx, c.optionsOf(c.look.snapshot, q))
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if trouble != "" && trouble != c.expanderTrouble {
		c.deps.Log.Error("the gRPC expander does not answer; the others choose among all options", "server", c.cfg.GrpcExpanderUrl, "error", err)
	}
	c.expanderTrouble = trouble
	return best, err == nil
}

// optionsOf is the choices with the objects behind them.
func (c *ClusterScaler) optionsOf(s *plan.Snapshot, q plan.Question) []grpcexpander.Option {
	out := make([]grpcexpander.Option, len(q))
	for i, choice := range q {
		o := grpcexpander.Option{Group: choice.Group, Nodes: choice.Nodes, Debug: fmt.Sprintf("%d pods on %d nodes of %s", len(choice.Pods), choice.Nodes, choice.Group)}
		for _, name := range choice.Pods {
			if pod := c.translator.Pod(name); pod != nil {
				o.Pods = append(o.Pods, pod)
			}
		}
		at := slices.IndexFunc(s.Groups, func(g plan.Group) bool { return g.Name == choice.Group })
		o.Node = exampleOf(&s.Groups[at])
		out[i] = o
	}
	return out
}

// exampleOf is a new node of the group.
func exampleOf(g *plan.Group) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.Labels = g.Template.Name, g.Template.Labels
	n.Spec.Unschedulable = g.Template.Unschedulable
	for _, t := range g.Template.Taints {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
	}
	n.Status.DeclaredFeatures = g.Template.Features
	n.Status.Capacity, n.Status.Allocatable = quantities(g.Capacity), quantities(g.Template.Allocatable)
	return n
}

func quantities(r scheduling.Resources) corev1.ResourceList {
	out := corev1.ResourceList{
		corev1.ResourceCPU: *resource.NewMilliQuantity(r.MilliCPU, resource.DecimalSI), corev1.ResourceMemory: *resource.NewQuantity(r.Memory, resource.BinarySI),
		corev1.ResourcePods: *resource.NewQuantity(r.Pods, resource.DecimalSI), corev1.ResourceEphemeralStorage: *resource.NewQuantity(r.EphemeralStorage, resource.BinarySI),
	}
	for _, e := range r.Extended {
		out[corev1.ResourceName(e.Name)] = *resource.NewQuantity(e.Amount, resource.DecimalSI)
	}
	return out
}
