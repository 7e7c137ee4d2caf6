package externalgrpc

import (
	"context"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Options are the settings of cluster-autoscaler that a server may give a group of its own.
type Options struct {
	UtilizationThreshold, GPUUtilizationThreshold    float64
	UnneededTime, UnreadyTime                        time.Duration
	MaxNodeProvisionTime, MaxNodeStartupTime         time.Duration
	IgnoreDaemonSetsUtilization                      bool
	ZeroOrMaxNodeScaling, AllowNonAtomicScaleUpToMax bool
}

// details are what seldom changes of a group. They are never changed.
type details struct {
	asked time.Time
	// template is nil when the server has none. With a trouble it is the last good one: nodes on their way are still
	// like it, but no more are asked for.
	template *corev1.Node
	trouble  string
	// price is per hour; 0 is unknown.
	price        float64
	priceTrouble string
	// options are nil when the group has none of its own.
	options *Options
}

// detailsAge is how old details may become. Templates change with a cloud's configuration, seldom and by hand.
const detailsAge = time.Minute

// detailsOf asks for the details of a group unless the last are good and young.
func (p *Provider) detailsOf(ctx context.Context, group string, last *details, now time.Time) *details {
	if last != nil && last.trouble == "" && last.priceTrouble == "" && now.Sub(last.asked) < detailsAge {
		return last
	}
	next := &details{asked: now}
	next.template, next.trouble = p.template(ctx, group)
	if next.trouble != "" && last != nil {
		next.template = last.template
	}
	next.options = p.options(ctx, group, last)
	if p.deps.Prices && next.template != nil {
		next.price, next.priceTrouble = p.price(ctx, group, next.template, now)
	}
	return next
}

// atomic says that the group must not have some of its nodes only.
func (d *details) atomic() bool { return d.options != nil && d.options.ZeroOrMaxNodeScaling }

// template is the server's template of a node. A server that has none is no trouble.
func (p *Provider) template(ctx context.Context, group string) (node *corev1.Node, trouble string) {
	answer, err := call(ctx, p, "NodeGroupTemplateNodeInfo", subject{group: group}, p.client.NodeGroupTemplateNodeInfo,
		&protocol.NodeGroupTemplateNodeInfoRequest{Id: group})
	switch {
	case unimplemented(err):
		return nil, ""
	case err != nil:
		return nil, err.Error()
	}
	data := answer.GetNodeBytes()
	if len(data) == 0 {
		data = answer.GetNodeBefore_1_35()
	}
	if len(data) == 0 {
		return nil, ""
	}
	node, err = decodeTemplate(data)
	if err != nil {
		return nil, fmt.Sprintf("server %s: NodeGroupTemplateNodeInfo of group %s: %v", p.cfg.Address, printable(group), err)
	}
	return node, ""
}

// price is what a node costs in an hour. A server that knows no prices is no trouble.
func (p *Provider) price(ctx context.Context, group string, template *corev1.Node, now time.Time) (price float64, trouble string) {
	start, end := timestamppb.New(now), timestamppb.New(now.Add(time.Hour))
	answer, err := call(ctx, p, "PricingNodePrice", subject{group: group}, p.client.PricingNodePrice, &protocol.PricingNodePriceRequest{
		Node: sent(template), StartTimestamp: start, EndTimestamp: end, StartBefore_1_35: start, EndBefore_1_35: end,
	})
	switch {
	case unimplemented(err):
		return 0, ""
	case err != nil:
		return 0, err.Error()
	}
	if price := answer.GetPrice(); price >= 0 && !math.IsInf(price, 0) {
		return price, ""
	}
	return 0, fmt.Sprintf("server %s: PricingNodePrice of group %s: %v is no price", p.cfg.Address, printable(group), answer.GetPrice())
}

// options are the group's own settings, nil when it has none. When the server fails to tell, the last ones hold: they
// may say that the group must not have some of its nodes only.
func (p *Provider) options(ctx context.Context, group string, last *details) *Options {
	answer, err := call(ctx, p, "NodeGroupGetOptions", subject{group: group}, p.client.NodeGroupGetOptions,
		&protocol.NodeGroupAutoscalingOptionsRequest{Id: group, Defaults: p.deps.Defaults.toWire()})
	switch {
	case unimplemented(err):
		return nil
	case err != nil:
		p.deps.Log.Debug("the options of a group are not known", "group", group, "error", err)
		if last != nil {
			return last.options
		}
		return nil
	}
	if answer.GetNodeGroupAutoscalingOptions() == nil {
		return nil
	}
	return optionsOf(answer.GetNodeGroupAutoscalingOptions(), p.deps.Defaults)
}

func (o *Options) toWire() *protocol.NodeGroupAutoscalingOptions {
	return &protocol.NodeGroupAutoscalingOptions{
		ScaleDownUtilizationThreshold:    o.UtilizationThreshold,
		ScaleDownGpuUtilizationThreshold: o.GPUUtilizationThreshold,
		ZeroOrMaxNodeScaling:             o.ZeroOrMaxNodeScaling,
		IgnoreDaemonSetsUtilization:      o.IgnoreDaemonSetsUtilization,
		ScaleDownUnneededDuration:        durationpb.New(o.UnneededTime),
		ScaleDownUnreadyDuration:         durationpb.New(o.UnreadyTime),
		MaxNodeProvisionDuration:         durationpb.New(o.MaxNodeProvisionTime),
		MaxNodeStartupDuration:           durationpb.New(o.MaxNodeStartupTime),
		AllowNonAtomicScaleUpToMax:       o.AllowNonAtomicScaleUpToMax,
	}
}

// planned are those of the settings that are not the program's own, in the core's terms. A group without settings of its
// own has none.
func (o *Options) planned(defaults Options) plan.Options {
	if o == nil {
		return plan.Options{}
	}
	return plan.Options{
		UtilizationThreshold: unlike(o.UtilizationThreshold, defaults.UtilizationThreshold),
		UnneededTime:         unlike(o.UnneededTime, defaults.UnneededTime),
		UnreadyTime:          unlike(o.UnreadyTime, defaults.UnreadyTime),
		MaxNodeProvisionTime: unlike(o.MaxNodeProvisionTime, defaults.MaxNodeProvisionTime),
		IgnoreDaemonSets:     unlike(o.IgnoreDaemonSetsUtilization, defaults.IgnoreDaemonSetsUtilization),
	}
}

func unlike[T comparable](own, otherwise T) *T {
	if own == otherwise {
		return nil
	}
	return &own
}

// optionsOf reads the server's settings. A duration that it does not tell is the program's own: servers that were
// written before a setting existed cannot tell it, and do not mean zero.
func optionsOf(from *protocol.NodeGroupAutoscalingOptions, defaults Options) *Options {
	duration := func(d *durationpb.Duration, otherwise time.Duration) time.Duration {
		if d.CheckValid() != nil {
			return otherwise
		}
		return d.AsDuration()
	}
	return &Options{
		UtilizationThreshold:        from.GetScaleDownUtilizationThreshold(),
		GPUUtilizationThreshold:     from.GetScaleDownGpuUtilizationThreshold(),
		UnneededTime:                duration(from.GetScaleDownUnneededDuration(), defaults.UnneededTime),
		UnreadyTime:                 duration(from.GetScaleDownUnreadyDuration(), defaults.UnreadyTime),
		MaxNodeProvisionTime:        duration(from.GetMaxNodeProvisionDuration(), defaults.MaxNodeProvisionTime),
		MaxNodeStartupTime:          duration(from.GetMaxNodeStartupDuration(), defaults.MaxNodeStartupTime),
		IgnoreDaemonSetsUtilization: from.GetIgnoreDaemonSetsUtilization(),
		ZeroOrMaxNodeScaling:        from.GetZeroOrMaxNodeScaling(),
		AllowNonAtomicScaleUpToMax:  from.GetAllowNonAtomicScaleUpToMax(),
	}
}
