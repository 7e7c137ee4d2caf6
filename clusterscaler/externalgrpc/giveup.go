package externalgrpc

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// match finds the instances that no node stands for, and counts the nodes of each group.
func (p *Provider) match(groups []*observed, nodes []*corev1.Node, member map[string]string) {
	standing, count := make(map[string]bool, len(nodes)), map[string]int{}
	for _, n := range nodes {
		standing[n.Spec.ProviderID] = true
		if group, ours := member[n.Name]; ours {
			count[group]++
		}
	}
	before := p.observation().groups
	for _, g := range groups {
		g.registered = count[g.id]
		if !g.instancesTold { // nor that one has failed
			if last := before[g.id]; last != nil {
				g.unregistered = slices.DeleteFunc(slices.Clone(last.unregistered), func(id string) bool { return standing[id] })
			}
			continue
		}
		for _, i := range g.instances {
			switch {
			case standing[i.ID] || i.State == Deleting:
			case i.failed():
				g.failed = append(g.failed, i)
			default:
				g.unregistered = append(g.unregistered, i.ID)
			}
		}
	}
}

// silentOf has for each group the nodes of whose instances the server tells no state.
func silentOf(groups []*observed, nodes []*corev1.Node, member map[string]string) map[string][]string {
	told := map[string]bool{}
	for _, g := range groups {
		for _, i := range g.instances {
			if i.State != Unspecified {
				told[i.ID] = true
			}
		}
	}
	out := map[string][]string{}
	for _, n := range nodes {
		if group, ours := member[n.Name]; ours && !told[n.Spec.ProviderID] {
			out[group] = append(out[group], n.Name)
		}
	}
	return out
}

// failures are the failed instances in the core's terms.
func (o *observed) failures() []plan.Failure {
	var out []plan.Failure
	for _, i := range o.failed {
		out = append(out, plan.Failure{Instance: i.ID, Message: i.Error.String()})
	}
	return out
}

// provisionTime is how long an instance of the group may take to become a node.
func (p *Provider) provisionTime(g *observed) time.Duration {
	if own := g.details.options; own != nil && own.MaxNodeProvisionTime != nil {
		return own.MaxNodeProvisionTime.Std()
	}
	return p.deps.Defaults.MaxNodeProvisionTime.Std()
}

// Decrease gives up nodes of a group of that size that have failed or have not come. What is there is asked anew before,
// and when the size is lower already only what is missing is done. Each call is made once.
func (p *Provider) Decrease(ctx context.Context, group string, from, by int) error {
	g, known := p.observation().groups[group]
	switch {
	case !known:
		return fmt.Errorf("server %s has no group %s", p.cfg.Address, printable(group))
	case by < 1:
		return fmt.Errorf("group %s: %d nodes are none to give up", printable(group), by)
	}
	done, err := p.takeGroup(ctx, group)
	if err != nil {
		return err
	}
	defer done()
	size, err := p.size(ctx, group)
	if err != nil {
		return err
	}
	instances, err := p.instances(ctx, group)
	if err != nil {
		return err
	}
	if by = min(by, size-(from-by)); by <= 0 {
		p.deps.Log.Info("nodes were given up meanwhile", "group", group, "size", size, "wanted", from-by)
		return nil
	}
	l := lossOf(g, instances, size, by)
	if err := p.deleteInstances(ctx, group, l.failed, "create-error"); err != nil {
		return err
	}
	if l.absent > 0 {
		_, err := call(ctx, p, "NodeGroupDecreaseTargetSize", subject{group: group}, p.client.NodeGroupDecreaseTargetSize,
			&protocol.NodeGroupDecreaseTargetSizeRequest{Id: group, Delta: -int32(l.absent)})
		if err != nil {
			return err
		}
		p.shrunk(group, l.absent)
	}
	if left := by - l.nodes(); left > 0 {
		return fmt.Errorf("group %s: of the nodes to give up %d are there or may still come", printable(group), left)
	}
	return nil
}

// loss is what is given up of a group.
type loss struct {
	// failed are instances that cannot be made.
	failed []string
	// absent is how many nodes there are no instances of.
	absent int
}

func (l *loss) nodes() int { return len(l.failed) + l.absent }

// lossOf chooses up to so many nodes of a group: instances that have failed, and then nodes of which there is no instance.
// Only instances that had failed in the observation, and have in the list of now, are chosen. The size falls neither below
// the nodes that stand nor below the instances that are well.
func lossOf(g *observed, now []Instance, size, by int) loss {
	var l loss
	failed := map[string]bool{}
	for _, i := range g.failed {
		failed[i.ID] = true
	}
	there := 0 // with those that failed
	for _, i := range now {
		switch {
		case i.State == Deleting:
			continue
		case i.failed() && failed[i.ID]:
			l.failed = append(l.failed, i.ID)
		}
		there++
	}
	well := max(there-len(l.failed), g.registered)
	l.failed = l.failed[:clamp(size-well, min(by, len(l.failed)))]
	by, size, there = by-len(l.failed), size-len(l.failed), there-len(l.failed)
	l.absent = clamp(size-max(there, g.registered), by)
	return l
}

// clamp is n, but not below 0 and not above most.
func clamp(n, most int) int { return max(0, min(n, most)) }

// reasonAnnotation is how cluster-autoscaler tells servers why an instance is deleted that is no node.
const reasonAnnotation = "k8s.io/cluster-autoscaler/fake-node-reason"

// deleteUnregistered removes instances that had no node in the last observation. How small the group may become was decided
// before; but a size below the nodes that stand would make the cloud delete one of these.
func (p *Provider) deleteUnregistered(ctx context.Context, g *observed, ids []string) error {
	done, err := p.takeGroup(ctx, g.id)
	if err != nil {
		return err
	}
	defer done()
	size, err := p.size(ctx, g.id)
	if err != nil {
		return err
	}
	if size-len(ids) < g.registered {
		return fmt.Errorf("group %s: its size is %d by now; without %d of them it would be below the %d nodes that stand", printable(g.id), size, len(ids), g.registered)
	}
	return p.deleteInstances(ctx, g.id, ids, "unregistered")
}

// deleteInstances removes instances that are no nodes, in one call.
func (p *Provider) deleteInstances(ctx context.Context, group string, ids []string, why string) error {
	if len(ids) == 0 {
		return nil
	}
	request := &protocol.NodeGroupDeleteNodesRequest{Id: group}
	for _, id := range ids {
		request.Nodes = append(request.Nodes, &protocol.ExternalGrpcNode{
			ProviderID: id, Name: id, Annotations: map[string]string{reasonAnnotation: why},
		})
	}
	_, err := call(ctx, p, "NodeGroupDeleteNodes", subject{group: group}, p.client.NodeGroupDeleteNodes, request)
	if err == nil {
		p.shrunk(group, len(ids))
	}
	return err
}
