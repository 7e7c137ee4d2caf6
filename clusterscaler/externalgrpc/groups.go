package externalgrpc

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

const (
	// parallel is how many calls are under way at a time, few enough for servers that pass each on to a cloud.
	parallel = 8
	// maxGroups, maxGroupID and maxSize are beyond what a cluster can have; more is a mistake of the server, which must
	// not cost memory here.
	maxGroups  = 10_000
	maxGroupID = 1024
	maxSize    = 100_000
)

// observed is a group in one observation.
type observed struct {
	id       string
	min, max int
	// bad is why the group as the server lists it is not to be touched.
	bad string
	// size is the last one that the server told; sizeTold says that it was told in this observation.
	size     int
	sizeTold bool
	sizeErr  error

	instances     []Instance
	instancesTold bool
	instancesErr  error
	// failed are the instances that cannot be made, and unregistered the others without a node.
	failed       []Instance
	unregistered []string
	// registered is how many nodes the group has, and coming how many promised ones have not come.
	registered, coming int
	details            *details
}

// list is the groups of the server, each id once. What cannot be a group's id is left out, and said.
func (p *Provider) list(ctx context.Context) ([]*observed, error) {
	answer, err := call(ctx, p, "NodeGroups", subject{}, p.client.NodeGroups, &protocol.NodeGroupsRequest{})
	if err != nil {
		return nil, err
	}
	if n := len(answer.GetNodeGroups()); n > maxGroups {
		return nil, fmt.Errorf("server %s: NodeGroups: %d groups are more than %d", p.cfg.Address, n, maxGroups)
	}
	before := p.observation().groups
	first := map[string]*observed{}
	var out []*observed
	for _, g := range answer.GetNodeGroups() {
		id := g.GetId()
		if known, twice := first[id]; twice {
			if known.min != int(g.GetMinSize()) || known.max != int(g.GetMaxSize()) {
				known.bad = "the server lists it twice, with different bounds"
			}
			continue
		}
		o := &observed{id: id, min: int(g.GetMinSize()), max: int(g.GetMaxSize()), bad: badID(id)}
		if o.bad == "" && (o.min < 0 || o.max < o.min) {
			o.bad = fmt.Sprintf("min %d and max %d: 0 <= min <= max must hold", o.min, o.max)
		}
		if last, known := before[id]; known {
			o.size = last.size
		}
		first[id] = o
		out = append(out, o)
	}
	return out, nil
}

// badID is why a text cannot be the id of a group; empty when it can.
func badID(id string) string {
	switch {
	case id == "":
		return "its id is empty"
	case len(id) > maxGroupID:
		return fmt.Sprintf("its id has more than %d bytes", maxGroupID)
	case strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "its id has characters that cannot be printed"
	default:
		return ""
	}
}

// usable says that the group can be spoken of: its id is one.
func (o *observed) usable() bool { return badID(o.id) == "" }

