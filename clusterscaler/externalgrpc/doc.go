// Package externalgrpc is the provider of node groups for every cloud that has a server of cluster-autoscaler's
// external gRPC protocol: the client's side of it.
//
// It guarantees that each call has a time limit and each answer a size limit, that only calls which change nothing are
// repeated, and that an error names server, call and group. A group about which the server says nothing sound stands
// still and says so, while the others go on, and no size is lowered below the nodes that stand; a server that cannot be
// reached is an error of the whole observation. It keeps nothing that must survive a restart.
package externalgrpc
