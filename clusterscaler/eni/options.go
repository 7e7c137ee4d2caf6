package eni

import (
	"errors"
	"fmt"
)

// Errors of options that no node can have. Options.Validate wraps them with the value.
var (
	ErrNegative             = errors.New("must not be negative")
	ErrOverhead             = errors.New("must be at least 0 and less than 1")
	ErrIPv6CustomNetworking = errors.New("custom networking is an IPv4 feature: the CNI refuses it on IPv6 nodes")
	ErrIPv6SecurityGroups   = errors.New("security groups for pods are computed for IPv4 nodes only")
	ErrUnknownMode          = errors.New("unknown CNI mode; known: secondary-ip, prefix")
	ErrUnknownFamily        = errors.New("unknown IP family; known: ipv4, ipv6")
	ErrUnknownCap           = errors.New("unknown cap; known: recommended, none")
)

// StandardHostNetworkPods is the number of host-network pods that every EKS node runs, aws-node and
// kube-proxy. It is the "+2" of the max-pods formula.
const StandardHostNetworkPods = 2

// DefaultVMMemoryOverhead is the share of a machine's memory that the hypervisor keeps, by the
// estimate that Karpenter uses (--vm-memory-overhead-percent).
const DefaultVMMemoryOverhead = 0.075

// Options are the settings of the CNI and of the node that the answer depends on. The zero value is
// not the default: see DefaultOptions.
type Options struct {
	// Mode is how an interface's slots are used: ENABLE_PREFIX_DELEGATION of the CNI.
	Mode Mode
	// CustomNetworking gives pods their own subnets, AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG of the CNI.
	// The node's first interface then carries no pods.
	CustomNetworking bool
	// ReservedENIs are interfaces that something else uses, RESERVED_ENIS of Karpenter. Custom
	// networking and the trunk are taken off besides, so they need not be counted here.
	ReservedENIs int
	// MaxENIs lowers the number of interfaces, MAX_ENI of the CNI. Zero: no limit but the type's.
	MaxENIs int
	// SecurityGroupsForPods keeps one interface for the trunk, ENABLE_POD_ENI of the CNI, and adds the
	// type's branch interfaces.
	SecurityGroupsForPods bool
	// Family is the family of the pods' addresses.
	Family Family
	// HostNetworkPods is how many pods on a node need no address of their own.
	HostNetworkPods int
	// Cap bounds the number of pods of a node beyond what its addresses allow.
	Cap Cap
	// VMMemoryOverhead is the share of memory, from 0 to less than 1, that the hypervisor keeps.
	VMMemoryOverhead float64
}

// DefaultOptions are a new EKS cluster's: secondary addresses, IPv4, two host-network pods, no cap.
func DefaultOptions() Options {
	return Options{HostNetworkPods: StandardHostNetworkPods, VMMemoryOverhead: DefaultVMMemoryOverhead}
}

// Validate returns all reasons why no node can have these options, joined, or nil.
func (o Options) Validate() error {
	var problems []error
	counts := []struct {
		name  string
		value int
	}{{"reserved ENIs", o.ReservedENIs}, {"max ENIs", o.MaxENIs}, {"host-network pods", o.HostNetworkPods}}
	for _, c := range counts {
		if c.value < 0 {
			problems = append(problems, fmt.Errorf("%s %d: %w", c.name, c.value, ErrNegative))
		}
	}
	if !o.overheadValid() {
		problems = append(problems, fmt.Errorf("VM memory overhead %v: %w", o.VMMemoryOverhead, ErrOverhead))
	}
	if o.Family == IPv6 && o.CustomNetworking {
		problems = append(problems, ErrIPv6CustomNetworking)
	}
	if o.Family == IPv6 && o.SecurityGroupsForPods {
		problems = append(problems, ErrIPv6SecurityGroups)
	}
	return errors.Join(problems...)
}

// possible is Validate without the words, so that Compute need not allocate them.
func (o Options) possible() bool {
	return o.ReservedENIs >= 0 && o.MaxENIs >= 0 && o.HostNetworkPods >= 0 && o.overheadValid() &&
		!(o.Family == IPv6 && (o.CustomNetworking || o.SecurityGroupsForPods))
}

// overheadValid is false for NaN too.
func (o Options) overheadValid() bool { return o.VMMemoryOverhead >= 0 && o.VMMemoryOverhead < 1 }
