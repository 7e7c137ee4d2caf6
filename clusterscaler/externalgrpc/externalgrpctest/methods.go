package externalgrpctest

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// Refresh does nothing.
func (s *Server) Refresh(context.Context, *protocol.RefreshRequest) (*protocol.RefreshResponse, error) {
	return &protocol.RefreshResponse{}, nil
}

// Cleanup does nothing.
func (s *Server) Cleanup(context.Context, *protocol.CleanupRequest) (*protocol.CleanupResponse, error) {
	return &protocol.CleanupResponse{}, nil
}

// NodeGroups lists Groups.
func (s *Server) NodeGroups(context.Context, *protocol.NodeGroupsRequest) (*protocol.NodeGroupsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupsResponse{NodeGroups: slices.Clone(s.Groups)}, nil
}

// NodeGroupForNode looks into Nodes.
func (s *Server) NodeGroupForNode(_ context.Context, r *protocol.NodeGroupForNodeRequest) (*protocol.NodeGroupForNodeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupForNodeResponse{NodeGroup: &protocol.NodeGroup{Id: s.Nodes[r.GetNode().GetName()]}}, nil
}

// NodeGroupTargetSize looks into Sizes.
func (s *Server) NodeGroupTargetSize(_ context.Context, r *protocol.NodeGroupTargetSizeRequest) (*protocol.NodeGroupTargetSizeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.known(r.GetId()); err != nil {
		return nil, err
	}
	return &protocol.NodeGroupTargetSizeResponse{TargetSize: s.Sizes[r.GetId()]}, nil
}

// NodeGroupIncreaseSize raises a size within the group's bounds.
func (s *Server) NodeGroupIncreaseSize(_ context.Context, r *protocol.NodeGroupIncreaseSizeRequest) (*protocol.NodeGroupIncreaseSizeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.known(r.GetId())
	if err != nil {
		return nil, err
	}
	if size := s.Sizes[r.GetId()] + r.GetDelta(); r.GetDelta() <= 0 || size > g.GetMaxSize() {
		return nil, status.Errorf(codes.InvalidArgument, "the group cannot have %d nodes", size)
	}
	s.Sizes[r.GetId()] += r.GetDelta()
	return &protocol.NodeGroupIncreaseSizeResponse{}, nil
}

// NodeGroupDecreaseTargetSize lowers a size, but not below the instances that are listed.
func (s *Server) NodeGroupDecreaseTargetSize(_ context.Context, r *protocol.NodeGroupDecreaseTargetSizeRequest) (*protocol.NodeGroupDecreaseTargetSizeResponse, error) {
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
func (s *Server) NodeGroupDeleteNodes(_ context.Context, r *protocol.NodeGroupDeleteNodesRequest) (*protocol.NodeGroupDeleteNodesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(n *protocol.ExternalGrpcNode) func(*protocol.Instance) bool {
		return func(i *protocol.Instance) bool { return i.GetId() == n.GetProviderID() }
	}
	instances := s.Instances[r.GetId()]
	for _, n := range r.GetNodes() {
		if s.Nodes[n.GetName()] != r.GetId() && !slices.ContainsFunc(instances, is(n)) {
			return nil, status.Errorf(codes.NotFound, "node %q is not of group %q", n.GetName(), r.GetId())
		}
	}
	for _, n := range r.GetNodes() {
		delete(s.Nodes, n.GetName())
		instances = slices.DeleteFunc(slices.Clone(instances), is(n))
		s.Sizes[r.GetId()]--
		s.Deleted = append(s.Deleted, n)
	}
	s.Instances[r.GetId()] = instances
	return &protocol.NodeGroupDeleteNodesResponse{}, nil
}

// NodeGroupNodes lists Instances.
func (s *Server) NodeGroupNodes(_ context.Context, r *protocol.NodeGroupNodesRequest) (*protocol.NodeGroupNodesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &protocol.NodeGroupNodesResponse{Instances: slices.Clone(s.Instances[r.GetId()])}, nil
}

// NodeGroupTemplateNodeInfo looks into Templates.
func (s *Server) NodeGroupTemplateNodeInfo(_ context.Context, r *protocol.NodeGroupTemplateNodeInfoRequest) (*protocol.NodeGroupTemplateNodeInfoResponse, error) {
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
func (s *Server) PricingNodePrice(_ context.Context, r *protocol.PricingNodePriceRequest) (*protocol.PricingNodePriceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	price, has := s.Prices[r.GetNode().GetLabels()["group"]]
	if !has {
		return nil, status.Error(codes.Unimplemented, "there are no prices")
	}
	return &protocol.PricingNodePriceResponse{Price: price * r.GetEndTimestamp().AsTime().Sub(r.GetStartTimestamp().AsTime()).Hours()}, nil
}

// NodeGroupGetOptions looks into Options.
func (s *Server) NodeGroupGetOptions(_ context.Context, r *protocol.NodeGroupAutoscalingOptionsRequest) (*protocol.NodeGroupAutoscalingOptionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	options, has := s.Options[r.GetId()]
	if !has {
		return nil, status.Error(codes.Unimplemented, "there are no options")
	}
	return &protocol.NodeGroupAutoscalingOptionsResponse{NodeGroupAutoscalingOptions: options}, nil
}