// inspect asks for what changes of each group, and at times for the rest. What fails is noted at the group; only the
// end of ctx is an error.
func (p *Provider) inspect(ctx context.Context, groups []*observed) error {
	var tasks errgroup.Group
	tasks.SetLimit(parallel)
	now := p.deps.Now()
	current := make(map[string]*details, len(groups))
	for _, g := range groups {
		if !g.usable() {
			continue
		}
		last := p.details[g.id]
		tasks.Go(func() error {
			p.inspectOne(ctx, g, last, now)
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("server %s: the observation takes too long: %w", p.cfg.Address, err)
	}
	for _, g := range groups {
		if g.usable() {
			current[g.id] = g.details
		}
	}
	p.details = current
	return nil
}

func (p *Provider) inspectOne(ctx context.Context, g *observed, last *details, now time.Time) {
	size, err := unlessSilent(p, "NodeGroupTargetSize", g.id, func() (int, error) { return p.size(ctx, g.id) })
	if g.sizeErr = err; err == nil {
		g.size, g.sizeTold = size, true
	}
	instances, err := unlessSilent(p, "NodeGroupNodes", g.id, func() ([]Instance, error) { return p.instances(ctx, g.id) })
	if g.instancesErr = err; err == nil {
		g.instances, g.instancesTold = instances, true
	}
	g.details = p.detailsOf(ctx, g.id, last, now)
}

// size is the number of nodes that the group works towards.
func (p *Provider) size(ctx context.Context, group string) (int, error) {
	answer, err := call(ctx, p, "NodeGroupTargetSize", subject{group: group}, p.client.NodeGroupTargetSize,
		&protocol.NodeGroupTargetSizeRequest{Id: group})
	if err != nil {
		return 0, err
	}
	if n := int(answer.GetTargetSize()); n >= 0 && n <= maxSize {
		return n, nil
	}
	return 0, fmt.Errorf("server %s: NodeGroupTargetSize of group %s: %d is no size of a group", p.cfg.Address, printable(group), answer.GetTargetSize())
}

// instances are the machines of the group.
func (p *Provider) instances(ctx context.Context, group string) ([]Instance, error) {
	answer, err := call(ctx, p, "NodeGroupNodes", subject{group: group}, p.client.NodeGroupNodes, &protocol.NodeGroupNodesRequest{Id: group})
	if err != nil {
		return nil, err
	}
	return instancesOf(answer.GetInstances()), nil
}

// planned is the groups as the core sees them. What is wrong with one is added to troubles.
func (p *Provider) planned(groups []*observed, nodes []*corev1.Node, member map[string]string, troubles map[string]string) []plan.Group {
	examples := examplesOf(nodes, member)
	out := make([]plan.Group, 0, len(groups))
	silent := silentOf(groups, nodes, member)
	for _, g := range groups {
		if !g.usable() {
			troubles["a group that is left out"] = fmt.Sprintf("group %q: %s", clipped(g.id), g.bad)
			continue
		}
		planned := p.plannedOne(g, examples[g.id])
		planned.Silent = silent[g.id]
		if t := g.details.optionsTrouble; t != "" {
			troubles["the options of group "+g.id] = t
		}
		out = append(out, planned)
		if planned.Trouble != "" {
			troubles["group "+g.id] = planned.Trouble
		} else if g.instancesErr != nil {
			troubles["the instances of group "+g.id] = g.instancesErr.Error()
		}
		if t := g.details.priceTrouble; t != "" {
			troubles["the price of group "+g.id] = t
		}
	}
	return out
}

// plannedOne is a group as the core sees it. One whose size or bounds are not known stands still, and one whose own
// settings are not known does not shrink.
func (p *Provider) plannedOne(g *observed, example *corev1.Node) plan.Group {
	size, doubt := p.believed(g)
	out := plan.Group{
		Name: g.id, Min: g.min, Max: g.max, Target: size, Price: g.details.price, Failed: g.failures(), Unregistered: g.unregistered,
		Options: g.details.options.planned(p.deps.Defaults),
	}
	if g.details.optionsUnknown {
		out.Min = max(out.Min, out.Target)
	}
	template, trouble := g.details.template, g.details.trouble
	if template == nil && trouble == "" {
		if template, trouble = templateOf(example); template == nil {
			trouble = "the server has no template of a node, and the group no ready node to take for one"
		}
	}
	if template != nil {
		template = named(template, "template-of-"+g.id)
		out.Template, out.Capacity = scheduling.NodeOf(template), scheduling.ResourcesOf(template.Status.Capacity)
	}
	if out.Trouble = trouble; trouble == "" {
		out.Trouble = doubt
	}
	if still := g.still(); still != "" {
		out.Trouble = still
		if !g.sizeTold && out.Target == 0 {
			out.Target = g.registered
		}
		out.Min, out.Max = out.Target, out.Target
	}
	return out
}

// still is why the group must neither grow nor shrink; empty when it may.
func (o *observed) still() string {
	switch {
	case o.bad != "":
		return o.bad
	case o.sizeErr != nil:
		return o.sizeErr.Error()
	default:
		return ""
	}
}

func clipped(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}
