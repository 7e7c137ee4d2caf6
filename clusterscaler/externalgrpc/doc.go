// Package externalgrpc is the driver for every cloud that has a server of cluster-autoscaler's external gRPC protocol: the
// client's side of it.
//
// It guarantees that each call has a time limit and each answer a size limit, that only calls which change nothing are
// repeated, and that an error names server, call and group. A group about which the server says nothing sound says so, while the
// others go on; a server that cannot be reached is an error of the whole observation. It decides nothing: what to believe of what
// the server says is package fleet's. It keeps answers that hold for a while, and nothing that must survive a restart.
package externalgrpc
