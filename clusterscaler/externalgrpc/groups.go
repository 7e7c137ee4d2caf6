package externalgrpc

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
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

// list is the groups of the server, each id once. What cannot be a group's id is left out, and added to troubles.
func (p *Provider) list(ctx context.Context, troubles map[string]string) ([]fleet.Group, error) {
	answer, err := call(ctx, p, "NodeGroups", subject{}, p.client.NodeGroups, &protocol.NodeGroupsRequest{})
	if err != nil {
		return nil, err
	}
	if n := len(answer.GetNodeGroups()); n > maxGroups {
		return nil, fmt.Errorf("server %s: NodeGroups: %d groups are more than %d", p.cfg.Address, n, maxGroups)
	}
	at := map[string]int{}
	var out []fleet.Group
	for _, from := range answer.GetNodeGroups() {
		g := fleet.Group{Name: from.GetId(), Min: int(from.GetMinSize()), Max: int(from.GetMaxSize()), Nodes: []string{}}
		if bad := badID(g.Name); bad != "" {
			troubles["a group that is left out"] = fmt.Sprintf("group %q: %s", clipped(g.Name), bad)
			continue
		}
		if i, twice := at[g.Name]; twice {
			if out[i].Min != g.Min || out[i].Max != g.Max {
				out[i].Unknown = "the server lists it twice, with different bounds"
			}
			continue
		}
		if g.Min < 0 || g.Max < g.Min {
			g.Unknown = fmt.Sprintf("min %d and max %d: 0 <= min <= max must hold", g.Min, g.Max)
		}
		at[g.Name] = len(out)
		out = append(out, g)
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

// inspect asks for what changes of each group, and at times for the rest. What fails is noted at the group, and added to
// troubles; only the end of ctx is an error.
func (p *Provider) inspect(ctx context.Context, groups []fleet.Group, troubles map[string]string) error {
	var tasks errgroup.Group
	tasks.SetLimit(parallel)
	now := p.deps.Now()
	all, failed := make([]*details, len(groups)), make([]error, len(groups))
	for i := range groups {
		g := &groups[i]
		last := p.details[g.Name]
		tasks.Go(func() error {
			failed[i] = p.observeGroup(ctx, g)
			all[i] = p.detailsOf(ctx, g.Name, last, now)
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("server %s: the observation takes too long: %w", p.cfg.Address, err)
	}
	p.details = make(map[string]*details, len(groups))
	for i := range groups {
		g := &groups[i]
		p.details[g.Name] = all[i]
		all[i].tell(g, troubles)
		switch {
		case g.Unknown != "":
			troubles["group "+g.Name] = g.Unknown
		case g.Trouble != "":
			troubles["group "+g.Name] = g.Trouble
		case failed[i] != nil:
			troubles["the instances of group "+g.Name] = failed[i].Error()
		}
	}
	return nil
}

// observeGroup asks for the size and the instances of a group. It returns why the instances are not known.
func (p *Provider) observeGroup(ctx context.Context, g *fleet.Group) error {
	size, err := unlessSilent(p, "NodeGroupTargetSize", g.Name, func() (int, error) { return p.size(ctx, g.Name) })
	if err == nil {
		g.Target = &size
	} else {
		g.Unknown = cmp.Or(g.Unknown, err.Error())
	}
	instances, err := unlessSilent(p, "NodeGroupNodes", g.Name, func() ([]fleet.Instance, error) { return p.instances(ctx, g.Name) })
	if err == nil {
		g.Instances = instances
	}
	return err
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
func (p *Provider) instances(ctx context.Context, group string) ([]fleet.Instance, error) {
	answer, err := call(ctx, p, "NodeGroupNodes", subject{group: group}, p.client.NodeGroupNodes, &protocol.NodeGroupNodesRequest{Id: group})
	if err != nil {
		return nil, err
	}
	return instancesOf(answer.GetInstances()), nil
}

func clipped(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}
