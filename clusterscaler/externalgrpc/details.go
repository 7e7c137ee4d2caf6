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
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

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
	// options are nil when the group has none of its own. optionsUnknown says that the server has failed to tell whether
	// it has any; until it does the group must not shrink by those of others.
	options        *group.Options
	optionsUnknown bool
	optionsTrouble string
}

// detailsAge is how old details may become. Templates change with a cloud's configuration, seldom and by hand.
const detailsAge = time.Minute

// detailsOf asks for the details of a group unless the last are good and young.
func (p *Provider) detailsOf(ctx context.Context, group string, last *details, now time.Time) *details {
	if last != nil && last.trouble == "" && last.priceTrouble == "" && !last.optionsUnknown && now.Sub(last.asked) < detailsAge {
		return last
	}
	next := &details{asked: now}
	next.template, next.trouble = p.template(ctx, group)
	if next.trouble != "" && last != nil {
		next.template = last.template
	}
	p.options(ctx, group, next, last)
	if p.deps.Prices && next.template != nil {
		next.price, next.priceTrouble = p.price(ctx, group, next.template, now)
	}
	return next
}

// tell adds what they say to a group, and what is wrong with them to troubles.
func (d *details) tell(g *fleet.Group, troubles map[string]string) {
	g.Template, g.Trouble, g.Price, g.OptionsUnknown = d.template, d.trouble, d.price, d.optionsUnknown
	if d.options != nil {
		g.Options = *d.options
	}
	if d.optionsTrouble != "" {
		troubles["the options of group "+g.Name] = d.optionsTrouble
	}
	if d.priceTrouble != "" {
		troubles["the price of group "+g.Name] = d.priceTrouble
	}
}

// template is the server's template of a node. A server that has none is no trouble.
func (p *Provider) template(ctx context.Context, group string) (node *corev1.Node, trouble string) {
	answer, err := unlessSilent(p, "NodeGroupTemplateNodeInfo", group, func() (*protocol.NodeGroupTemplateNodeInfoResponse, error) {
		return call(ctx, p, "NodeGroupTemplateNodeInfo", subject{group: group}, p.client.NodeGroupTemplateNodeInfo,
			&protocol.NodeGroupTemplateNodeInfoRequest{Id: group})
	})
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
	answer, err := unlessSilent(p, "PricingNodePrice", group, func() (*protocol.PricingNodePriceResponse, error) {
		return call(ctx, p, "PricingNodePrice", subject{group: group}, p.client.PricingNodePrice, &protocol.PricingNodePriceRequest{
			Node: sent(template), StartTimestamp: start, EndTimestamp: end, StartBefore_1_35: start, EndBefore_1_35: end,
		})
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

// options asks for the group's own settings. When the server fails to tell, the last ones hold: they may say that the
// group must not have some of its nodes only.
func (p *Provider) options(ctx context.Context, group string, next, last *details) {
	answer, err := unlessSilent(p, "NodeGroupGetOptions", group, func() (*protocol.NodeGroupAutoscalingOptionsResponse, error) {
		return call(ctx, p, "NodeGroupGetOptions", subject{group: group}, p.client.NodeGroupGetOptions,
			&protocol.NodeGroupAutoscalingOptionsRequest{Id: group, Defaults: toWire(&p.deps.Defaults)})
	})
	switch own := answer.GetNodeGroupAutoscalingOptions(); {
	case unimplemented(err):
	case err != nil && last != nil && !last.optionsUnknown:
		next.options, next.optionsTrouble = last.options, err.Error()
	case err != nil:
		next.optionsUnknown, next.optionsTrouble = true, err.Error()
	case own != nil:
		next.options, next.optionsTrouble = optionsOf(own, &p.deps.Defaults)
	}
}

// toWire are the program's own settings, all of which are set.
func toWire(o *group.Options) *protocol.NodeGroupAutoscalingOptions {
	return &protocol.NodeGroupAutoscalingOptions{
		ScaleDownUtilizationThreshold:    *o.UtilizationThreshold,
		ScaleDownGpuUtilizationThreshold: *o.GPUUtilizationThreshold,
		ZeroOrMaxNodeScaling:             o.AllOrNothing,
		IgnoreDaemonSetsUtilization:      *o.IgnoreDaemonSets,
		ScaleDownUnneededDuration:        durationpb.New(o.UnneededTime.Std()),
		ScaleDownUnreadyDuration:         durationpb.New(o.UnreadyTime.Std()),
		MaxNodeProvisionDuration:         durationpb.New(o.MaxNodeProvisionTime.Std()),
		MaxNodeStartupDuration:           durationpb.New(o.MaxNodeStartupTime.Std()),
	}
}

// optionsOf are those of the server's settings that are not the program's own. A duration that it does not tell is the
// program's: servers that were written before a setting existed cannot tell it, and do not mean zero. So is one that makes no
// sense, which is told.
func optionsOf(from *protocol.NodeGroupAutoscalingOptions, defaults *group.Options) (o *group.Options, odd string) {
	duration := func(name string, d *durationpb.Duration, least time.Duration, otherwise *config.Duration) *config.Duration {
		switch {
		case d == nil:
			return nil
		case d.CheckValid() != nil || d.AsDuration() < least:
			odd = fmt.Sprintf("%s of %d seconds is none; %s is taken", name, d.GetSeconds(), otherwise)
			return nil
		}
		return unlike(config.Duration(d.AsDuration()), otherwise)
	}
	share := func(name string, n float64, otherwise *float64) *float64 {
		if !(n >= 0) { // or not a number
			odd = fmt.Sprintf("%s of %v is none; %v is taken", name, n, *otherwise)
			return nil
		}
		return unlike(n, otherwise)
	}
	return &group.Options{
		UtilizationThreshold:    share("scaleDownUtilizationThreshold", from.GetScaleDownUtilizationThreshold(), defaults.UtilizationThreshold),
		GPUUtilizationThreshold: share("scaleDownGpuUtilizationThreshold", from.GetScaleDownGpuUtilizationThreshold(), defaults.GPUUtilizationThreshold),
		UnneededTime:            duration("scaleDownUnneededDuration", from.GetScaleDownUnneededDuration(), 0, defaults.UnneededTime),
		UnreadyTime:             duration("scaleDownUnreadyDuration", from.GetScaleDownUnreadyDuration(), 0, defaults.UnreadyTime),
		MaxNodeProvisionTime:    duration("MaxNodeProvisionDuration", from.GetMaxNodeProvisionDuration(), time.Second, defaults.MaxNodeProvisionTime),
		MaxNodeStartupTime:      duration("maxNodeStartupDuration", from.GetMaxNodeStartupDuration(), time.Second, defaults.MaxNodeStartupTime),
		IgnoreDaemonSets:        unlike(from.GetIgnoreDaemonSetsUtilization(), defaults.IgnoreDaemonSets),
		AllOrNothing:            from.GetZeroOrMaxNodeScaling(),
	}, odd
}

// unlike is nil for what is the program's own.
func unlike[T comparable](own T, otherwise *T) *T {
	if own == *otherwise {
		return nil
	}
	return &own
}
