package externalgrpctest

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// Refresh does nothing.
func (s *Fake) Refresh(context.Context, *protocol.RefreshRequest) (*protocol.RefreshResponse, error) {
	return &protocol.RefreshResponse{}, nil
}

// Cleanup does nothing.
func (s *Fake) Cleanup(context.Context, *protocol.CleanupRequest) (*protocol.CleanupResponse, error) {
	return &protocol.CleanupResponse{}, nil
}

// NodeGroups lists Groups.
func (s *Fake) NodeGroups(context.Context, *protocol.NodeGroupsRequest) (*protocol.NodeGroupsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupsResponse{NodeGroups: slices.Clone(s.Groups)}, nil
}

// NodeGroupForNode looks into Nodes.
func (s *Fake) NodeGroupForNode(_ context.Context, r *protocol.NodeGroupForNodeRequest) (*protocol.NodeGroupForNodeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupForNodeResponse{NodeGroup: &protocol.NodeGroup{Id: s.Nodes[r.GetNode().GetName()]}}, nil
}

// NodeGroupTargetSize looks into Lies and Sizes.
func (s *Fake) NodeGroupTargetSize(_ context.Context, r *protocol.NodeGroupTargetSizeRequest) (*protocol.NodeGroupTargetSizeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.known(r.GetId()); err != nil {
		return nil, err
	}
	size, lies := s.Lies[r.GetId()]
	if !lies {
		size = s.Sizes[r.GetId()]
	}
	return &protocol.NodeGroupTargetSizeResponse{TargetSize: size}, nil
}

// NodeGroupIncreaseSize raises a size within the group's bounds.
func (s *Fake) NodeGroupIncreaseSize(_ context.Context, r *protocol.NodeGroupIncreaseSizeRequest) (*protocol.NodeGroupIncreaseSizeResponse, error) {
	grown, err := s.grow(r.GetId(), r.GetDelta())
	if err != nil {
		return nil, err
	}
	if grown != nil {
		grown(r.GetId(), int(r.GetDelta()))
	}
	return &protocol.NodeGroupIncreaseSizeResponse{}, nil
}

// grow returns Grown.
func (s *Fake) grow(group string, by int32) (func(group string, by int), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.known(group)
	if err != nil {
		return nil, err
	}
	if size := s.Sizes[group] + by; by <= 0 || size > g.GetMaxSize() {
		return nil, status.Errorf(codes.InvalidArgument, "the group cannot have %d nodes", size)
	}
	s.Sizes[group] += by
	return s.Grown, nil
}

// NodeGroupDecreaseTargetSize lowers a size, but not below the instances that are listed.
func (s *Fake) NodeGroupDecreaseTargetSize(_ context.Context, r *protocol.NodeGroupDecreaseTargetSizeRequest) (*protocol.NodeGroupDecreaseTargetSizeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.known(r.GetId()); err != nil {
		return nil, err
	}
	if size := s.Sizes[r.GetId()] + r.GetDelta(); r.GetDelta() >= 0 || int(size) < len(s.Instances[r.GetId()]) {
		return nil, status.Errorf(codes.InvalidArgument, "the group has %d instances and cannot have a size of %d", len(s.Instances[r.GetId()]), size)
	}
	s.Sizes[r.GetId()] += r.GetDelta()
	return &protocol.NodeGroupDecreaseTargetSizeResponse{}, nil
}

// NodeGroupDeleteNodes forgets nodes and instances of the group.
func (s *Fake) NodeGroupDeleteNodes(_ context.Context, r *protocol.NodeGroupDeleteNodesRequest) (*protocol.NodeGroupDeleteNodesResponse, error) {
	removed, err := s.remove(r.GetId(), r.GetNodes())
	if err != nil {
		return nil, err
	}
	if removed != nil {
		removed(r.GetNodes())
	}
	return &protocol.NodeGroupDeleteNodesResponse{}, nil
}

// remove returns Removed.
func (s *Fake) remove(group string, nodes []*protocol.ExternalGrpcNode) (func([]*protocol.ExternalGrpcNode), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(n *protocol.ExternalGrpcNode) func(*protocol.Instance) bool {
		return func(i *protocol.Instance) bool { return i.GetId() == n.GetProviderID() }
	}
	instances := s.Instances[group]
	for _, n := range nodes {
		if s.Nodes[n.GetName()] != group && !slices.ContainsFunc(instances, is(n)) {
			return nil, status.Errorf(codes.NotFound, "node %q is not of group %q", n.GetName(), group)
		}
	}
	for _, n := range nodes {
		delete(s.Nodes, n.GetName())
		instances = slices.DeleteFunc(slices.Clone(instances), is(n))
		s.Sizes[group]--
		s.Deleted = append(s.Deleted, n)
	}
	s.Instances[group] = instances
	return s.Removed, nil
}

// NodeGroupNodes lists Instances.
func (s *Fake) NodeGroupNodes(_ context.Context, r *protocol.NodeGroupNodesRequest) (*protocol.NodeGroupNodesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupNodesResponse{Instances: slices.Clone(s.Instances[r.GetId()])}, nil
}

// NodeGroupTemplateNodeInfo looks into Templates.
func (s *Fake) NodeGroupTemplateNodeInfo(_ context.Context, r *protocol.NodeGroupTemplateNodeInfoRequest) (*protocol.NodeGroupTemplateNodeInfoResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	template, has := s.Templates[r.GetId()]
	switch {
	case !has:
		return nil, status.Error(codes.Unimplemented, "there are no templates")
	case s.OldTemplates:
		return &protocol.NodeGroupTemplateNodeInfoResponse{NodeBefore_1_35: template}, nil
	default:
		return &protocol.NodeGroupTemplateNodeInfoResponse{NodeBytes: template}, nil
	}
}

// PricingNodePrice finds the group in the label "group" of the node.
func (s *Fake) PricingNodePrice(_ context.Context, r *protocol.PricingNodePriceRequest) (*protocol.PricingNodePriceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	price, has := s.Prices[r.GetNode().GetLabels()["group"]]
	if !has {
		return nil, status.Error(codes.Unimplemented, "there are no prices")
	}
	return &protocol.PricingNodePriceResponse{Price: price * r.GetEndTimestamp().AsTime().Sub(r.GetStartTimestamp().AsTime()).Hours()}, nil
}

// NodeGroupGetOptions looks into Options.
func (s *Fake) NodeGroupGetOptions(_ context.Context, r *protocol.NodeGroupAutoscalingOptionsRequest) (*protocol.NodeGroupAutoscalingOptionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	options, has := s.Options[r.GetId()]
	if !has {
		return nil, status.Error(codes.Unimplemented, "there are no options")
	}
	return &protocol.NodeGroupAutoscalingOptionsResponse{NodeGroupAutoscalingOptions: options}, nil
}
