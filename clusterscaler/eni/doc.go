// Package eni computes how many pods an EC2 instance type can hold under the Amazon VPC CNI, and what
// is left of its CPU and memory for them.
//
// A pod on the VPC network needs an address, and addresses hang on network interfaces (ENIs): a type
// has a fixed number of interfaces, and an interface a fixed number of addresses, whose first one the
// interface keeps for itself. A node therefore has two limits that answer different questions, and
// that are never compared with each other:
//
//	          all pods
//	.-------------------------.
//	| host network | VPC pods |      MaxPods bounds the whole: the number given to the kubelet
//	'--------------'----------'
//	                ^^^^^^^^^^       IPPods bounds these: the addresses that can be attached
//
// It guarantees that equal inputs give equal outputs, that IPPods and BranchPods never exceed MaxPods,
// that no count is negative, that Lookup and Compute allocate nothing (but for the notes of a result
// that has any), and that a size which is not known stays unknown instead of being zero.
//
// It does not read the cluster, the cloud or the CNI's settings, knows no subnets, and does not count
// the addresses that the CNI keeps warm. Interfaces of other network cards than the default one, and
// Windows nodes, are not modelled: ordinary pods do not use the former, and the latter have one
// interface.
//
// # Source and date of the table
//
// table_data.go holds facts published by four projects, as they stood at these commits:
//
//	aws/amazon-vpc-cni-k8s                   b52188387  2026-08-20  interfaces, addresses, hypervisor
//	aws/amazon-vpc-resource-controller-k8s   b8d425119  2026-04-23  trunking and branch interfaces
//	aws/karpenter-provider-aws               1d927085d  2026-08-21  vCPUs, memory, architecture
//	kubernetes/autoscaler                    55c37cd5e  2026-08-22  vCPUs and memory of 14 older types
//
// It is written by internal/gen from a JSON list of these facts:
//
//	ENI_LIMITS=/path/to/eni-limits.json go generate ./clusterscaler/eni
package eni

//go:generate go run ./internal/gen $ENI_LIMITS table_data.go
