package externalgrpc

import (
	"context"
	"fmt"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// turnOf is the turn of a request that changes the group. A group that hangs holds no other up.
func (p *Provider) turnOf(ctx context.Context, id string) (done func(), err error) {
	p.mu.Lock()
	turn, known := p.changing[id]
	if !known {
		turn = make(chan struct{}, 1)
		p.changing[id] = turn
	}
	p.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("group %s: another request takes too long: %w", printable(id), ctx.Err())
	}
}

// SetTarget lets a group grow, or gives up nodes of it that have not come. When the server has moved the size meanwhile, only what
// is missing is asked for. The call is made once: whether it took effect in spite of an error is seen in the next size.
func (p *Provider) SetTarget(ctx context.Context, r fleet.Resize) (moved int, err error) {
	done, err := p.turnOf(ctx, r.Group)
	if err != nil {
		return 0, err
	}
	defer done()
	size, err := p.size(ctx, r.Group)
	if err != nil {
		return 0, err
	}
	if r.To < r.From {
		return p.lower(ctx, r, size)
	}
	by := r.Grow(size)
	if by == 0 {
		p.deps.Log.Info("a group has grown meanwhile", "group", r.Group, "size", size, "wanted", r.To)
		return 0, nil
	}
	_, err = call(ctx, p, "NodeGroupIncreaseSize", subject{group: r.Group}, p.client.NodeGroupIncreaseSize,
		&protocol.NodeGroupIncreaseSizeRequest{Id: r.Group, Delta: int32(by)})
	if err != nil {
		return 0, err
	}
	return by, nil
}

// lower gives up nodes of which there is no instance.
func (p *Provider) lower(ctx context.Context, r fleet.Resize, size int) (moved int, err error) {
	instances, err := p.instances(ctx, r.Group)
	if err != nil {
		return 0, err
	}
	by, left := r.Lower(size, instances)
	if by > 0 {
		_, err := call(ctx, p, "NodeGroupDecreaseTargetSize", subject{group: r.Group}, p.client.NodeGroupDecreaseTargetSize,
			&protocol.NodeGroupDecreaseTargetSizeRequest{Id: r.Group, Delta: -int32(by)})
		if err != nil {
			return 0, err
		}
	}
	if left > 0 {
		return by, fmt.Errorf("group %s: of the nodes to give up %d are there or may still come", printable(r.Group), left)
	}
	return by, nil
}

// Terminate deletes nodes of a group, or instances that have none, all in one call that is made once. The size is read anew: they
// were chosen a while ago.
func (p *Provider) Terminate(ctx context.Context, t fleet.Termination) (accepted []fleet.Victim, err error) {
	if len(t.Victims) == 0 {
		return nil, nil
	}
	done, err := p.turnOf(ctx, t.Group)
	if err != nil {
		return nil, err
	}
	defer done()
	size, err := p.size(ctx, t.Group)
	if err != nil {
		return nil, err
	}
	var instances []fleet.Instance
	if t.Why != fleet.Unregistered {
		if instances, err = p.instances(ctx, t.Group); err != nil && t.Why == fleet.CreateFailed {
			return nil, err
		} // a drained node is judged by the size alone then
	}
	victims, err := t.Check(size, instances)
	if err != nil || len(victims) == 0 {
		return nil, err
	}
	request := &protocol.NodeGroupDeleteNodesRequest{Id: t.Group}
	for _, v := range victims {
		node, err := p.victim(t.Why, v)
		if err != nil {
			return nil, fmt.Errorf("group %s: %w", printable(t.Group), err)
		}
		request.Nodes = append(request.Nodes, node)
	}
	about := subject{group: t.Group}
	if len(victims) == 1 {
		about.node = victims[0].Node
	}
	if _, err := call(ctx, p, "NodeGroupDeleteNodes", about, p.client.NodeGroupDeleteNodes, request); err != nil {
		return nil, err
	}
	return victims, nil
}

// reasonAnnotation is how cluster-autoscaler tells servers why an instance is deleted that is no node.
const reasonAnnotation = "k8s.io/cluster-autoscaler/fake-node-reason"

// victim is what the server is told of what it is to delete.
func (p *Provider) victim(why fleet.Reason, v fleet.Victim) (*protocol.ExternalGrpcNode, error) {
	if why == fleet.Drained {
		p.mu.Lock()
		defer p.mu.Unlock()
		m, known := p.nodes[v.Node]
		if !known {
			return nil, fmt.Errorf("the server was not asked of node %s", printable(v.Node))
		}
		return m.node, nil
	}
	reason := "unregistered"
	if why == fleet.CreateFailed {
		reason = "create-error"
	}
	return &protocol.ExternalGrpcNode{ProviderID: v.ID, Name: v.ID, Annotations: map[string]string{reasonAnnotation: reason}}, nil
}
