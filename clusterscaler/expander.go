package clusterscaler

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/config"
)

// expander answers for the expander grpc.
type expander interface {
	BestOptions(ctx context.Context, options []grpcexpander.Option) ([]string, error)
	Close() error
}

// newExpander connects to the one that the configuration names; nil without the expander grpc.
func newExpander(cfg *Config) (expander, error) {
	if !slices.Contains(cfg.Expander, string(plan.Ask)) {
		return nil, nil
	}
	client, err := grpcexpander.New(grpcexpander.Config{URL: cfg.GrpcExpanderUrl, Cert: cfg.GrpcExpanderCert})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// validateGrpcExpander checks what the expander grpc needs.
func (c *Config) validateGrpcExpander(ps *config.Problems) {
	if !slices.Contains(c.Expander, string(plan.Ask)) {
		return
	}
	if host, port, err := net.SplitHostPort(c.GrpcExpanderUrl); err != nil || host == "" || port == "" {
		ps.Add("grpcExpanderUrl", "%q is not HOST:PORT, which the expander grpc needs", c.GrpcExpanderUrl)
	}
	if c.GrpcExpanderCert == "" {
		ps.Add("grpcExpanderCert", "is required with the expander grpc: the file of the certificate that vouches for the server")
	}
}

// askTime bounds all questions of one loop together.
const askTime = 30 * time.Second

// asker is what answers in this loop. One question that fails is the last; the expanders behind grpc then choose among all
// options. A loop may plan growth several times: each question is asked once, and answered alike whenever it comes again.
func (c *ClusterScaler) asker(ctx context.Context, s *plan.Snapshot) (ask func([]plan.Choice) []string, end func()) {
	if c.expander == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	templates := make(map[string]*corev1.Node, len(s.Groups))
	answers := map[string][]string{}
	return func(choices []plan.Choice) []string {
		question := fmt.Sprint(choices)
		best, known := answers[question]
		if known || ctx.Err() != nil {
			return best
		}
		best, err := c.expander.BestOptions(ctx, c.optionsOf(s, choices, templates))
		trouble := ""
		if err != nil {
			trouble = err.Error()
			cancel()
		}
		if trouble != "" && trouble != c.expanderTrouble {
			c.deps.Log.Error("the gRPC expander does not answer; the others choose among all options", "server", c.cfg.GrpcExpanderUrl, "error", err)
		}
		c.expanderTrouble = trouble
		answers[question] = best
		return best
	}, cancel
}

// optionsOf is the choices with the objects behind them.
func (c *ClusterScaler) optionsOf(s *plan.Snapshot, choices []plan.Choice, templates map[string]*corev1.Node) []grpcexpander.Option {
	out := make([]grpcexpander.Option, len(choices))
	for i, choice := range choices {
		o := grpcexpander.Option{Group: choice.Group, Nodes: choice.Nodes, Debug: fmt.Sprintf("%d pods on %d nodes of %s", len(choice.Pods), choice.Nodes, choice.Group)}
		for _, name := range choice.Pods {
			if pod := c.translator.Pod(name); pod != nil {
				o.Pods = append(o.Pods, pod)
			}
		}
		if templates[choice.Group] == nil {
			at := slices.IndexFunc(s.Groups, func(g plan.Group) bool { return g.Name == choice.Group })
			templates[choice.Group] = exampleOf(&s.Groups[at])
		}
		o.Node = templates[choice.Group]
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
