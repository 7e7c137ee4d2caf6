package externalgrpc

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// member is a node as the server was told of it, with what the server answered. It is never changed.
type member struct {
	node *protocol.ExternalGrpcNode
	// group is empty when the node belongs to none.
	group string
	asked time.Time
	// seen is the last version of the node of which the server would be told just that.
	seen version
}

// version tells one state of an object from any other. The zero value tells nothing.
type version struct {
	uid      types.UID
	resource string
}

func versionOf(n *corev1.Node) version { return version{n.UID, n.ResourceVersion} }

// of is the member as it is known by that state of the node, or nil when the server was told something else.
func (m *member) of(n *corev1.Node) *member {
	seen := versionOf(n)
	switch {
	case m == nil:
		return nil
	case seen.resource != "" && seen == m.seen:
		return m
	case !same(m.node, sent(n)):
		return nil
	}
	again := *m
	again.seen = seen
	return &again
}

// How long the group of a node holds. A node without one may be so new that the cloud does not show it yet.
const (
	youth          = 15 * time.Minute
	strangerAge    = time.Minute
	unconfirmedAge = 10 * time.Minute
	// leastRenewed is how many answers are renewed in a loop at least; the others wait, so that the thousands of a large
	// cluster are not all asked for in one.
	leastRenewed = 16
)

// sent is what the server is told of a node.
func sent(n *corev1.Node) *protocol.ExternalGrpcNode {
	annotations := n.Annotations
	if annotations[corev1.LastAppliedConfigAnnotation] != "" { // repeats the node; a cached one has lost it
		annotations = maps.Clone(annotations)
		delete(annotations, corev1.LastAppliedConfigAnnotation)
	}
	return &protocol.ExternalGrpcNode{ProviderID: n.Spec.ProviderID, Name: n.Name, Labels: n.Labels, Annotations: annotations}
}

// same says that the server would be told the same.
func same(a, b *protocol.ExternalGrpcNode) bool {
	return a.ProviderID == b.ProviderID && a.Name == b.Name && maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// assign tells each group its nodes. The server is asked only of nodes that it has not been asked of as they are now, and
// again where its answer may have changed. Nodes of which it cannot tell have no group, which is added to troubles.
func (p *Provider) assign(ctx context.Context, nodes []*corev1.Node, groups []fleet.Group, troubles map[string]string) error {
	at := make(map[string]*fleet.Group, len(groups))
	for i := range groups {
		at[groups[i].Name] = &groups[i]
	}
	now := p.deps.Now()
	next, asks := p.known(nodes, at, instancesByID(groups), now)
	answers, errs, err := p.ask(ctx, asks, next, now)
	if err != nil {
		return err
	}
	for i, node := range asks {
		if answers[i] != nil {
			next[node.Name] = answers[i]
		} else {
			delete(next, node.Name)
		}
	}
	noteFailed(errs, troubles)
	p.members = next
	for _, n := range nodes {
		m := next[n.Name]
		if m == nil || m.group == "" {
			continue
		}
		if g := at[m.group]; g != nil {
			g.Nodes = append(g.Nodes, n.Name)
		} else {
			troubles["nodes of a group that it does not list"] = fmt.Sprintf("node %s is of group %s", printable(n.Name), printable(m.group))
		}
	}
	return nil
}

// ask asks of the nodes, several at a time. When the server itself fails, the answer that a node has in last stays, and
// no more is asked of those that have one; for a node without one that is an error of all, since nothing can be decided
// on half of the nodes. What fails for one node leaves it without an answer. The results are in the order of asks.
func (p *Provider) ask(ctx context.Context, asks []*protocol.ExternalGrpcNode, last map[string]*member, now time.Time) ([]*member, []error, error) {
	answers, errs := make([]*member, len(asks)), make([]error, len(asks))
	var failing atomic.Bool
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.SetLimit(parallel)
	for i, node := range asks {
		tasks.Go(func() error {
			before := last[node.Name]
			if before != nil && failing.Load() {
				answers[i] = before
				return nil
			}
			answers[i], errs[i] = p.groupOf(ctx, node, now)
			switch {
			case errs[i] == nil || !ofServer(errs[i]):
				return nil
			case before == nil:
				return errs[i]
			}
			failing.Store(true)
			answers[i] = before
			return nil
		})
	}
	return answers, errs, tasks.Wait()
}

func noteFailed(errs []error, troubles map[string]string) {
	failed := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(failed) > 0 {
		troubles["nodes"] = fmt.Sprintf("%v (nodes: %d)", failed[0], len(failed))
	}
}

// known is what holds of what was answered before, and the nodes to ask of.
func (p *Provider) known(nodes []*corev1.Node, listed map[string]*fleet.Group, instances map[string]string, now time.Time) (next map[string]*member, asks []*protocol.ExternalGrpcNode) {
	next = make(map[string]*member, len(nodes))
	var renewals []*member
	for _, n := range nodes {
		m := p.members[n.Name].of(n)
		if m == nil {
			asks = append(asks, sent(n))
			continue
		}
		next[n.Name] = m
		group, isInstance := instances[n.Spec.ProviderID]
		switch age := now.Sub(m.asked); {
		case m.group == "":
			if now.Sub(n.CreationTimestamp.Time) < youth || age >= strangerAge || isInstance {
				asks = append(asks, m.node)
			}
		case listed[m.group] == nil, isInstance && group != m.group:
			asks = append(asks, m.node)
		case isInstance: // the list of the group's instances says the same
		case age >= unconfirmedAge:
			renewals = append(renewals, m)
		}
	}
	slices.SortStableFunc(renewals, func(a, b *member) int {
		return cmp.Or(a.asked.Compare(b.asked), cmp.Compare(a.node.Name, b.node.Name))
	})
	for _, m := range renewals[:min(len(renewals), max(leastRenewed, len(nodes)/50))] {
		asks = append(asks, m.node)
	}
	return next, asks
}

// instancesByID is the group of each instance that only one group lists.
func instancesByID(groups []fleet.Group) map[string]string {
	out, twice := map[string]string{}, map[string]bool{}
	for i := range groups {
		g := &groups[i]
		for _, instance := range g.Instances {
			if other, known := out[instance.ID]; known && other != g.Name {
				twice[instance.ID] = true
			}
			out[instance.ID] = g.Name
		}
	}
	maps.DeleteFunc(out, func(id, _ string) bool { return twice[id] })
	return out
}

// groupOf asks for the group of a node.
func (p *Provider) groupOf(ctx context.Context, node *protocol.ExternalGrpcNode, now time.Time) (*member, error) {
	answer, err := call(ctx, p, "NodeGroupForNode", subject{node: node.GetName()}, p.client.NodeGroupForNode,
		&protocol.NodeGroupForNodeRequest{Node: node})
	if err != nil {
		return nil, err
	}
	return &member{node: node, group: answer.GetNodeGroup().GetId(), asked: now}, nil
}
