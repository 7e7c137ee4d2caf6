// Package protocol is cluster-autoscaler's protocol for a provider outside of it, as Go code: messages, client and
// server, made from externalgrpc.proto by `make protos`.
//
// It guarantees the names and field numbers of the wire, which are those of the package
// clusterautoscaler.cloudprovider.v1.externalgrpc that servers for cluster-autoscaler implement.
package protocol
